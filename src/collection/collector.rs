//! The loop of one target: collects at its interval, never concurrently, and sends every outcome to the publisher.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

use crate::clock::now;
use crate::cloud::discovery::Lister;
use crate::inventory::{Failure, Outcome, Reason, Resource, Target};
use crate::publication::publisher::{Event, Published};

/// Collects one target in a loop.
pub struct Collector {
    pub target: Target,
    pub lister: Lister,
    /// From start to start.
    pub interval: Duration,
    /// For one collection, at most the interval.
    pub deadline: Duration,
    pub requests_per_second: f64,
}

impl Collector {
    /// Collects until it is dropped or the publisher is gone. The first collection starts after `delay`.
    pub async fn run(
        mut self,
        delay: Duration,
        mut published: watch::Receiver<Arc<Published>>,
        events: mpsc::Sender<Event>,
    ) {
        let mut ticks = interval_at(Instant::now() + delay, self.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last = None;
        loop {
            ticks.tick().await;
            let Some(previous) = self.previous(&mut published, last).await else { return };
            let outcome = self.collect(&previous).await;
            last = Some(outcome.ended);
            if events.send(Event::Outcome(outcome)).await.is_err() {
                return;
            }
        }
    }

    /// Waits until the collection that ended at `last` is published, and returns the last successful listing.
    async fn previous(
        &self,
        published: &mut watch::Receiver<Arc<Published>>,
        last: Option<Timestamp>,
    ) -> Option<Arc<[Resource]>> {
        let is_current = |published: &Arc<Published>| {
            published.targets.contains_key(&self.target) && published.last_attempt(&self.target) >= last
        };
        Some(published.wait_for(is_current).await.ok()?.resources(&self.target))
    }

    /// One collection after `previous`.
    pub async fn collect(&mut self, previous: &Arc<[Resource]>) -> Outcome {
        let (started, clock) = (now(), Instant::now());
        let sent_before = self.sent();
        *self.lister.client.unsettled() = None;
        let listed = match timeout(self.deadline, self.lister.list(previous)).await {
            Ok(listed) => listed.map_err(Failure::from),
            Err(_) => Err(self.deadline_failure(self.sent() - sent_before)),
        };
        Outcome { target: self.target.clone(), started, ended: now(), took: clock.elapsed(), listed }
    }

    fn sent(&self) -> u64 {
        self.lister.client.attempts.load(Ordering::Relaxed)
    }

    /// What there was to wait for, where that is an error that may pass. Otherwise it says whether our own pace took most of the time: then settings help.
    fn deadline_failure(&self, sent: u64) -> Failure {
        if let Some(error) = self.lister.client.unsettled().take() {
            let message = format!("{error}; the collection did not end within {:?}", self.deadline);
            return Failure { reason: error.reason(), message };
        }
        let region = &self.target.region_id;
        let mut message = format!(
            "the collection of {region} did not finish within {:?}: {sent} requests were sent",
            self.deadline
        );
        let paced = sent as f64 / self.requests_per_second;
        if paced > self.deadline.as_secs_f64() / 2.0 {
            message += &format!(
                " at the configured {} per second; raise api.requests_per_second, or collect.deadline and \
                 collect.interval",
                self.requests_per_second
            );
        }
        Failure { reason: Reason::Deadline, message }
    }
}
