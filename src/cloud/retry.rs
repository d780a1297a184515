//! Attempts at a call, with growing waits between them.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};

use crate::cloud::api::ApiError;

/// The first wait is below this, the next below twice as much, and so on.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// Attempts until one works, the error is one that stays, or there were `max_attempts`, the first included.
///
/// Between attempts it waits a random time below an exponentially growing bound ("full jitter"), or as long as the
/// cloud says.
pub async fn retried<T, F>(max_attempts: usize, attempt: impl FnMut() -> F) -> Result<T, ApiError>
where
    F: Future<Output = Result<T, ApiError>>,
{
    let backoff = ExponentialBuilder::new()
        .with_min_delay(FIRST_WAIT)
        .with_max_delay(LONGEST_WAIT)
        .with_max_times(max_attempts.saturating_sub(1));
    attempt
        .retry(backoff)
        .when(ApiError::is_transient)
        .adjust(|error, bound| Some(error.retry_after().unwrap_or(jittered(bound?))))
        .notify(|error, wait| tracing::debug!(%error, ?wait, "will try again"))
        .await
}

fn jittered(bound: Duration) -> Duration {
    bound.mul_f64(fastrand::f64())
}
