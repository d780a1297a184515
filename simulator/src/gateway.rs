//! The way of a request through the cloud: admitted, answered, spoiled by a fault where one is due, and noted.

use jiff::Timestamp;

use super::error::CloudError;
use super::fault::{self, Fault};
use super::local::LocalSource;
use super::log::Answered;
use super::operations::Operation;
use super::request::Request;
use super::response::Answer;
use super::signature;
use super::state::State;

/// What a request is for.
enum Door {
    Api(Operation),
    /// The metadata server, or the credentials URI.
    Local(LocalSource),
}

impl State {
    /// Checks, answers and notes one request, as far as possible without a network.
    pub(super) fn answer(&mut self, request: &Request, now: Timestamp) -> Answer {
        let request_id = self.next_request_id();
        let cloud_now = now.saturating_add(self.clock_offset).unwrap_or(now);
        let (answer, fault) = match self.admit(request, cloud_now) {
            Ok(door) => self.operate(door, request, &request_id, cloud_now),
            Err(error) => (Answer::error(&error, request, &request_id), None),
        };
        let entry = Answered::new(request, &answer, fault, self.record);
        self.run_hook(&entry);
        self.log.push(entry);
        answer
    }

    /// Is the request whole, signed by a known key, recent, and new? What stands beside the API asks for less.
    fn admit(&mut self, request: &Request, now: Timestamp) -> Result<Door, CloudError> {
        if let Some(local) = LocalSource::of(request) {
            return Ok(Door::Local(local));
        }
        request.check_protocol()?;
        let operation = Operation::of(self, request)?;
        if operation.is_signed() {
            signature::check(request, &self.access_keys, now)?;
            self.nonces.use_once(request.nonce(), now)?;
        } else {
            signature::check_unsigned(request, now)?;
        }
        Ok(Door::Api(operation))
    }

    /// The answer of a healthy cloud, with what the first fitting fault makes of it.
    fn operate(
        &mut self,
        door: Door,
        request: &Request,
        request_id: &str,
        now: Timestamp,
    ) -> (Answer, Option<Fault>) {
        let answered = match door {
            Door::Api(operation) => operation.run(self, request, request_id, now),
            Door::Local(local) => local.run(self, request, now),
        };
        let healthy = match answered {
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

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::signature::example::signed;
    use crate::{FaultRule, synthetic};
    use jiff::SignedDuration;

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
                let clusters = state.regions.get_mut("cn-hangzhou").unwrap().of_mut("hbase");
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
}
