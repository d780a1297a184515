//! The loop of one target: collects at its interval, never twice at once, and hands every outcome on.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tokio_util::sync::CancellationToken;

use crate::clock::now;
use crate::cloud::discovery::Lister;
use crate::inventory::{Failure, Listing, Outcome, Resource, Target};
use crate::publication::publisher::Event;

/// What one target's loop needs.
pub struct Collector {
    pub target: Target,
    pub lister: Lister,
    /// From start to start.
    pub interval: Duration,
    /// For one collection, at most the interval.
    pub deadline: Duration,
    pub requests_per_second: f64,
    /// The last listing that worked; empty before the first.
    pub previous: Arc<[Resource]>,
}

impl Collector {
    /// Collects until it is stopped; a collection that is under way then is dropped.
    /// The first one starts after `delay`.
    pub async fn run(mut self, delay: Duration, events: mpsc::Sender<Event>, stop: CancellationToken) {
        let mut ticks = interval_at(Instant::now() + delay, self.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let collecting = async {
            loop {
                ticks.tick().await;
                if events.send(Event::Outcome(self.collect().await)).await.is_err() {
                    return;
                }
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = collecting => {}
        }
    }

    /// One collection.
    pub async fn collect(&mut self) -> Outcome {
        let (started, clock) = (now(), Instant::now());
        let sent_before = self.sent();
        let listed = match timeout(self.deadline, self.lister.list(&self.previous)).await {
            Ok(listed) => listed.map_err(Failure::from),
            Err(_) => Err(self.deadline_failure(self.sent() - sent_before)),
        };
        if let Ok(Listing { resources, .. }) = &listed {
            self.previous = Arc::clone(resources);
        }
        Outcome { target: self.target.clone(), started, ended: now(), took: clock.elapsed(), listed }
    }

    fn sent(&self) -> u64 {
        self.lister.client.attempts.load(Ordering::Relaxed)
    }

    /// Whether our own pace took most of the time is told: then settings help.
    fn deadline_failure(&self, sent: u64) -> Failure {
        let region = &self.target.region_id;
        let mut message = format!(
            "the collection of {region} did not end within {:?}: {sent} requests were sent",
            self.deadline
        );
        let paced = sent as f64 / self.requests_per_second;
        if paced > self.deadline.as_secs_f64() / 2.0 {
            message += &format!(
                " at our own pace of {} per second; raise api.requests_per_second, or collect.deadline and \
                 collect.interval",
                self.requests_per_second
            );
        }
        Failure { reason: "deadline", message }
    }
}
