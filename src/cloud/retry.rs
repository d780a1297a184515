//! Attempts at a call, with growing waits between them.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use tokio::time::Instant;

use crate::cloud::api::ApiError;

/// The first wait is below this, the next below twice as much, and so on.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const MAX_WAIT: Duration = Duration::from_secs(20);

/// However long the cloud asks to wait.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);

/// Attempts until one works, the error is one that stays, or there were `max_attempts`, the first included.
///
/// Between attempts it waits a random time below an exponentially growing bound ("full jitter"), or as long as the
/// cloud says, up to `MAX_RETRY_AFTER`. A wait that would last past `patience` is not begun: the error that it is for
/// is the outcome.
pub async fn retried<T, F>(
    max_attempts: usize,
    patience: Duration,
    attempt: impl FnMut() -> F,
) -> Result<T, ApiError>
where
    F: Future<Output = Result<T, ApiError>>,
{
    let began = Instant::now();
    let backoff = ExponentialBuilder::new()
        .with_min_delay(FIRST_WAIT)
        .with_max_delay(MAX_WAIT)
        .with_max_times(max_attempts.saturating_sub(1));
    attempt
        .retry(backoff)
        .when(ApiError::is_transient)
        .adjust(|error, bound| Some(wait(error, bound?)).filter(|wait| began.elapsed() + *wait < patience))
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
    use std::cell::Cell;

    use super::*;
    use crate::cloud::api::ErrorKind;

    const PATIENCE: Duration = Duration::from_secs(100);

    fn error(kind: &ErrorKind) -> ApiError {
        let (product, action, region) = ("hbase".to_owned(), "A".to_owned(), "r".to_owned());
        ApiError { product, permission: None, action, region, request_id: None, kind: kind.clone() }
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_past_the_patience_is_not_begun_and_its_error_is_the_outcome() {
        let kind = ErrorKind::Throttled { code: "Throttling".to_owned(), retry_after: Some(PATIENCE) };
        let started = Instant::now();
        let outcome = retried(9, PATIENCE, || async { Err::<(), _>(error(&kind)) }).await;
        assert_eq!(outcome.unwrap_err().kind, kind);
        assert_eq!(started.elapsed(), MAX_RETRY_AFTER);
    }

    /// How long it takes until the second attempt, when the first one failed with `kind`.
    async fn waited(kind: ErrorKind) -> Duration {
        let (started, attempts) = (Instant::now(), Cell::new(0));
        let attempt = || {
            attempts.set(attempts.get() + 1);
            let answer = if attempts.get() == 1 { Err(error(&kind)) } else { Ok(()) };
            async move { answer }
        };
        retried(2, PATIENCE, attempt).await.unwrap();
        started.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn it_waits_as_long_as_the_cloud_says_up_to_a_minute_and_else_below_the_bound() {
        let code = || "Throttling.User".to_owned();
        for (told, expected) in [(1, 1), (47, 47), (61, 60), (86_400, 60)] {
            let told = Some(Duration::from_secs(told));
            let wait = waited(ErrorKind::Throttled { code: code(), retry_after: told }).await;
            assert_eq!(wait.as_secs(), expected, "{told:?}");
        }
        let wait = waited(ErrorKind::Throttled { code: code(), retry_after: None }).await;
        assert!(wait <= FIRST_WAIT, "{wait:?}");
    }
}
