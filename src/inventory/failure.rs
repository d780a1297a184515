//! Why a collection failed.

use std::fmt;

use serde::Serialize;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    pub reason: Reason,
    pub message: String,
}

/// The closed list of reasons: label values, and `reason` of an error in the JSON answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// There is no key, or the cloud does not accept it.
    Credentials,
    /// The collection exceeded its deadline.
    Deadline,
    /// The key lacks a permission.
    Denied,
    /// The cloud's answers contradict each other.
    Inconsistent,
    /// The cloud cannot answer completely yet.
    NotReady,
    /// The cloud rejected the request.
    Rejected,
    /// Too much was missing at once to be believed at once.
    Suspicious,
    /// Too many requests.
    Throttled,
    /// There is more than one collection may read.
    TooLarge,
    /// No answer arrived.
    Transport,
    /// The cloud failed on its side.
    Unavailable,
    /// An answer is not what the API promises.
    Undecodable,
}

impl Reason {
    pub const ALL: [Self; 12] = [
        Self::Credentials,
        Self::Deadline,
        Self::Denied,
        Self::Inconsistent,
        Self::NotReady,
        Self::Rejected,
        Self::Suspicious,
        Self::Throttled,
        Self::TooLarge,
        Self::Transport,
        Self::Unavailable,
        Self::Undecodable,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Credentials => "credentials",
            Self::Deadline => "deadline",
            Self::Denied => "denied",
            Self::Inconsistent => "inconsistent",
            Self::NotReady => "not_ready",
            Self::Rejected => "rejected",
            Self::Suspicious => "suspicious",
            Self::Throttled => "throttled",
            Self::TooLarge => "too_large",
            Self::Transport => "transport",
            Self::Unavailable => "unavailable",
            Self::Undecodable => "undecodable",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_written_in_json_as_in_labels_and_counted_in_its_own_place() {
        for (index, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, index);
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.name());
        }
    }
}
