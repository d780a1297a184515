//! What sources need to ask others for credentials.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::Value;
use url::Url;

use super::error::{Cause, Missed};
use crate::cloud::api::endpoint::{Network, sts_endpoint};
use crate::cloud::api::{
    AccessKey, ApiError, Call, ErrorKind, Signature, Signer, Stamp, bounded_body, exchange, transport_problem,
};
use crate::cloud::pacing::Permits;
use crate::cloud::retry::retried;
use crate::instruments::ApiInstruments;

/// The ways to STS, the metadata server and a credentials URI.
pub struct Transport {
    /// For the cloud.
    pub http: reqwest::Client,
    /// For local addresses.
    pub direct: reqwest::Client,
    /// A template for the URL of STS.
    pub endpoint: Option<String>,
    pub network: Network,
    /// The region whose STS is asked where the source names none and the network is a VPC.
    pub region: Option<String>,
    pub permits: Permits,
    /// Attempts for one call to STS, the first included.
    pub max_attempts: usize,
    pub instruments: ApiInstruments,
}

/// Which STS is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StsHost {
    pub region: Option<String>,
    /// `None` = as the configuration's network.
    pub vpc: Option<bool>,
}

const STS_VERSION: &str = "2015-04-01";
/// One call to STS, with the waits between its attempts: others wait for its outcome.
const MAX_STS: Duration = Duration::from_secs(60);
/// An answer of the metadata server has 1 KB, one of STS 2 KB.
const MAX_ANSWER: usize = 64 << 10;

impl Transport {
    /// One call to STS, tried again where that may help.
    ///
    /// It is signed as version 1.0, whatever signs the other calls: so the official packages ask STS.
    pub async fn sts(
        &self,
        action: &str,
        parameters: Vec<(&str, String)>,
        host: &StsHost,
        key: Option<&AccessKey>,
    ) -> Result<Value, ApiError> {
        let network = match host.vpc {
            Some(true) => Network::Vpc,
            Some(false) => Network::Public,
            None => self.network,
        };
        let region = host.region.as_deref().or(self.region.as_deref().filter(|_| network == Network::Vpc));
        let parameters = parameters.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let call = Call {
            product: "sts",
            action,
            version: STS_VERSION,
            region: region.unwrap_or("the central region"),
            parameters,
        };
        let endpoint = sts_endpoint(self.endpoint.as_deref(), network, region).map_err(|error| {
            call.error(ErrorKind::Transport { problem: format!("the URL of STS {error}") }, None)
        })?;
        retried(self.max_attempts, MAX_STS, || self.attempt(&endpoint, &call, key)).await
    }

    async fn attempt(
        &self,
        endpoint: &Url,
        call: &Call<'_>,
        key: Option<&AccessKey>,
    ) -> Result<Value, ApiError> {
        let _permit = self.permits.acquire().await;
        let signer = key.map_or(Signer::Nobody, |key| Signer::Key(key, Signature::HmacSha1));
        let started = Instant::now();
        let whole = |answer: &serde_json_borrow::Value<'_>| Ok(answer.into());
        let result = exchange(&self.http, endpoint, call, signer, &Stamp::fresh(), whole).await;
        self.instruments.observe(call.action, started.elapsed(), result.as_ref().err().map(ApiError::code));
        result
    }

    /// Sends a request to a local address, and gives status and text of the answer.
    pub async fn ask(
        &self,
        request: reqwest::RequestBuilder,
        patience: Duration,
    ) -> Result<(StatusCode, String), Missed> {
        let unreachable = |error| Missed::failed(Cause::Unreachable, transport_problem(error));
        let malformed = |text: &str| Missed::failed(Cause::Malformed, text);
        let response = match request.timeout(patience).send().await {
            Ok(response) => response,
            Err(error) if error.is_connect() => return Err(Missed::NotConfigured(transport_problem(error))),
            Err(error) if error.is_builder() => {
                return Err(malformed(
                    "the request cannot be sent: it contains characters that are not allowed in a header",
                ));
            }
            Err(error) => return Err(unreachable(error)),
        };
        let status = response.status();
        let body = bounded_body(response, MAX_ANSWER).await.map_err(unreachable)?;
        let body = body.ok_or_else(|| malformed("the answer is longer than 64 KiB"))?;
        let text = String::from_utf8(body).map_err(|_| malformed("the answer is not UTF-8 text"))?;
        Ok((status, text))
    }
}
