//! The values of keys, and what is wrong with them in plain words.

use std::time::Duration;

use serde::de::{Error as _, IntoDeserializer as _};
use serde::{Deserialize, Deserializer};

/// One glob, or a list of them.
#[derive(Debug)]
pub(in crate::config) struct Globs(Vec<String>);

impl Globs {
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Globs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            One(String),
            Many(Vec<String>),
        }
        let written = Written::deserialize(deserializer);
        Ok(Self(match written.map_err(|_| D::Error::custom("must be a glob or a list of globs"))? {
            Written::One(glob) => vec![glob],
            Written::Many(globs) => globs,
        }))
    }
}

/// `"owner"` or `{ key = "成本中心", label = "cost_center" }`.
#[derive(Debug)]
pub(in crate::config) struct TagLabel {
    pub key: String,
    /// Empty = made of the key.
    pub label: String,
}

impl<'de> Deserialize<'de> for TagLabel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, deny_unknown_fields)]
        enum Written {
            Key(String),
            Labelled { key: String, label: String },
        }
        let wrong = "must be a tag key, or { key = \"…\", label = \"…\" }";
        match Written::deserialize(deserializer).map_err(|_| D::Error::custom(wrong))? {
            Written::Key(key) => Ok(Self { key, label: String::new() }),
            Written::Labelled { key, label } => Ok(Self { key, label }),
        }
    }
}

/// One of the names of `T`. The library's own error for an enum does not say which names there are.
#[derive(Debug, Clone, Copy)]
pub(in crate::config) struct OneOf<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOf<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        T::deserialize(name.into_deserializer()).map(Self)
    }
}

/// A duration: `90s`, `5m`, `1h`.
#[derive(Debug, Clone, Copy)]
pub(in crate::config) struct Span(pub Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let parsed = humantime::parse_duration(&text);
        parsed.map(Self).map_err(|_| D::Error::custom("is not a valid duration (example: 5m)"))
    }
}

/// A number, or the name of a pod that ends in one: `exporter-2`.
#[derive(Debug, Clone, Copy)]
pub(in crate::config) struct Ordinal(pub u32);

impl<'de> Deserialize<'de> for Ordinal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = match text.rsplit_once('-') {
            Some((name, number)) if !name.is_empty() => number,
            _ => &text,
        };
        let wrong = "must be a number, or a pod name that ends in one (example: exporter-2)";
        number.parse().map(Self).map_err(|_| D::Error::custom(wrong))
    }
}
