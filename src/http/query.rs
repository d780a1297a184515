//! Query parameters, checked: an unknown or malformed one is an error, never ignored.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::form_urlencoded;

/// What is wrong with a query.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadQuery(pub String);

/// The parameters of a query, in its order.
pub(super) fn pairs(query: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

/// Sets a parameter that may be given once.
pub(super) fn once<T>(slot: &mut Option<T>, name: &str, value: T) -> Result<(), BadQuery> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(BadQuery(format!("{name} is given more than once"))),
    }
}

/// Of one parameter that may be given several times.
const MAX_REPETITIONS: usize = 20;

/// Adds to a parameter that may be given several times.
pub(super) fn repeated(values: &mut Vec<String>, name: &str, value: String) -> Result<(), BadQuery> {
    values.push(value);
    match values.len() <= MAX_REPETITIONS {
        true => Ok(()),
        false => Err(BadQuery(format!("{name} is given more than {MAX_REPETITIONS} times"))),
    }
}

pub(super) fn limit(text: &str) -> Result<usize, BadQuery> {
    let number = text.parse().ok().filter(|number| (1..=10_000).contains(number));
    number.ok_or_else(|| BadQuery("limit must be between 1 and 10000".to_owned()))
}

pub(super) fn unknown(name: &str) -> BadQuery {
    BadQuery(format!("unknown parameter {name:?}"))
}

/// Encodes a position in a listing as an opaque cursor.
pub(super) fn cursor(position: &impl Serialize) -> Option<String> {
    serde_json::to_vec(position).ok().map(|position| URL_SAFE_NO_PAD.encode(position))
}

/// Decodes a cursor.
pub(super) fn position<T: DeserializeOwned>(cursor: &str) -> Result<T, BadQuery> {
    let position = URL_SAFE_NO_PAD.decode(cursor).ok();
    let position = position.and_then(|position| serde_json::from_slice(&position).ok());
    position.ok_or_else(|| BadQuery("invalid cursor".to_owned()))
}
