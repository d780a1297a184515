//! The credentials of one account: found, kept, and renewed by one at a time.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::decision::{Decision, Session, decide};
use super::error::{CredentialsError, Missed, Tried};
use super::files::Files;
use super::grant::{Found, Grant, Granted, Link};
use super::source::Source;
use super::transport::Transport;
use crate::cloud::api::AccessKey;
use crate::instruments::AccountInstruments;

pub struct Provider {
    source: Source,
    files: Files,
    pub(super) transport: Transport,
    instruments: AccountInstruments,
    kept: Mutex<Kept>,
    /// Held by the one who asks for new credentials.
    turn: tokio::sync::Mutex<()>,
    /// A session is due.
    due: Notify,
}

/// What is known from asking before.
#[derive(Default)]
struct Kept {
    session: Option<Session>,
    /// The link of the default chain that gave credentials first.
    worked: Option<Link>,
    /// The last failure, and when it was.
    failure: Option<(Instant, CredentialsError)>,
}

/// What a request can be signed with without asking anybody.
pub enum AtHand {
    Key(AccessKey),
    /// Nothing: these are to be asked, by [`Provider::ask`].
    Nothing(Found),
}

/// Between two looks whether a session is due that nobody uses.
const BETWEEN_LOOKS: Duration = Duration::from_secs(60);
/// After a renewal that failed, while the old credentials are valid; and between two lines about it in the log.
const PAUSE: Duration = Duration::from_secs(10);

impl Provider {
    pub fn new(source: Source, transport: Transport, instruments: AccountInstruments) -> Self {
        let (files, kept, turn) = (Files::default(), Mutex::default(), tokio::sync::Mutex::default());
        Self { source, files, transport, instruments, kept, turn, due: Notify::new() }
    }

    /// The key to sign a request with at once. It reads the files of the source, so that a new key in one counts
    /// from then on, and asks nobody: a session that is due is renewed by [`Self::keep_fresh`].
    pub async fn at_hand(&self) -> Result<AtHand, CredentialsError> {
        let found = self.find().await;
        let decision = decide(self.kept().session.as_ref(), found, crate::clock::now());
        match decision {
            Decision::Key(link, key) => {
                self.worked(link);
                self.forget_session();
                Ok(AtHand::Key(key))
            }
            Decision::Session { key, is_due } => {
                if is_due {
                    self.due.notify_one();
                }
                Ok(AtHand::Key(key))
            }
            Decision::Old(key, error) => {
                self.report_now_and_then(&error);
                Ok(AtHand::Key(key))
            }
            Decision::Ask(found) => Ok(AtHand::Nothing(found)),
            Decision::Fail(error) => Err(error),
        }
    }

    /// Asks for new credentials, one at a time: who waits meanwhile gets the outcome of the one before.
    pub async fn ask(&self, found: Found) -> Result<(), CredentialsError> {
        let since = Instant::now();
        let _turn = self.turn.lock().await;
        match self.outcome(since, &found) {
            Some(outcome) => outcome,
            None => self.obtain(found).await,
        }
    }

    /// The key at hand, or one that is asked for.
    pub async fn access_key(&self) -> Result<AccessKey, CredentialsError> {
        loop {
            match self.at_hand().await? {
                AtHand::Key(key) => return Ok(key),
                AtHand::Nothing(found) => self.ask(found).await?,
            }
        }
    }

    /// Whether there is a newer key than `refused`, which the cloud does not accept.
    pub async fn has_newer_than(&self, refused: &AccessKey) -> bool {
        if let Some(session) = &mut self.kept().session
            && session.credentials.key == *refused
        {
            session.is_refused = true;
        }
        self.access_key().await.is_ok_and(|key| key != *refused)
    }

    /// Renews sessions that are due, also while nobody uses them, until it is dropped.
    pub async fn keep_fresh(&self) {
        let mut looks = tokio::time::interval(BETWEEN_LOOKS);
        loop {
            tokio::select! {
                _ = looks.tick() => {}
                () = self.due.notified() => {}
            }
            if self.is_due() {
                self.renew().await;
            }
        }
    }

    fn is_due(&self) -> bool {
        let kept = self.kept();
        let is_due = kept.session.as_ref().is_some_and(|session| session.is_due(crate::clock::now()));
        is_due && !kept.has_failed_within(PAUSE)
    }

    async fn renew(&self) {
        let found = match self.find().await {
            Ok(found) => found,
            Err(error) => return self.report_now_and_then(&error),
        };
        if let Err(error) = self.ask(found).await {
            self.report(&error);
        }
    }

    /// What asking has come to since then, or that it is not needed any more.
    fn outcome(&self, since: Instant, found: &Found) -> Option<Result<(), CredentialsError>> {
        let (kept, now) = (self.kept(), crate::clock::now());
        let is_fresh =
            |session: &Session| session.is_valid(now) && !session.is_due(now) && found.leads_to(session);
        if kept.session.as_ref().is_some_and(is_fresh) {
            return Some(Ok(()));
        }
        let (_, error) = kept.failure.as_ref().filter(|(at, _)| *at > since)?;
        Some(Err(error.clone()))
    }

    async fn find(&self) -> Result<Found, CredentialsError> {
        let worked = self.kept().worked;
        let found = self.source.find(&self.files, worked).await;
        found.inspect_err(|error| self.instruments.credentials_failed(error.reason()))
    }

    /// Asks one after the other.
    async fn obtain(&self, found: Found) -> Result<(), CredentialsError> {
        let Found { grants, skipped: mut tried } = found;
        let last = grants.len().saturating_sub(1);
        for (index, (link, grant)) in grants.into_iter().enumerate() {
            let missed = match grant.obtain(&self.files, &self.transport).await {
                Ok(granted) => {
                    self.worked(link);
                    self.keep(grant, granted);
                    return Ok(());
                }
                Err(missed) => missed,
            };
            let is_skipped = matches!(missed, Missed::NotConfigured(_)) && index < last;
            let source = link.map_or(self.source.name(), Link::name);
            tried.push(Tried { source, missed });
            if !is_skipped {
                break;
            }
        }
        let error = CredentialsError { tried };
        self.instruments.credentials_failed(error.reason());
        self.kept().failure = Some((Instant::now(), error.clone()));
        Err(error)
    }

    fn keep(&self, grant: Grant, granted: Granted) {
        let Granted::Session(credentials) = granted else { return self.forget_session() };
        self.instruments.credentials_end(Some(credentials.expiration));
        let obtained = crate::clock::now();
        let mut kept = self.kept();
        kept.session = Some(Session { grant, credentials, obtained, is_refused: false });
        kept.failure = None;
    }

    /// A key without an end has taken the place of sessions.
    fn forget_session(&self) {
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
            tracing::warn!(account, "incomplete credential variables ignored: {half}");
        }
    }

    /// Every request reads the files, and one line for all is enough.
    fn report_now_and_then(&self, error: &CredentialsError) {
        if !self.kept().has_failed_within(PAUSE) {
            self.kept().failure = Some((Instant::now(), error.clone()));
            self.report(error);
        }
    }

    /// Reports what goes wrong while nothing else does: without a valid session the collections report it.
    fn report(&self, error: &CredentialsError) {
        let (account, now) = (self.instruments.name(), crate::clock::now());
        if self.kept().session.as_ref().is_some_and(|session| session.is_valid(now)) {
            tracing::warn!(account, "cannot renew credentials, the current ones are still valid: {error}");
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn has_failed_within(&self, time: Duration) -> bool {
        self.failure.as_ref().is_some_and(|(at, _)| at.elapsed() < time)
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider").field("source", &self.source).finish_non_exhaustive()
    }
}
