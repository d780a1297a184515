//! What bounds our requests: a pace for each target, and permits for what is in flight.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, Semaphore, SemaphorePermit};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

/// The pace of one target's requests: never faster than its rate, without bursts.
pub struct Pace(Option<Mutex<Interval>>);

impl Pace {
    /// `requests_per_second` above 0, or infinity for no pacing.
    pub fn new(requests_per_second: f64) -> Self {
        if requests_per_second.is_infinite() {
            return Self(None);
        }
        let mut ticks = interval(Duration::from_secs_f64(1.0 / requests_per_second));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self(Some(Mutex::new(ticks)))
    }

    /// Waits until the next request may go.
    pub async fn wait(&self) {
        if let Some(ticks) = &self.0 {
            ticks.lock().await.tick().await;
        }
    }
}

/// Requests in flight, of all targets together. One host gets at most half of them, so that a host that hangs
/// leaves room for the others; and those of its targets that are slow get half of these, so that regions that hang
/// leave room for the others at the same host.
pub struct InFlight {
    all: Arc<Semaphore>,
    per_host: usize,
    hosts: BTreeMap<String, Arc<Host>>,
}

struct Host {
    all: Semaphore,
    slow: Semaphore,
}

/// A request that takes longer is slow, and so is the next one of its target.
const SLOW: Duration = Duration::from_secs(2);

impl InFlight {
    pub fn new(concurrency: usize) -> Self {
        let per_host = (concurrency / 2).max(1);
        Self { all: Arc::new(Semaphore::new(concurrency)), per_host, hosts: BTreeMap::new() }
    }

    /// The permits for requests of one target to `host`.
    pub fn permits(&mut self, host: &str) -> Permits {
        let slow = (self.per_host / 2).max(1);
        let new = || Arc::new(Host { all: Semaphore::new(self.per_host), slow: Semaphore::new(slow) });
        let host = self.hosts.entry(host.to_owned()).or_insert_with(new);
        Permits { host: Arc::clone(host), all: Arc::clone(&self.all), is_slow: AtomicBool::new(false) }
    }
}

pub struct Permits {
    host: Arc<Host>,
    all: Arc<Semaphore>,
    /// Whether the last request was slow.
    is_slow: AtomicBool,
}

/// For one request, held until it is dropped.
pub struct Permit<'a> {
    since: Instant,
    is_slow: &'a AtomicBool,
    _held: [Option<SemaphorePermit<'a>>; 3],
}

impl Permits {
    /// The host's permit comes first: who waits for a busy host holds nothing that others need.
    pub async fn acquire(&self) -> Permit<'_> {
        let open = "the semaphores are never closed";
        let slow = match self.is_slow.load(Ordering::Relaxed) {
            true => Some(self.host.slow.acquire().await.expect(open)),
            false => None,
        };
        let host = Some(self.host.all.acquire().await.expect(open));
        let all = Some(self.all.acquire().await.expect(open));
        Permit { since: Instant::now(), is_slow: &self.is_slow, _held: [all, host, slow] }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.is_slow.store(self.since.elapsed() > SLOW, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::{Instant, timeout};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_pace_of_two_per_second_lets_five_requests_pass_in_two_seconds() {
        let pace = Pace::new(2.0);
        let started = Instant::now();
        for _ in 0..5 {
            pace.wait().await;
        }
        assert_eq!(started.elapsed(), Duration::from_secs(2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_earns_no_burst() {
        let pace = Pace::new(2.0);
        pace.wait().await;
        tokio::time::advance(Duration::from_secs(60)).await;
        let started = Instant::now();
        for _ in 0..3 {
            pace.wait().await;
        }
        assert_eq!(started.elapsed(), Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn one_host_gets_at_most_half_of_the_permits() {
        let mut in_flight = InFlight::new(4);
        let (slow, other) = (in_flight.permits("slow"), in_flight.permits("other"));
        let _held = (slow.acquire().await, slow.acquire().await);
        let limit = Duration::from_secs(1);
        assert!(timeout(limit, slow.acquire()).await.is_err());
        assert!(timeout(limit, other.acquire()).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn regions_that_hang_leave_room_for_others_at_the_same_host() {
        let mut in_flight = InFlight::new(8);
        let hung: Vec<_> = (0..8).map(|_| in_flight.permits("host")).collect();
        for permits in &hung {
            let permit = permits.acquire().await;
            tokio::time::advance(SLOW * 2).await;
            drop(permit);
        }
        let held = (hung[0].acquire().await, hung[1].acquire().await);
        let limit = Duration::from_secs(1);
        assert!(timeout(limit, hung[2].acquire()).await.is_err());
        let healthy = in_flight.permits("host");
        assert!(timeout(limit, healthy.acquire()).await.is_ok());
        drop(held);
        drop(hung[2].acquire().await);
        assert!(!hung[2].is_slow.load(Ordering::Relaxed), "it is fast again");
    }

    #[tokio::test]
    async fn a_single_permit_still_lets_requests_pass() {
        let permits = InFlight::new(1).permits("host");
        drop(permits.acquire().await);
        drop(permits.acquire().await);
    }
}
