//! What was asked and how it was answered.

use std::collections::{BTreeMap, VecDeque};

use super::fault::Fault;
use super::request::Request;
use super::response::{Answer, Delivery};

/// Older entries are dropped, so that a demo can run for weeks.
const CAPACITY: usize = 20_000;

/// The requests that were answered, oldest first.
#[derive(Debug, Default)]
pub struct RequestLog {
    entries: VecDeque<Answered>,
}

/// One request and its answer. Everything but `recorded` is free of keys, tokens and signatures.
#[derive(Clone, Debug)]
pub struct Answered {
    pub method: String,
    /// Empty when the request named none.
    pub action: String,
    /// Empty when the request named none.
    pub region: String,
    /// Those of the operation.
    pub parameters: BTreeMap<String, String>,
    /// Absent when the connection was closed without an answer.
    pub status: Option<u16>,
    /// The cloud's error code, absent on success.
    pub code: Option<String>,
    pub fault: Option<Fault>,
    /// Kept while [`super::State::record`] is on.
    pub recorded: Option<Recorded>,
}

/// A request as it came over the wire, secrets included.
#[derive(Clone)]
pub struct Recorded {
    /// Names in small letters, in the order of arrival.
    pub headers: Vec<(String, String)>,
    pub query: Vec<(String, String)>,
    pub form: Vec<(String, String)>,
}

impl RequestLog {
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub fn iter(&self) -> std::collections::vec_deque::Iter<'_, Answered> {
        self.entries.iter()
    }

    /// The requests for one operation.
    pub fn of<'a>(&'a self, action: &'a str) -> impl DoubleEndedIterator<Item = &'a Answered> {
        self.iter().filter(move |entry| entry.action == action)
    }

    pub fn clear(&mut self) {
        self.entries.clear();
    }

    pub(super) fn push(&mut self, entry: Answered) {
        if self.entries.len() == CAPACITY {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }
}

impl Answered {
    pub(super) fn new(request: &Request, answer: &Answer, fault: Option<Fault>, record: bool) -> Self {
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Self {
            method: request.method.clone(),
            action: request.action(),
            region: request.region().to_owned(),
            parameters: request.business().map(owned).collect(),
            status: (answer.delivery != Delivery::Never).then_some(answer.status),
            code: answer.code.clone(),
            fault,
            recorded: record.then(|| Recorded::new(request)),
        }
    }
}

impl Recorded {
    fn new(request: &Request) -> Self {
        Self { headers: request.headers.clone(), query: request.query.clone(), form: request.form.clone() }
    }

    /// The key that signed.
    pub fn access_key_id(&self) -> Option<&str> {
        let header = self.headers.iter().find(|(name, _)| name == "authorization");
        match header {
            Some((_, value)) => value.split_once("Credential=")?.1.split(',').next(),
            None => self.parameters().get("AccessKeyId").copied(),
        }
    }

    /// All parameters, wherever they stood, the signature among them.
    pub fn parameters(&self) -> BTreeMap<&str, &str> {
        let both = self.query.iter().chain(&self.form);
        both.map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }
}

/// Without values: they hold keys, tokens and signatures.
impl std::fmt::Debug for Recorded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorded").field("parameters", &self.parameters().keys()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(record: bool) -> Answered {
        let parameters =
            [("Action", "ListTags"), ("RegionId", "cn-hangzhou"), ("SecurityToken", "tell-no-one")];
        let request = Request::from_parameters("POST", &parameters);
        Answered::new(&request, &Answer::json(200, "id", String::new()), None, record)
    }

    #[test]
    fn an_entry_names_the_operation_and_prints_no_secret() {
        let entry = entry(true);
        assert_eq!((entry.action.as_str(), entry.region.as_str()), ("ListTags", "cn-hangzhou"));
        assert_eq!(entry.parameters.len(), 1);
        assert!(!format!("{entry:?}").contains("tell-no-one"));
        assert_eq!(entry.recorded.unwrap().parameters()["SecurityToken"], "tell-no-one");
    }

    #[test]
    fn the_oldest_entries_make_room() {
        let mut log = RequestLog::default();
        (0..CAPACITY + 2).for_each(|n| log.push(Answered { region: n.to_string(), ..entry(false) }));
        assert_eq!(log.len(), CAPACITY);
        assert_eq!(log.iter().next().unwrap().region, "2");
        assert_eq!(log.of("ListTags").count(), CAPACITY);
        assert_eq!(log.of("DescribeInstances").count(), 0);
    }
}
