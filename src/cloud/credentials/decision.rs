//! Which key signs the next request. Pure: what is kept, what was found and the time are arguments.

use std::time::Duration;

use jiff::Timestamp;

use super::error::CredentialsError;
use super::grant::{Found, Grant, Link};
use super::session::Credentials;
use crate::cloud::api::AccessKey;

/// Credentials that end.
pub struct Session {
    pub grant: Grant,
    pub credentials: Credentials,
    pub obtained: Timestamp,
    /// The cloud does not accept them any more.
    pub is_refused: bool,
}

#[derive(Debug)]
pub enum Decision {
    /// Sign with the key that was found.
    Key(Option<Link>, AccessKey),
    /// Sign with the key of the session, which may be due for renewal.
    Session {
        key: AccessKey,
        is_due: bool,
    },
    /// Sign with the key of the session although nothing is found now: no error ends a session before its time.
    Old(AccessKey, CredentialsError),
    /// Ask for credentials first.
    Ask(Found),
    Fail(CredentialsError),
}

/// How long before their end credentials are renewed: the official SDK for Python takes this time.
const AHEAD: Duration = Duration::from_secs(15 * 60);

pub fn decide(kept: Option<&Session>, found: Result<Found, CredentialsError>, now: Timestamp) -> Decision {
    let valid = kept.filter(|session| session.is_valid(now));
    let found = match (found, valid) {
        (Ok(found), _) => found,
        (Err(error), Some(session)) => return Decision::Old(session.key(), error),
        (Err(error), None) => return Decision::Fail(error),
    };
    if let [(link, Grant::Key(key)), ..] = found.grants.as_slice() {
        return Decision::Key(*link, key.clone());
    }
    match valid.filter(|session| found.leads_to(session)) {
        Some(session) => Decision::Session { key: session.key(), is_due: session.is_due(now) },
        None => Decision::Ask(found),
    }
}

impl Session {
    pub fn is_valid(&self, now: Timestamp) -> bool {
        !self.is_refused && now < self.credentials.expiration
    }

    /// Sessions of less than twice [`AHEAD`] are renewed at half of their time.
    pub fn is_due(&self, now: Timestamp) -> bool {
        let Self { credentials: Credentials { expiration, .. }, obtained, .. } = self;
        let lifetime = Duration::try_from(expiration.duration_since(*obtained)).unwrap_or_default();
        let left = Duration::try_from(expiration.duration_since(now)).unwrap_or_default();
        self.is_refused || left <= AHEAD.min(lifetime / 2)
    }

    fn key(&self) -> AccessKey {
        self.credentials.key.clone()
    }
}

impl Found {
    /// Whether the session is of one of the grants.
    pub fn leads_to(&self, session: &Session) -> bool {
        self.grants.iter().any(|(_, grant)| *grant == session.grant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::credentials::CredentialsUri;
    use crate::cloud::credentials::error::{Missed, Tried};

    fn key(id: &str) -> AccessKey {
        AccessKey { id: id.to_owned(), secret: "secret".into(), security_token: None }
    }

    fn uri(path: &str) -> Grant {
        Grant::Uri(CredentialsUri::parse(&format!("https://sidecar/{path}")).unwrap())
    }

    /// What files and variables come down to, by one word.
    fn found(word: &str) -> Result<Found, CredentialsError> {
        let grants = match word {
            "nothing" => {
                let missed = Missed::NotConfigured("not set".to_owned());
                return Err(CredentialsError { tried: vec![Tried { source: "the file", missed }] });
            }
            "key" => vec![(None, Grant::Key(key("found")))],
            "second" => vec![(None, uri("other")), (None, uri("same"))],
            path => vec![(None, uri(path))],
        };
        Ok(Found { grants, skipped: Vec::new() })
    }

    /// A session of an hour at `minute` of it.
    fn decided(is_refused: bool, minute: i64, word: &str) -> String {
        let at = |minute: i64| Timestamp::from_second(minute * 60).unwrap();
        let credentials = Credentials { key: key("kept"), expiration: at(60) };
        let session = Session { grant: uri("same"), credentials, obtained: at(0), is_refused };
        told(decide(Some(&session), found(word), at(minute)))
    }

    fn told(decision: Decision) -> String {
        match decision {
            Decision::Key(_, key) => format!("key {}", key.id),
            Decision::Session { key, is_due: false } => format!("session {}", key.id),
            Decision::Session { key, is_due: true } => format!("session {}, due", key.id),
            Decision::Old(key, _) => format!("old {}", key.id),
            Decision::Ask(_) => "ask".to_owned(),
            Decision::Fail(_) => "fail".to_owned(),
        }
    }

    #[test]
    fn what_is_kept_and_what_is_found_decide_which_key_signs() {
        for (is_refused, minute, word, expected) in [
            (false, 0, "same", "session kept"),
            (false, 44, "second", "session kept"),
            (false, 45, "same", "session kept, due"),
            (false, 59, "same", "session kept, due"),
            (false, 60, "same", "ask"),
            (true, 0, "same", "ask"),
            (false, 0, "other", "ask"),
            (false, 59, "other", "ask"),
            (false, 0, "key", "key found"),
            (true, 60, "key", "key found"),
            (false, 0, "nothing", "old kept"),
            (false, 59, "nothing", "old kept"),
            (false, 60, "nothing", "fail"),
            (true, 0, "nothing", "fail"),
        ] {
            assert_eq!(decided(is_refused, minute, word), expected, "{is_refused} {minute} {word}");
        }
        for (word, expected) in [("same", "ask"), ("key", "key found"), ("nothing", "fail")] {
            assert_eq!(told(decide(None, found(word), Timestamp::UNIX_EPOCH)), expected, "{word}");
        }
    }
}
