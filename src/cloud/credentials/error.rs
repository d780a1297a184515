//! Why there are no credentials. No text here holds a secret, a URL or the content of a file.

use std::fmt;

/// What one source says instead of giving credentials.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Missed {
    /// The source is not set up here: the next one may be asked.
    #[error("{0}")]
    NotConfigured(String),
    /// The source is set up and does not work: that is to be put right, not to be passed over.
    #[error("{text}")]
    Failed { reason: Reason, text: String },
}

/// Why a source failed: a label value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// No source is set up.
    NotFound,
    /// A file cannot be read.
    Unreadable,
    /// A file or an answer is not what it has to be.
    Malformed,
    /// Who was asked says no.
    Refused,
    /// Who was asked does not answer.
    Unreachable,
    /// What was given has ended.
    Expired,
}

impl Reason {
    pub const ALL: [&'static str; 6] =
        ["expired", "malformed", "not_found", "refused", "unreachable", "unreadable"];

    pub fn name(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Unreadable => "unreadable",
            Self::Malformed => "malformed",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::Expired => "expired",
        }
    }
}

impl Missed {
    pub fn failed(reason: Reason, text: impl Into<String>) -> Self {
        Self::Failed { reason, text: text.into() }
    }

    /// The same, told as part of something greater.
    pub fn within(self, what: &str) -> Self {
        match self {
            Self::NotConfigured(text) => Self::NotConfigured(format!("{what}: {text}")),
            Self::Failed { reason, text } => Self::Failed { reason, text: format!("{what}: {text}") },
        }
    }

    /// The same where the source is the only one, or what another needs: then it has to be there.
    pub fn final_one(self) -> Self {
        match self {
            Self::NotConfigured(text) => Self::Failed { reason: Reason::NotFound, text },
            failed => failed,
        }
    }
}

/// One source that was tried.
#[derive(Debug, Clone)]
pub struct Attempt {
    pub source: &'static str,
    pub missed: Missed,
}

/// Every source that was tried, in order; the last one decided.
#[derive(Debug, Clone, thiserror::Error)]
pub struct CredentialsError {
    pub attempts: Vec<Attempt>,
}

impl CredentialsError {
    /// The kind in one word: a label value.
    pub fn reason(&self) -> &'static str {
        match self.attempts.last().map(|attempt| &attempt.missed) {
            Some(Missed::Failed { reason, .. }) => reason.name(),
            Some(Missed::NotConfigured(_)) | None => Reason::NotFound.name(),
        }
    }
}

impl fmt::Display for CredentialsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let attempts = self.attempts.iter().map(|Attempt { source, missed }| format!("{source}: {missed}"));
        write!(f, "tried {}", attempts.collect::<Vec<_>>().join("; "))
    }
}
