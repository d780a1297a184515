//! The way to a value in an answer.

use std::fmt;

use serde::Deserialize;

/// Names joined with dots: `Instances.Instance`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Path(Vec<String>);

impl Path {
    pub fn names(&self) -> &[String] {
        &self.0
    }
}

impl TryFrom<String> for Path {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let names: Vec<_> = text.split('.').map(str::to_owned).collect();
        match names.iter().any(String::is_empty) {
            true => Err("is not a valid path (example: Instances.Instance)"),
            false => Ok(Self(names)),
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}
