//! The credentials of one account: found, kept, and renewed by one at a time.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::chain::Link;
use super::error::{Attempt, CredentialsError, Missed};
use super::files::Files;
use super::grant::{Grant, Granted};
use super::session::Credentials;
use super::source::{Found, Source};
use super::transport::{Reach, StsHost};
use crate::cloud::api::{AccessKey, ApiError};
use crate::instruments::AccountInstruments;

pub struct Provider {
    source: Source,
    files: Files,
    reach: Reach,
    instruments: AccountInstruments,
    kept: Mutex<Kept>,
    /// Held by the one who asks for new credentials.
    turn: tokio::sync::Mutex<()>,
}

/// What is known from asking before.
#[derive(Default)]
struct Kept {
    session: Option<Session>,
    /// The link of the default chain that gave credentials first.
    worked: Option<Link>,
    /// The last time that asking failed.
    failure: Option<(Instant, CredentialsError)>,
}

/// Credentials that end.
struct Session {
    grant: Grant,
    credentials: Credentials,
    obtained: Timestamp,
    /// The cloud does not accept them any more.
    is_refused: bool,
}

/// How long before their end credentials are renewed: the official SDK for Python takes this time.
const AHEAD: Duration = Duration::from_secs(15 * 60);
/// After a refresh that failed, while the old credentials are valid.
const PAUSE: Duration = Duration::from_secs(10);

impl Session {
    fn is_valid(&self, now: Timestamp) -> bool {
        !self.is_refused && now < self.credentials.expiration
    }

    /// Sessions of less than twice [`AHEAD`] are renewed at half of their time.
    fn is_due(&self, now: Timestamp) -> bool {
        let Self { credentials: Credentials { expiration, .. }, obtained, .. } = self;
        let lifetime = Duration::try_from(expiration.duration_since(*obtained)).unwrap_or_default();
        let left = Duration::try_from(expiration.duration_since(now)).unwrap_or_default();
        self.is_refused || left <= AHEAD.min(lifetime / 2)
    }
}

impl Provider {
    pub fn new(source: Source, reach: Reach, instruments: AccountInstruments) -> Self {
        let (files, kept, turn) = (Files::default(), Mutex::default(), tokio::sync::Mutex::default());
        Self { source, files, reach, instruments, kept, turn }
    }

    /// The key to sign the next request with.
    ///
    /// Files are read for each request, so that a new key in one counts at once. Other credentials are kept until
    /// they are due; who finds a refresh under way goes on with those that are valid, or waits for its outcome. A file
    /// that cannot be used any more ends no session before its time.
    pub async fn access_key(&self) -> Result<AccessKey, CredentialsError> {
        let asked = Instant::now();
        let found = match (self.find().await, self.valid_session()) {
            (Ok(found), _) => found,
            (Err(error), Some(key)) => {
                if self.is_news(&error) {
                    self.tell_old_one(&error);
                }
                return Ok(key);
            }
            (Err(error), None) => return Err(error),
        };
        if let [(link, Grant::Key(key)), ..] = found.grants.as_slice() {
            self.found_key(*link);
            return Ok(key.clone());
        }
        let valid = match self.kept_key(&found, crate::clock::now()) {
            Some((key, false)) => return Ok(key),
            Some((key, true)) => Some(key),
            None => None,
        };
        let _turn = match (self.turn.try_lock(), valid.clone()) {
            (Ok(turn), _) => turn,
            (Err(_), Some(key)) => return Ok(key),
            (Err(_), None) => self.turn.lock().await,
        };
        if let Some((key, false)) = self.kept_key(&found, crate::clock::now()) {
            return Ok(key);
        }
        let failed = self.kept().failure.clone();
        match (failed, valid) {
            (Some((at, error)), None) if at > asked => Err(error),
            (Some((at, _)), Some(key)) if at.elapsed() < PAUSE => Ok(key),
            (_, None) => self.refresh(found).await,
            (_, Some(key)) => Ok(self.refresh(found).await.unwrap_or_else(|error| {
                self.tell_old_one(&error);
                key
            })),
        }
    }

    /// The key to sign a request with at once: asks nobody. `None` where the credentials have ended meanwhile.
    pub async fn at_hand(&self) -> Option<AccessKey> {
        let worked = self.kept().worked;
        let Ok(found) = self.source.find(&self.files, worked).await else { return self.valid_session() };
        match found.grants.as_slice() {
            [(_, Grant::Key(key)), ..] => Some(key.clone()),
            _ => self.kept_key(&found, crate::clock::now()).map(|(key, _)| key),
        }
    }

    /// A newer key than `refused`, which the cloud does not accept; `None` where there is none to be had.
    pub async fn newer_than(&self, refused: &AccessKey) -> Option<AccessKey> {
        if let Some(session) = &mut self.kept().session
            && session.credentials.key == *refused
        {
            session.is_refused = true;
        }
        self.access_key().await.ok().filter(|key| key != refused)
    }

