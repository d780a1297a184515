//! What the simulated cloud holds.

use std::collections::BTreeMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp};

use super::answer::Answer;
use super::clusters::{Cluster, Clusters};
use super::error::CloudError;
use super::fault::{self, Fault, FaultRule};
use super::log::{Answered, RequestLog};
use super::operations::Operation;
use super::request::Request;
use super::signature::{self, Nonces};

/// Looks at the request that was just answered, and may change the cloud before the next one.
///
/// The request is not in the log yet, and the hook not in [`State::after_request`]; what it puts there replaces it.
pub type AfterRequest = Box<dyn FnMut(&mut State, &Answered) + Send>;

/// Everything there is in the cloud. Tests and the demo change any of it at any time, see [`super::Cloud::edit`].
#[derive(Default)]
pub struct State {
    /// By access key id.
    pub access_keys: BTreeMap<String, AccessKey>,
    /// By region id.
    pub regions: BTreeMap<String, Region>,
    pub limits: Limits,
    /// How far the cloud's clock is ahead of this machine's.
    pub clock_offset: SignedDuration,
    /// Tried in order; the first that fits a request is used for it.
    pub faults: Vec<FaultRule>,
    /// Keep whole requests in the log, with keys, tokens and signatures.
    pub record: bool,
    pub log: RequestLog,
    pub after_request: Option<AfterRequest>,
    nonces: Nonces,
    answered: u64,
}

/// The secret part of an access key, and the token of one that STS has given out.
#[derive(Clone)]
pub struct AccessKey {
    pub secret: String,
    pub security_token: Option<String>,
}

/// A region and the clusters in it.
#[derive(Clone, Debug, Default)]
pub struct Region {
    pub local_name: String,
    /// `RegionEndpoint` in DescribeRegions.
    pub endpoint: String,
    pub clusters: Clusters,
}

/// How much one request may ask for and one answer holds.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Documented: <https://www.alibabacloud.com/help/doc-detail/144595.htm>.
    pub max_page_size: usize,
    /// Documented, same page.
    pub default_page_size: usize,
    /// Rows in one answer of ListTagResources. HBase documents none; this is small so that paging is exercised.
    pub tag_rows: usize,
    /// `ResourceId.N` in one ListTagResources. HBase documents none; 50 is the limit of ECS, RDS, NAS and KMS.
    pub max_resource_ids: usize,
    /// `Tag.N` in one request. HBase documents none; 20 is the limit of NAS and KMS.
    pub max_tags: usize,
}

impl State {
    /// A healthy cloud with these regions, and no access key yet.
    pub fn new<'a>(regions: impl IntoIterator<Item = (&'a str, Region)>) -> Self {
        let regions = regions.into_iter().map(|(id, region)| (id.to_owned(), region)).collect();
        Self { regions, ..Self::default() }
    }

    /// Checks, answers and notes one request, as far as possible without a network.
    pub(super) fn answer(&mut self, request: &Request, now: Timestamp) -> Answer {
        let request_id = self.next_request_id();
        let (answer, fault) = match self.admit(request, now) {
            Ok(operation) => self.operate(operation, request, &request_id),
            Err(error) => (Answer::error(&error, request, &request_id), None),
        };
        let entry = Answered::new(request, &answer, fault, self.record);
        self.run_hook(&entry);
        self.log.push(entry);
        answer
    }

    /// Is the request whole, signed by a known key, recent, and new?
    fn admit(&mut self, request: &Request, now: Timestamp) -> Result<Operation, CloudError> {
        request.check_protocol()?;
        let operation = Operation::of(request)?;
        let cloud_now = now.saturating_add(self.clock_offset).unwrap_or(now);
        signature::check(request, &self.access_keys, cloud_now)?;
        self.nonces.use_once(request.nonce(), cloud_now)?;
        Ok(operation)
    }

    /// The answer of a healthy cloud, with what the first fitting fault makes of it.
    fn operate(
        &mut self,
        operation: Operation,
        request: &Request,
        request_id: &str,
    ) -> (Answer, Option<Fault>) {
        let healthy = match operation.run(self, request, request_id) {
            Ok(body) => Answer::json(200, request_id, body),
            Err(error) => Answer::error(&error, request, request_id),
        };
        match fault::take(&mut self.faults, request) {
            Some(fault) => (fault.apply(healthy, request, request_id), Some(fault)),
            None => (healthy, None),
        }
    }

    fn run_hook(&mut self, entry: &Answered) {
        if let Some(mut hook) = self.after_request.take() {
            hook(self, entry);
            self.after_request.get_or_insert(hook);
        }
    }

    /// Counts up, so that a run can be repeated and compared.
    fn next_request_id(&mut self) -> String {
        self.answered += 1;
        format!("51A1A000-0000-4000-8000-{:012X}", self.answered)
    }
}

impl AccessKey {
    /// A key that does not expire and needs no token.
    pub fn long_term(secret: &str) -> Self {
        Self { secret: secret.to_owned(), security_token: None }
    }

    /// A key as STS gives it out, valid only together with its token.
    pub fn temporary(secret: &str, security_token: &str) -> Self {
        Self { secret: secret.to_owned(), security_token: Some(security_token.to_owned()) }
    }
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessKey").field("temporary", &self.security_token.is_some()).finish_non_exhaustive()
    }
}

