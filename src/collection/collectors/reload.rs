//! Another configuration.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::Collectors;
use crate::collection::region_search::FoundRegions;
use crate::config::{Config, Problem, Problems, Reload};

/// From the start of a reload to that of the next one: requests that come in between are one.
pub(super) const BETWEEN_RELOADS: Duration = Duration::from_secs(1);

impl Collectors {
    pub(super) async fn reload<R>(
        &mut self,
        read: &R,
        found: &mpsc::Sender<FoundRegions>,
    ) -> Result<(), Problems>
    where
        R: Fn() -> Result<Config, Problems>,
    {
        let reloaded = match read() {
            Ok(config) => self.replace(config, found).await,
            Err(problems) => Err(problems),
        };
        self.links.instruments.config_read(reloaded.is_ok());
        match &reloaded {
            Ok(()) => tracing::info!("configuration reloaded"),
            Err(problems) => {
                tracing::error!("cannot reload the configuration, keeping the current one: {problems}")
            }
        }
        reloaded
    }

    async fn replace(&mut self, config: Config, found: &mpsc::Sender<FoundRegions>) -> Result<(), Problems> {
        for (path, value) in config.fixed() {
            if self.fixed.get(path).is_some_and(|before| *before != value) {
                tracing::warn!("{path} has changed; the change takes effect at the next start");
            }
        }
        self.assembly.reconfigure(&config).map_err(|error| {
            let text = format!("{error:#}");
            Problems(vec![Problem { origin: None, path: String::new(), text }])
        })?;
        self.config = config;
        self.settle(found).await;
        Ok(())
    }
}

/// The next request for a reload, not before `from`.
pub(super) async fn next(asked: &mut mpsc::Receiver<Reload>, from: Instant) -> Option<Reload> {
    sleep_until(from).await;
    asked.recv().await
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_reload_waits_until_a_second_after_the_one_before() {
        let (reloads, mut asked) = mpsc::channel(1);
        let began = Instant::now();
        for _ in 0..2 {
            reloads.try_send(oneshot::channel().0).unwrap();
            assert!(next(&mut asked, began + BETWEEN_RELOADS).await.is_some());
        }
        assert_eq!(began.elapsed(), BETWEEN_RELOADS);
    }
}