    /// Renews credentials that are due, also while nobody uses them, until it is dropped.
    pub async fn keep_fresh(&self) {
        let mut looks = tokio::time::interval(Duration::from_secs(60));
        loop {
            looks.tick().await;
            let is_due =
                self.kept().session.as_ref().is_some_and(|session| session.is_due(crate::clock::now()));
            if is_due {
                // A failure is told where it happens.
                let _ = self.access_key().await;
            }
        }
    }

    /// The cloud's id of the account that the credentials belong to.
    pub async fn account_id(&self) -> Result<String, AccountIdError> {
        let key = self.access_key().await?;
        let answer = self.reach.sts("GetCallerIdentity", Vec::new(), &StsHost::default(), Some(&key)).await?;
        let id = answer.get("AccountId").and_then(serde_json::Value::as_str);
        let is_id = |id: &&str| !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit());
        id.filter(is_id).map(str::to_owned).ok_or(AccountIdError::NotThere)
    }

    /// Whether nothing failed for a while. Every request reads the files, and one line for all is enough.
    fn is_news(&self, error: &CredentialsError) -> bool {
        let mut kept = self.kept();
        let is_news = kept.failure.as_ref().is_none_or(|(at, _)| at.elapsed() >= PAUSE);
        if is_news {
            kept.failure = Some((Instant::now(), error.clone()));
        }
        is_news
    }

    fn tell_old_one(&self, error: &CredentialsError) {
        let account = self.instruments.name();
        tracing::warn!(account, "could not renew credentials, the old ones are still valid: {error}");
    }

    async fn find(&self) -> Result<Found, CredentialsError> {
        let worked = self.kept().worked;
        self.source
            .find(&self.files, worked)
            .await
            .inspect_err(|error| self.instruments.credentials_failed(error.reason()))
    }

    fn found_key(&self, link: Option<Link>) {
        self.worked(link);
        if self.kept().session.take().is_some() {
            self.instruments.credentials_end(None);
        }
    }

    fn worked(&self, link: Option<Link>) {
        let account = self.instruments.name();
        let Some(link) = link.filter(|_| self.kept().worked.is_none()) else { return };
        self.kept().worked = Some(link);
        tracing::info!(account, "credentials come from {}", link.name());
        for half in self.source.half_set() {
            tracing::warn!(account, "{half}: these variables were passed over");
        }
    }

    /// The key of a session that is valid, whatever the files say now.
    fn valid_session(&self) -> Option<AccessKey> {
        let kept = self.kept();
        let session = kept.session.as_ref().filter(|session| session.is_valid(crate::clock::now()))?;
        Some(session.credentials.key.clone())
    }

    /// The key of a valid session of one of the grants, and whether it is due.
    fn kept_key(&self, found: &Found, now: Timestamp) -> Option<(AccessKey, bool)> {
        let kept = self.kept();
        let session = kept.session.as_ref().filter(|session| session.is_valid(now))?;
        let is_wanted = found.grants.iter().any(|(_, grant)| *grant == session.grant);
        is_wanted.then(|| (session.credentials.key.clone(), session.is_due(now)))
    }

    /// Asks for new credentials.
    async fn refresh(&self, found: Found) -> Result<AccessKey, CredentialsError> {
        let Found { grants, mut passed } = found;
        let last = grants.len().saturating_sub(1);
        for (index, (link, grant)) in grants.into_iter().enumerate() {
            let missed = match grant.obtain(&self.files, &self.reach).await {
                Ok(Granted::Key(key)) => return Ok(key),
                Ok(Granted::Session(credentials)) => {
                    self.worked(link);
                    return Ok(self.keep(grant, credentials));
                }
                Err(missed) => missed,
            };
            let is_passed = matches!(missed, Missed::NotConfigured(_)) && index < last;
            let source = link.map_or(self.source.name(), Link::name);
            passed.push(Attempt { source, missed });
            if !is_passed {
                break;
            }
        }
        let error = CredentialsError { attempts: passed };
        self.instruments.credentials_failed(error.reason());
        self.kept().failure = Some((Instant::now(), error.clone()));
        Err(error)
    }

    fn keep(&self, grant: Grant, credentials: Credentials) -> AccessKey {
        let key = credentials.key.clone();
        self.instruments.credentials_end(Some(credentials.expiration));
        let mut kept = self.kept();
        let obtained = crate::clock::now();
        kept.session = Some(Session { grant, credentials, obtained, is_refused: false });
        kept.failure = None;
        key
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why the cloud's id of an account is not known.
#[derive(Debug, thiserror::Error)]
pub enum AccountIdError {
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error("GetCallerIdentity named no account")]
    NotThere,
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider").field("source", &self.source).finish_non_exhaustive()
    }
}