impl Region {
    /// A region with these clusters and the product's central endpoint.
    pub fn new(local_name: &str, clusters: impl IntoIterator<Item = Cluster>) -> Self {
        Self {
            local_name: local_name.to_owned(),
            endpoint: "hbase.aliyuncs.com".to_owned(),
            clusters: clusters.into_iter().collect(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_page_size: 100, default_page_size: 10, tag_rows: 20, max_resource_ids: 50, max_tags: 20 }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::simulator::signature::example::signed;
    use crate::simulator::synthetic;

    fn ask(state: &mut State, action: &str, parameters: &[(&str, &str)]) -> Answer {
        let now = Timestamp::now();
        let stamp = now.saturating_add(state.clock_offset).unwrap();
        state.answer(&signed(action, parameters, stamp), now)
    }

    fn ids(answer: &Answer) -> Vec<String> {
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        let instances = body["Instances"]["Instance"].as_array().unwrap().iter();
        instances.map(|instance| instance["InstanceId"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn every_request_is_answered_and_noted() {
        let mut state = synthetic(1, 3, 2);
        state.record = true;
        assert_eq!(ask(&mut state, "ListTags", &[]).status, 200);
        assert_eq!(ask(&mut state, "DropEverything", &[]).status, 404);
        let notes: Vec<_> = state.log.iter().map(|entry| (entry.status, entry.code.as_deref())).collect();
        assert_eq!(notes, [(Some(200), None), (Some(404), Some("InvalidAction.NotFound"))]);
        let recorded = state.log.iter().next().unwrap().recorded.clone().unwrap();
        assert_eq!(recorded.parameters()["AccessKeyId"], "testid");
    }

    #[test]
    fn the_same_request_is_not_answered_twice() {
        let (mut state, now) = (synthetic(1, 3, 2), Timestamp::now());
        let request = signed("ListTags", &[], now);
        assert_eq!(state.answer(&request, now).code, None);
        assert_eq!(state.answer(&request, now).code.as_deref(), Some("SignatureNonceUsed"));
    }

    #[test]
    fn the_cloud_goes_by_its_own_clock() {
        let (mut state, now) = (synthetic(1, 3, 2), Timestamp::now());
        state.clock_offset = SignedDuration::from_hours(1);
        assert_eq!(ask(&mut state, "ListTags", &[]).code, None);
        let late = state.answer(&signed("ListTags", &[], now), now);
        assert_eq!(late.code.as_deref(), Some("InvalidTimeStamp.Expired"));
    }

    #[test]
    fn a_refused_request_uses_up_no_fault() {
        let mut state = synthetic(1, 3, 2);
        state.faults.push(FaultRule { times: Some(1), ..FaultRule::of(Fault::Status(503)) });
        let key = state.access_keys.remove("testid").unwrap();
        assert_eq!(ask(&mut state, "ListTags", &[]).code.as_deref(), Some("InvalidAccessKeyId.NotFound"));
        state.access_keys.insert("testid".to_owned(), key);
        assert_eq!(ask(&mut state, "ListTags", &[]).code.as_deref(), Some("ServiceUnavailable"));
        assert_eq!(ask(&mut state, "ListTags", &[]).code, None);
    }

    #[test]
    fn a_hook_can_delete_a_cluster_between_two_pages() {
        let mut state = synthetic(1, 4, 0);
        state.after_request = Some(Box::new(|state, answered| {
            if answered.parameters.get("PageNumber").is_some_and(|page| page == "1") {
                let clusters = &mut state.regions.get_mut("cn-hangzhou").unwrap().clusters;
                let first = clusters.iter().next().unwrap().id().to_owned();
                clusters.remove(&first);
            }
        }));
        let mut page =
            |number| ids(&ask(&mut state, "DescribeInstances", &[("PageSize", "2"), ("PageNumber", number)]));
        let (first, second) = (page("1"), page("2"));
        assert_eq!(first, ["hb-sim0000000000", "ld-sim0000000001"]);
        assert_eq!(second, ["hb-sim0000000003"], "bds-sim0000000002 moved to page 1 unseen");
    }

    #[test]
    fn a_repeated_token_is_taken_back_for_ever() {
        let mut state = synthetic(1, 1, 3);
        state.faults.push(FaultRule::of(Fault::RepeatToken));
        let mut token = String::new();
        for _ in 0..3 {
            let parameters = [("ResourceId.1", "hb-sim0000000000"), ("NextToken", &token)];
            let body: Value =
                serde_json::from_str(&ask(&mut state, "ListTagResources", &parameters).body).unwrap();
            assert_eq!(body["TagResources"]["TagResource"].as_array().unwrap().len(), 3);
            let next = body["NextToken"].as_str().unwrap().to_owned();
            assert!(token.is_empty() || token == next);
            token = next;
        }
    }

    #[test]
    fn a_key_does_not_print_its_secret() {
        let key = format!("{:?}", AccessKey::temporary("tell-no-one", "nor-this"));
        assert!(!key.contains("tell-no-one") && !key.contains("nor-this"), "{key}");
    }
}
