//! Basic authentication (RFC 7617) against bcrypt hashes.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::form::KeyProblem;

type Digest = [u8; 32];

/// A check with the greatest takes 10 seconds of a core.
const COSTS: RangeInclusive<u32> = 4..=17;

/// Users and their hashes. Where there are none, everybody may read.
#[derive(Default)]
pub struct Users(Option<Arc<UserTable>>);

struct UserTable {
    hashes: BTreeMap<String, SecretString>,
    /// Of this process.
    key: [u8; 16],
    /// Of users and passwords that were right: a scrape does not pay for bcrypt each time.
    right: Mutex<HashSet<Digest>>,
    /// The same of wrong ones, some of the last: who repeats one is refused at once.
    wrong: Mutex<HashSet<Digest>>,
    /// One check at a time: guessing takes one core, no more.
    checks: Semaphore,
    /// Those who wait for a check, and the one who has it.
    line: Semaphore,
}

/// What a request may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    Admitted,
    Refused,
    /// Too many wait to be checked.
    Busy,
}

/// Who wait for a check. One takes about a quarter of a second of a core with the usual cost of 12.
const MAX_LINE: usize = 8;
/// Wrong passwords that are remembered.
const MAX_WRONG: usize = 10_000;

impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter().flat_map(|known| known.hashes.keys())).finish()
    }
}

impl Users {
    /// Of user names and bcrypt hashes.
    pub(super) fn check(hashes: BTreeMap<String, SecretString>, problems: &mut Vec<KeyProblem>) -> Self {
        if hashes.is_empty() {
            return Self::default();
        }
        for (name, hash) in &hashes {
            if let Some(problem) = wrong_user(name).or_else(|| wrong_hash(hash.expose_secret())) {
                problems.push(KeyProblem::new(format!("basic_auth_users.{name}"), problem));
            }
        }
        let key = Uuid::new_v4().into_bytes();
        let (checks, line) = (Semaphore::new(1), Semaphore::new(MAX_LINE));
        let (right, wrong) = (Mutex::default(), Mutex::default());
        Self(Some(Arc::new(UserTable { hashes, key, right, wrong, checks, line })))
    }

    /// These, or `before` where they are the same: with the passwords that are known already.
    pub(super) fn or_same(self, before: &Self) -> Self {
        let (Some(new), Some(old)) = (&self.0, &before.0) else { return self };
        let same = |(one, other): ((&String, &SecretString), (&String, &SecretString))| {
            one.0 == other.0 && one.1.expose_secret() == other.1.expose_secret()
        };
        let is_same = new.hashes.len() == old.hashes.len() && new.hashes.iter().zip(&old.hashes).all(same);
        if is_same { Self(Some(Arc::clone(old))) } else { self }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Whether a request with this `Authorization` header may be answered.
    pub async fn admit(&self, authorization: Option<&[u8]>) -> Admission {
        let Some(known) = &self.0 else { return Admission::Admitted };
        let credentials = authorization.and_then(credentials);
        let Some((name, password)) = credentials else { return Admission::Refused };
        known.admit(name, password).await
    }
}

impl UserTable {
    async fn admit(self: &Arc<Self>, name: String, password: SecretString) -> Admission {
        let Some(digest) = self.digest(&name, &password) else { return Admission::Refused };
        if let Some(known) = self.known(&digest) {
            return known;
        }
        let Ok(_place) = self.line.try_acquire() else { return Admission::Busy };
        let Ok(_turn) = self.checks.acquire().await else { return Admission::Refused };
        // The one before may have been the same.
        if let Some(known) = self.known(&digest) {
            return known;
        }
        let known = Arc::clone(self);
        let right = tokio::task::spawn_blocking(move || known.is_right(&name, &password)).await;
        self.remember(digest, right.unwrap_or(false))
    }

    fn known(&self, digest: &Digest) -> Option<Admission> {
        let is_right = locked(&self.right).contains(digest).then_some(Admission::Admitted);
        is_right.or_else(|| locked(&self.wrong).contains(digest).then_some(Admission::Refused))
    }

