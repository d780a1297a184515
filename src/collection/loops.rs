//! Tasks that run until they are stopped, by key, each with the inputs it was started from.

use std::collections::BTreeMap;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub(super) struct Loops<K, P> {
    running: BTreeMap<K, Running<P>>,
}

struct Running<P> {
    parts: P,
    stop: CancellationToken,
    /// Cancelled once the task has ended.
    ended: CancellationToken,
}

impl<K, P> Default for Loops<K, P> {
    fn default() -> Self {
        Self { running: BTreeMap::new() }
    }
}

impl<K: Ord + Clone, P: PartialEq> Loops<K, P> {
    /// Stops the tasks that are no longer wanted, or whose inputs differ, and waits until they have ended. Returns the
    /// keys of the stopped ones.
    pub async fn keep(&mut self, wanted: &BTreeMap<K, P>) -> Vec<K> {
        let stays = |key: &K, running: &Running<P>| wanted.get(key) == Some(&running.parts);
        let stopped: Vec<_> = self
            .running
            .iter()
            .filter(|(key, running)| !stays(key, running))
            .map(|(key, _)| key.clone())
            .collect();
        for key in &stopped {
            self.running[key].stop.cancel();
        }
        for key in &stopped {
            if let Some(running) = self.running.remove(key) {
                running.ended.cancelled().await;
            }
        }
        stopped
    }

    pub fn has(&self, key: &K) -> bool {
        self.running.contains_key(key)
    }

    /// Starts a task in `tasks`. It is dropped at its next await once it is stopped or `stop` is cancelled.
    pub fn start<F>(&mut self, tasks: &mut JoinSet<()>, stop: &CancellationToken, key: K, parts: P, work: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (stop, ended) = (stop.child_token(), CancellationToken::new());
        let (stopped, guard) = (stop.clone(), ended.clone().drop_guard());
        tasks.spawn(async move {
            let _guard = guard;
            stopped.run_until_cancelled(work).await;
        });
        self.running.insert(key, Running { parts, stop, ended });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn those_that_stay_go_on_and_the_others_have_ended_when_they_are_reported() {
        let (mut loops, mut tasks, stop) = (Loops::default(), JoinSet::new(), CancellationToken::new());
        for (key, parts) in [("stays", 1), ("changes", 1), ("goes", 1)] {
            loops.start(&mut tasks, &stop, key, parts, std::future::pending());
        }
        let stopped = loops.keep(&BTreeMap::from([("stays", 1), ("changes", 2), ("comes", 1)])).await;
        assert_eq!(stopped, ["changes", "goes"]);
        assert!(loops.has(&"stays") && !loops.has(&"changes"));
        for _ in stopped {
            tasks.join_next().await.unwrap().unwrap();
        }
        assert_eq!(tasks.len(), 1);
        stop.cancel();
        tasks.join_next().await.unwrap().unwrap();
    }
}
