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
    Failed { cause: Cause, text: String },
}

/// Why a source failed: a label value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
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

impl Cause {
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
    pub fn failed(cause: Cause, text: impl Into<String>) -> Self {
        Self::Failed { cause, text: text.into() }
    }

    /// The same, told as part of something greater.
    pub fn within(self, what: &str) -> Self {
        match self {
            Self::NotConfigured(text) => Self::NotConfigured(format!("{what}: {text}")),
            Self::Failed { cause, text } => Self::Failed { cause, text: format!("{what}: {text}") },
        }
    }

    /// The same where the source is the only one, or what another needs: then it has to be there.
    pub fn final_one(self) -> Self {
        match self {
            Self::NotConfigured(text) => Self::Failed { cause: Cause::NotFound, text },
            failed => failed,
        }
    }
}

/// One source that was tried.
#[derive(Debug, Clone)]
pub struct Tried {
    pub source: &'static str,
    pub missed: Missed,
}

/// Every source that was tried, in order; the last one decided.
#[derive(Debug, Clone, thiserror::Error)]
pub struct CredentialsError {
    pub tried: Vec<Tried>,
}

impl CredentialsError {
    /// The kind in one word: a label value.
    pub fn reason(&self) -> &'static str {
        match self.tried.last().map(|tried| &tried.missed) {
            Some(Missed::Failed { cause, .. }) => cause.name(),
            Some(Missed::NotConfigured(_)) | None => Cause::NotFound.name(),
        }
    }
}

impl fmt::Display for CredentialsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tried = self.tried.iter().map(|Tried { source, missed }| format!("{source}: {missed}"));
        write!(f, "tried {}", tried.collect::<Vec<_>>().join("; "))
    }
}
