//! Attempts at a call, with growing waits between them.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};

use crate::cloud::api::ApiError;

/// The first wait is below this, the next below twice as much, and so on.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const MAX_WAIT: Duration = Duration::from_secs(20);

/// However long the cloud asks to wait.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);

/// Attempts until one works, the error is one that stays, or there were `max_attempts`, the first included.
///
/// Between attempts it waits a random time below an exponentially growing bound ("full jitter"), or as long as the
/// cloud says, up to [`MAX_RETRY_AFTER`].
pub async fn retried<T, F>(max_attempts: usize, attempt: impl FnMut() -> F) -> Result<T, ApiError>
where
    F: Future<Output = Result<T, ApiError>>,
{
    let backoff = ExponentialBuilder::new()
        .with_min_delay(FIRST_WAIT)
        .with_max_delay(MAX_WAIT)
        .with_max_times(max_attempts.saturating_sub(1));
    attempt
        .retry(backoff)
        .when(ApiError::is_transient)
        .adjust(|error, bound| Some(wait(error, bound?)))
        .notify(|error, wait| tracing::debug!(%error, ?wait, "will try again"))
        .await
}

fn wait(error: &ApiError, bound: Duration) -> Duration {
    error.retry_after().map_or_else(|| jittered(bound), |asked| asked.min(MAX_RETRY_AFTER))
}

fn jittered(bound: Duration) -> Duration {
    bound.mul_f64(fastrand::f64())
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;
    use crate::cloud::api::ErrorKind;

    /// How long is waited between two attempts when the first one is told to wait.
    async fn waited(asked: Duration) -> Duration {
        let (start, mut attempts) = (Instant::now(), 0);
        let outcome = retried(2, || {
            attempts += 1;
            let kind = ErrorKind::Throttled { code: "Throttling".into(), retry_after: Some(asked) };
            let error = ApiError {
                product: "hbase".into(),
                action: "A".into(),
                region: "r".into(),
                request_id: None,
                kind,
            };
            std::future::ready(if attempts == 1 { Err(error) } else { Ok(()) })
        });
        outcome.await.unwrap();
        start.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn the_wait_that_the_cloud_asks_for_is_kept_to_but_never_beyond_a_minute() {
        for (asked, expected) in [(1, 1), (59, 59), (61, 60), (86_400, 60)] {
            assert_eq!(waited(Duration::from_secs(asked)).await.as_secs(), expected, "{asked}");
        }
    }
}
