//! What can go wrong between an exporter and the cloud.
//!
//! A fault meets a request that is known, signed and new, so it is never used up by one that is refused anyway. The
//! healthy answer is made first; [`Fault::apply`] is the one place that spoils it.

use std::time::Duration;

use serde_json::{Value, json};

use super::error::CloudError;
use super::request::Request;
use super::response::{Answer, Delivery};
use super::{next_token, signature};

/// Which requests go wrong, and how. `FaultRule { times: Some(1), ..FaultRule::of(Fault::Abort) }` is one abort.
#[derive(Clone, Debug)]
pub struct FaultRule {
    /// Only this operation.
    pub action: Option<String>,
    /// Only requests for this region.
    pub region: Option<String>,
    /// How many fitting requests still pass before the first one is hit.
    pub skip: u32,
    /// How many requests are still hit; `None` is all.
    pub times: Option<u32>,
    pub fault: Fault,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// 400 Throttling.User, and `x-acs-retry-after` where a wait is given.
    Throttle { retry_after_ms: Option<u64> },
    /// This HTTP status, with ServiceUnavailable for 503 and InternalError for the others.
    Status(u16),
    /// Any error of the cloud, for example 403 Forbidden.RAM.
    Code { status: u16, code: String },
    /// The connection closes without an answer.
    Abort,
    /// The connection closes after half of the announced body.
    Truncate,
    /// A whole HTTP answer whose JSON ends in the middle.
    CutJson,
    /// The right answer, late.
    Slow(Duration),
    /// InvalidTimeStamp.Expired.
    ClockSkew,
    /// SignatureNonceUsed.
    NonceUsed,
    /// SignatureDoesNotMatch, which echoes the string to sign.
    SignatureMismatch,
    /// A listing gives the token of its first page with every page: whoever follows it goes in circles.
    RepeatToken,
    /// InvalidNextToken.
    WrongToken,
    /// 502 with a page for people, as a proxy answers.
    Html,
    /// The same page with status 200, as a login portal answers.
    HtmlOk,
    /// 200 with an empty body.
    Empty,
    /// 200 with `null`.
    Null,
    /// 200 with `{}`.
    EmptyObject,
    /// 200 with this body.
    Body(String),
    /// 302 to this place.
    Redirect(String),
    /// A list stands where the object around the listing belongs: `"Instances": [{"Instance": […]}]`.
    ListInstead,
}

const PAGE: &str =
    "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>Bad Gateway</body></html>";

impl FaultRule {
    /// The fault for every request, for good.
    pub fn of(fault: Fault) -> Self {
        Self { action: None, region: None, skip: 0, times: None, fault }
    }

    fn fits(&self, request: &Request) -> bool {
        let fits =
            |wanted: &Option<String>, value: &str| wanted.as_ref().is_none_or(|wanted| wanted == value);
        self.times != Some(0) && fits(&self.action, &request.action()) && fits(&self.region, request.region())
    }

    /// Counts a fitting request. Is it hit?
    fn hits(&mut self) -> bool {
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        self.times = self.times.map(|times| times.saturating_sub(1));
        true
    }
}

/// The fault that hits this request. Rules are asked in their order, up to the first hit.
pub(super) fn take(rules: &mut [FaultRule], request: &Request) -> Option<Fault> {
    let rule =
        rules.iter_mut().filter(|rule| rule.fits(request)).find_map(|rule| rule.hits().then_some(rule))?;
    Some(rule.fault.clone())
}

impl Fault {
    /// Makes of a healthy answer what this fault makes of it.
    pub(super) fn apply(&self, healthy: Answer, request: &Request, request_id: &str) -> Answer {
        let refuse = |error: CloudError| Answer::error(&error, request, request_id);
        let instead = |body: &str| Answer::json(200, request_id, body.to_owned());
        match self {
            Self::Throttle { retry_after_ms } => refuse(throttled(*retry_after_ms)),
            Self::Status(status) => refuse(unavailable(*status)),
            Self::Code { status, code } => {
                refuse(CloudError::new(*status, code, "The simulator was told to refuse this."))
            }
            Self::ClockSkew => refuse(signature::expired()),
            Self::NonceUsed => refuse(signature::nonce_used()),
            Self::SignatureMismatch => refuse(signature::mismatch(request)),
            Self::WrongToken => refuse(next_token::invalid()),
            Self::Abort => Answer { delivery: Delivery::Never, ..healthy },
            Self::Truncate => Answer { delivery: Delivery::BreaksOff, ..healthy },
            Self::Slow(delay) => Answer { delay: *delay, ..healthy },
            Self::CutJson => edit_body(healthy, |body| first_half(&body).to_owned()),
            Self::RepeatToken => edit_json(healthy, |json| repeat_token(json, request)),
            Self::ListInstead => edit_json(healthy, list_instead),
            Self::Html => Answer::html(502, request_id, PAGE),
            Self::HtmlOk => Answer::html(200, request_id, PAGE),
            Self::Empty => instead(""),
            Self::Null => instead("null"),
            Self::EmptyObject => instead("{}"),
            Self::Body(body) => instead(body),
            Self::Redirect(place) => {
                Answer { location: Some(place.clone()), ..Answer::html(302, request_id, PAGE) }
            }
        }
    }
}

