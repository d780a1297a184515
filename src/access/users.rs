//! Basic authentication (RFC 7617) against bcrypt hashes.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::Problem;

type Digest = [u8; 32];

/// Users and their hashes. Where there are none, everybody may read.
#[derive(Default)]
pub struct Users(Option<Arc<Known>>);

struct Known {
    hashes: BTreeMap<String, SecretString>,
    /// Of this process.
    key: [u8; 16],
    /// Of users and passwords that were right: a scrape does not pay for bcrypt each time.
    right: Mutex<HashSet<Digest>>,
    /// One check at a time: guessing takes one core, no more.
    checks: Semaphore,
}

impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter().flat_map(|known| known.hashes.keys())).finish()
    }
}

impl Users {
    /// Of user names and bcrypt hashes.
    pub(super) fn check(hashes: BTreeMap<String, SecretString>, problems: &mut Vec<Problem>) -> Self {
        if hashes.is_empty() {
            return Self::default();
        }
        for (name, hash) in &hashes {
            // Only its form is looked at: there is no password to check.
            if hash.expose_secret().parse::<bcrypt::HashParts>().is_err() {
                problems.push(Problem::new(format!("basic_auth_users.{name}"), "is no bcrypt hash"));
            }
        }
        let key = Uuid::new_v4().into_bytes();
        Self(Some(Arc::new(Known { hashes, key, right: Mutex::default(), checks: Semaphore::new(1) })))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Whether a request with this `Authorization` header may be answered.
    pub async fn admit(&self, authorization: Option<&[u8]>) -> bool {
        let Some(known) = &self.0 else { return true };
        let Some((name, password)) = authorization.and_then(credentials) else { return false };
        known.admit(name, password).await
    }
}

impl Known {
    async fn admit(self: &Arc<Self>, name: String, password: SecretString) -> bool {
        let Some(digest) = self.digest(&name, &password) else { return false };
        if self.right().contains(&digest) {
            return true;
        }
        let Ok(_permit) = self.checks.acquire().await else { return false };
        let known = Arc::clone(self);
        let right = tokio::task::spawn_blocking(move || known.is_right(&name, &password)).await;
        let right = right.unwrap_or(false);
        if right {
            self.right().insert(digest);
        }
        right
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

    fn right(&self) -> MutexGuard<'_, HashSet<Digest>> {
        self.right.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
            assert!(users.admit(Some(&basic("alice:secret"))).await);
            for wrong in ["alice:Secret", "bob:secret", "alice:", ":secret", "alice", "alic:esecret", ""] {
                assert!(!users.admit(Some(&basic(wrong))).await, "{wrong}");
            }
            for wrong in [&b"Bearer x"[..], b"Basic %%%", b"\xff\xfe", b"", b"Basic"] {
                assert!(!users.admit(Some(wrong)).await, "{wrong:?}");
            }
            assert!(!users.admit(None).await);
        }
    }

    #[tokio::test]
    async fn without_users_everybody_is_let_in() {
        assert!(Users::default().admit(None).await);
    }

    #[test]
    fn a_hash_that_is_none_is_told_but_not_shown() {
        for hash in ["plain", "$2b$99$abc", HASH] {
            let mut problems = Vec::new();
            let users = Users::check(BTreeMap::from([("alice".to_owned(), hash.into())]), &mut problems);
            assert_eq!(problems, [Problem::new("basic_auth_users.alice", "is no bcrypt hash")]);
            assert_eq!(format!("{users:?}"), r#"{"alice"}"#);
        }
    }
}
