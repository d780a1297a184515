//! Calls to one product in one region: credentials, pacing and retries around the exchange.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json_borrow::Value;
use url::Url;

use crate::cloud::api::{AccessKey, ApiError, Call, ErrorKind, Signature, Signer, Stamp, exchange};
use crate::cloud::catalog::{Api, Product};
use crate::cloud::credentials::{AtHand, CredentialsError, Provider};
use crate::cloud::pacing::{Pace, Permits};
use crate::cloud::retry::retried;
use crate::instruments::ApiInstruments;

/// Calls one product in one region for one account.
pub struct Client {
    pub http: reqwest::Client,
    pub endpoint: Url,
    pub product: Arc<Product>,
    pub api: Arc<Api>,
    pub region: String,
    pub credentials: Arc<Provider>,
    pub signature: Signature,
    pub pace: Arc<Pace>,
    pub permits: Permits,
    /// Attempts for one call, the first included.
    pub max_attempts: usize,
    /// For one call, with the waits between its attempts.
    pub patience: Duration,
    pub instruments: ApiInstruments,
    /// Attempts so far, of all calls.
    pub attempts: AtomicU64,
    /// Why the call that is being made has to be tried again, if it has.
    pub unsettled: Mutex<Option<ApiError>>,
}

impl Client {
    /// Calls `action` until `decode` accepts an answer, the error is one that stays, or the attempts are used up.
    pub async fn call<T>(
        &self,
        action: &str,
        parameters: BTreeMap<String, String>,
        decode: impl Fn(&Value<'_>) -> Result<T, String>,
    ) -> Result<T, ApiError> {
        let Self { api, region, .. } = self;
        let call = Call { product: api.ram_prefix(), action, version: &api.version, region, parameters };
        retried(self.max_attempts, self.patience, || self.attempt(&call, &decode))
            .await
            .map_err(|error| ApiError { permission: self.product.permission(action), ..error })
    }

    /// One request, and one more with newer credentials where the cloud does not accept those that signed it.
    async fn attempt<T>(
        &self,
        call: &Call<'_>,
        decode: impl Fn(&Value<'_>) -> Result<T, String>,
    ) -> Result<T, ApiError> {
        let (key, answered) = self.send(call, &decode).await?;
        let answered = match answered {
            Err(error) if error.is_key_refused() && self.credentials.has_newer_than(&key).await => {
                self.send(call, &decode).await?.1
            }
            answered => answered,
        };
        *self.unsettled() = answered.as_ref().err().filter(|error| error.is_transient()).cloned();
        answered
    }

    /// Why the last attempt of the call that is being made was none to go on with.
    pub fn unsettled(&self) -> MutexGuard<'_, Option<ApiError>> {
        self.unsettled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends when it may, signed with what is the key by then: its file is read once, after every wait.
    async fn send<T>(
        &self,
        call: &Call<'_>,
        decode: impl Fn(&Value<'_>) -> Result<T, String>,
    ) -> Result<(AccessKey, Result<T, ApiError>), ApiError> {
        let failed =
            |error: CredentialsError| call.error(ErrorKind::Credentials { problem: error.to_string() }, None);
        self.pace.wait().await;
        let (_permit, key) = loop {
            let permit = self.permits.acquire().await;
            match self.credentials.at_hand().await.map_err(failed)? {
                AtHand::Key(key) => break (permit, key),
                AtHand::Nothing(found) => {
                    // Who waits for new credentials holds nothing that others need.
                    drop(permit);
                    self.credentials.ask(found).await.map_err(failed)?;
                }
            }
        };
        self.attempts.fetch_add(1, Ordering::Relaxed);
        let started = Instant::now();
        let signer = Signer::Key(&key, self.signature);
        let result = exchange(&self.http, &self.endpoint, call, signer, &Stamp::fresh(), decode).await;
        self.instruments.observe(call.action, started.elapsed(), result.as_ref().err().map(ApiError::code));
        Ok((key, result))
    }
}