/// Documented for ECS and others: 400, <https://help.aliyun.com/document_detail/48054.html>.
fn throttled(retry_after_ms: Option<u64>) -> CloudError {
    let error = CloudError::bad("Throttling.User", "Request was denied due to user flow control.");
    CloudError { retry_after_ms, ..error }
}

fn unavailable(status: u16) -> CloudError {
    match status {
        503 => CloudError::new(
            503,
            "ServiceUnavailable",
            "The request has failed due to a temporary failure of the server.",
        ),
        _ => CloudError::new(
            status,
            "InternalError",
            "The request processing has failed due to some unknown error.",
        ),
    }
}

/// The first half of a text, and no half of a character.
pub(super) fn first_half(text: &str) -> &str {
    (text.len() / 2..=text.len()).find_map(|end| text.get(..end)).unwrap_or_default()
}

fn edit_body(answer: Answer, edit: impl FnOnce(String) -> String) -> Answer {
    Answer { body: edit(answer.body), ..answer }
}

/// Changes the JSON object of a successful answer; anything else stays.
fn edit_json(answer: Answer, edit: impl FnOnce(&mut serde_json::Map<String, Value>)) -> Answer {
    match serde_json::from_str(&answer.body) {
        Ok(Value::Object(mut object)) if answer.code.is_none() => {
            edit(&mut object);
            edit_body(answer, |_| Value::Object(object).to_string())
        }
        _ => answer,
    }
}

fn repeat_token(answer: &mut serde_json::Map<String, Value>, request: &Request) {
    if answer.contains_key("NextToken") {
        answer.insert("NextToken".to_owned(), json!(next_token::write(0, "NextToken", request)));
    }
}

fn list_instead(answer: &mut serde_json::Map<String, Value>) {
    for value in answer.values_mut().filter(|value| value.is_object()) {
        *value = json!([value.take()]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing() -> Request {
        Request::from_parameters("GET", &[("Action", "ListTagResources"), ("RegionId", "cn-hangzhou")])
    }

    fn spoiled(fault: &Fault) -> Answer {
        let body = r#"{"NextToken":"","TagResources":{"TagResource":[]}}"#.to_owned();
        fault.apply(Answer::json(200, "id", body), &listing(), "id")
    }

    fn hits(rule: FaultRule) -> Vec<bool> {
        let mut rules = [rule];
        (0..4).map(|_| take(&mut rules, &listing()).is_some()).collect()
    }

    #[test]
    fn a_rule_waits_hits_and_is_used_up() {
        let rule = FaultRule::of(Fault::Abort);
        assert_eq!(hits(rule.clone()), [true; 4]);
        assert_eq!(hits(FaultRule { skip: 1, times: Some(2), ..rule.clone() }), [false, true, true, false]);
        assert_eq!(hits(FaultRule { action: Some("ListTags".to_owned()), ..rule.clone() }), [false; 4]);
        assert_eq!(hits(FaultRule { region: Some("cn-shanghai".to_owned()), ..rule }), [false; 4]);
    }

    #[test]
    fn the_next_rule_is_asked_when_the_first_lets_a_request_pass() {
        let first = FaultRule { skip: 1, ..FaultRule::of(Fault::Abort) };
        let mut rules = [first, FaultRule::of(Fault::Null)];
        let faults = [take(&mut rules, &listing()), take(&mut rules, &listing())];
        assert_eq!(faults, [Some(Fault::Null), Some(Fault::Abort)]);
    }

    #[test]
    fn errors_have_their_status_and_code() {
        for (fault, status, code) in [
            (Fault::Throttle { retry_after_ms: Some(50) }, 400, "Throttling.User"),
            (Fault::Status(503), 503, "ServiceUnavailable"),
            (Fault::Status(500), 500, "InternalError"),
            (Fault::Code { status: 403, code: "Forbidden.RAM".to_owned() }, 403, "Forbidden.RAM"),
            (Fault::ClockSkew, 400, "InvalidTimeStamp.Expired"),
            (Fault::NonceUsed, 400, "SignatureNonceUsed"),
            (Fault::SignatureMismatch, 400, "SignatureDoesNotMatch"),
            (Fault::WrongToken, 400, "InvalidNextToken"),
        ] {
            let answer = spoiled(&fault);
            assert_eq!((answer.status, answer.code.as_deref()), (status, Some(code)));
        }
        assert_eq!(spoiled(&Fault::Throttle { retry_after_ms: Some(50) }).retry_after_ms, Some(50));
    }

    #[test]
    fn bodies_are_spoiled_as_announced() {
        for (fault, body) in [
            (Fault::Empty, ""),
            (Fault::Null, "null"),
            (Fault::EmptyObject, "{}"),
            (Fault::CutJson, r#"{"NextToken":"","TagResou"#),
            (Fault::ListInstead, r#"{"NextToken":"","TagResources":[{"TagResource":[]}]}"#),
        ] {
            assert_eq!(spoiled(&fault).body, body);
        }
        assert_eq!(spoiled(&Fault::Html).status, 502);
        assert!(
            spoiled(&Fault::RepeatToken)
                .body
                .contains(next_token::write(0, "NextToken", &listing()).trim_end())
        );
    }

    #[test]
    fn half_a_text_has_whole_characters() {
        assert_eq!(first_half("a负b"), "a负");
        assert_eq!(first_half(""), "");
    }
}
