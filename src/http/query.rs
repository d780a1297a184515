//! Query parameters, checked: an unknown or ill-formed one is an error, never ignored.

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
        Some(_) => Err(BadQuery(format!("{name} is given twice"))),
    }
}

pub(super) fn limit(text: &str) -> Result<usize, BadQuery> {
    let number = text.parse().ok().filter(|number| (1..=10_000).contains(number));
    number.ok_or_else(|| BadQuery("limit must be 1..10000".to_owned()))
}

pub(super) fn unknown(name: &str) -> BadQuery {
    BadQuery(format!("unknown parameter {name:?}"))
}

/// An opaque text that holds a place in a listing.
pub(super) fn cursor(place: &impl Serialize) -> Option<String> {
    serde_json::to_vec(place).ok().map(|place| URL_SAFE_NO_PAD.encode(place))
}

/// The place that a cursor holds.
pub(super) fn place<T: DeserializeOwned>(cursor: &str) -> Result<T, BadQuery> {
    let place = URL_SAFE_NO_PAD.decode(cursor).ok();
    let place = place.and_then(|place| serde_json::from_slice(&place).ok());
    place.ok_or_else(|| BadQuery("cursor is none that was given out".to_owned()))
}
