//! Connections that have not sent a whole request head: a bounded number of them, the oldest give way.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio::time::Instant;

/// When an idle connection is closed.
pub(super) type Deadline = Arc<watch::Sender<Instant>>;

/// All connections that wait for a head, in the order in which they began to.
pub(super) struct Waiting {
    cap: usize,
    connections: Mutex<Connections>,
}

#[derive(Default)]
struct Connections {
    next: u64,
    by_age: BTreeMap<u64, Deadline>,
}

impl Waiting {
    /// Lets at most `cap` connections wait.
    pub fn new(cap: usize) -> Self {
        Self { cap, connections: Mutex::default() }
    }

    /// Adds a waiting connection, which is closed at its `deadline`. If there are too many, the oldest is closed at
    /// once.
    pub fn enter(&self, deadline: &Deadline) -> u64 {
        let mut connections = self.lock();
        if connections.by_age.len() >= self.cap {
            connections.close_oldest();
        }
        let number = connections.next;
        connections.next += 1;
        connections.by_age.insert(number, Arc::clone(deadline));
        number
    }

    /// Removes connection `number`: its head has arrived, or it has ended.
    pub fn leave(&self, number: u64) {
        self.lock().by_age.remove(&number);
    }

    /// Closes the connection that has waited longest, if any waits.
    pub fn close_oldest(&self) {
        self.lock().close_oldest();
    }

    fn lock(&self) -> MutexGuard<'_, Connections> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connections {
    fn close_oldest(&mut self) {
        if let Some((_, oldest)) = self.by_age.pop_first() {
            oldest.send_replace(Instant::now());
        }
    }
}

/// Waits until a deadline that may be moved.
pub(super) async fn passed(mut deadline: watch::Receiver<Instant>) {
    loop {
        let at = *deadline.borrow_and_update();
        tokio::select! {
            () = tokio::time::sleep_until(at) => return,
            moved = deadline.changed() => if moved.is_err() { return },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn deadline() -> Deadline {
        Arc::new(watch::Sender::new(Instant::now() + Duration::from_secs(10)))
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_gives_way_when_too_many_wait() {
        let waiting = Waiting::new(2);
        let deadlines = [deadline(), deadline(), deadline(), deadline()];
        let first = waiting.enter(&deadlines[0]);
        waiting.enter(&deadlines[1]);
        waiting.leave(first);
        waiting.enter(&deadlines[2]);
        waiting.enter(&deadlines[3]);
        let closed = deadlines.map(|deadline| *deadline.borrow() <= Instant::now());
        assert_eq!(closed, [false, true, false, false]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_can_be_moved_both_ways() {
        let deadline = deadline();
        let started = Instant::now();
        let moved = async {
            deadline.send_replace(started + Duration::from_secs(60));
            tokio::task::yield_now().await;
            deadline.send_replace(started + Duration::from_secs(3));
        };
        tokio::join!(passed(deadline.subscribe()), moved);
        assert_eq!(started.elapsed(), Duration::from_secs(3));
    }
}