    fn remember(&self, digest: Digest, is_right: bool) -> Admission {
        if is_right {
            locked(&self.right).insert(digest);
            return Admission::Admitted;
        }
        let mut wrong = locked(&self.wrong);
        if wrong.len() >= MAX_WRONG {
            wrong.clear();
        }
        wrong.insert(digest);
        Admission::Refused
    }

    /// An unknown user is checked against the hash of another one, so that time does not tell who there is.
    fn is_right(&self, name: &str, password: &SecretString) -> bool {
        let hash = self.hashes.get(name).or_else(|| self.hashes.values().next());
        let matches = |hash: &SecretString| {
            bcrypt::verify(password.expose_secret(), hash.expose_secret()).unwrap_or(false)
        };
        hash.is_some_and(matches) && self.hashes.contains_key(name)
    }

    fn digest(&self, name: &str, password: &SecretString) -> Option<Digest> {
        let mut hmac = Hmac::<Sha256>::new_from_slice(&self.key).ok()?;
        hmac.update(&(name.len() as u64).to_le_bytes());
        hmac.update(name.as_bytes());
        hmac.update(password.expose_secret().as_bytes());
        Some(hmac.finalize().into_bytes().into())
    }
}

fn locked(digests: &Mutex<HashSet<Digest>>) -> MutexGuard<'_, HashSet<Digest>> {
    digests.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is wrong with a user's name: HTTP ends it at the first colon.
fn wrong_user(name: &str) -> Option<String> {
    match name {
        "" => Some("the user name is empty".to_owned()),
        _ => name.contains(':').then(|| "a user name cannot contain a colon".to_owned()),
    }
}

/// What is wrong with a hash, which is not repeated. There is no password to check, so only its form is looked at.
/// `$2x$` marks hashes of a faulty implementation.
fn wrong_hash(hash: &str) -> Option<String> {
    let is_hash = hash.parse::<bcrypt::HashParts>().is_ok() && !hash.starts_with("$2x$");
    let Some(cost) = hash.get(4..6).and_then(|cost| cost.parse().ok()).filter(|_| is_hash) else {
        return Some("is not a bcrypt hash ($2a$, $2b$ or $2y$)".to_owned());
    };
    let text = || format!("has bcrypt cost {cost}, must be {} to {}", COSTS.start(), COSTS.end());
    (!COSTS.contains(&cost)).then(text)
}

/// User and password of a header `Basic …`.
fn credentials(header: &[u8]) -> Option<(String, SecretString)> {
    let (scheme, encoded) = std::str::from_utf8(header).ok()?.split_once(' ')?;
    let decoded = STANDARD.decode(encoded.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let text = String::from_utf8(decoded).ok()?;
    let (name, password) = text.split_once(':')?;
    Some((name.to_owned(), password.into()))
}

#[cfg(test)]
mod tests {
    use super::Admission::*;
    use super::*;

    /// Of `secret`, with the least cost.
    const HASH: &str = "$2b$04$EixZaYVK1fsbw1ZfbX3OXe";

    fn users() -> Users {
        let hash = bcrypt::hash("secret", 4).unwrap();
        let mut problems = Vec::new();
        let users = Users::check(BTreeMap::from([("alice".to_owned(), hash.into())]), &mut problems);
        assert_eq!(problems, []);
        users
    }

    fn basic(text: &str) -> Vec<u8> {
        format!("Basic {}", STANDARD.encode(text)).into_bytes()
    }

    #[tokio::test]
    async fn only_the_right_password_of_a_known_user_is_let_in_also_a_second_time() {
        let users = users();
        for _ in 0..2 {
            assert_eq!(users.admit(Some(&basic("alice:secret"))).await, Admitted);
            for wrong in ["alice:Secret", "bob:secret", "alice:", ":secret", "alice", "alic:esecret", ""] {
                assert_eq!(users.admit(Some(&basic(wrong))).await, Refused, "{wrong}");
            }
            for wrong in [&b"Bearer x"[..], b"Basic %%%", b"\xff\xfe", b"", b"Basic"] {
                assert_eq!(users.admit(Some(wrong)).await, Refused, "{wrong:?}");
            }
            assert_eq!(users.admit(None).await, Refused);
        }
    }

    #[tokio::test]
    async fn users_that_stay_the_same_keep_the_passwords_that_are_known() {
        let hash = bcrypt::hash("secret", 4).unwrap();
        let read = |hash: &str| {
            Users::check(BTreeMap::from([("alice".to_owned(), hash.to_owned().into())]), &mut Vec::new())
        };
        let before = read(&hash);
        assert_eq!(before.admit(Some(&basic("alice:secret"))).await, Admitted);
        let digests = |users: &Users| locked(&users.0.as_ref().unwrap().right).len();
        assert_eq!(digests(&read(&hash).or_same(&before)), 1);
        let other = bcrypt::hash("other", 4).unwrap();
        let after = read(&other).or_same(&before);
        assert_eq!(after.admit(Some(&basic("alice:secret"))).await, Refused);
    }

    #[tokio::test]
    async fn without_users_everybody_is_let_in() {
        assert_eq!(Users::default().admit(None).await, Admitted);
    }

    #[tokio::test]
    async fn a_password_that_was_right_is_not_checked_again_and_a_wrong_one_each_time() {
        let users = users();
        let table = users.0.as_ref().unwrap();
        assert_eq!(users.admit(Some(&basic("alice:Secret"))).await, Refused);
        assert!(locked(&table.right).is_empty());
        assert_eq!(users.admit(Some(&basic("alice:secret"))).await, Admitted);
        // From now on nothing can be checked.
        table.checks.close();
        assert_eq!(users.admit(Some(&basic("alice:secret"))).await, Admitted);
        for wrong in ["alice:Secret", "bob:secret", "alic:esecret"] {
            assert_eq!(users.admit(Some(&basic(wrong))).await, Refused, "{wrong}");
        }
        assert_eq!(locked(&table.right).len(), 1);
    }

    #[tokio::test]
    async fn right_ones_pass_by_a_line_that_has_an_end_and_a_wrong_one_is_checked_once() {
        let users = users();
        let table = users.0.as_ref().unwrap();
        assert_eq!(users.admit(Some(&basic("alice:secret"))).await, Admitted);
        assert_eq!(users.admit(Some(&basic("alice:wrong"))).await, Refused);
        let _line = table.line.acquire_many(MAX_LINE as u32).await.unwrap();
        assert_eq!(users.admit(Some(&basic("alice:secret"))).await, Admitted);
        assert_eq!(users.admit(Some(&basic("alice:wrong"))).await, Refused);
        assert_eq!(users.admit(Some(&basic("alice:other"))).await, Busy);
    }

    #[test]
    fn what_is_wrong_with_a_user_is_reported_and_no_hash_is_shown() {
        let hash = bcrypt::hash("secret", 4).unwrap();
        let of = |prefix: &str| hash.replacen("$2b$04", prefix, 1);
        let no_hash = "is not a bcrypt hash ($2a$, $2b$ or $2y$)";
        for (name, hash, problem) in [
            ("alice", "plain".to_owned(), no_hash),
            ("alice", "$2b$99$abc".to_owned(), no_hash),
            ("alice", HASH.to_owned(), no_hash),
            ("alice", of("$2x$04"), no_hash),
            ("alice", of("$2b$03"), "has bcrypt cost 3, must be 4 to 17"),
            ("alice", of("$2b$18"), "has bcrypt cost 18, must be 4 to 17"),
            ("alice", of("$2b$31"), "has bcrypt cost 31, must be 4 to 17"),
            ("al:ice", hash.clone(), "a user name cannot contain a colon"),
            ("", hash.clone(), "the user name is empty"),
        ] {
            let mut problems = Vec::new();
            let users = Users::check(BTreeMap::from([(name.to_owned(), hash.into())]), &mut problems);
            assert_eq!(problems, [KeyProblem::new(format!("basic_auth_users.{name}"), problem)]);
            assert_eq!(format!("{users:?}"), format!("{{{name:?}}}"));
        }
        for prefix in ["$2a$04", "$2y$04", "$2b$17"] {
            let mut problems = Vec::new();
            Users::check(BTreeMap::from([("alice".to_owned(), of(prefix).into())]), &mut problems);
            assert_eq!(problems, [], "{prefix}");
        }
    }
}
