//! The tokens by which the pages of a listing are asked for one after the other.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};

use super::error::CloudError;
use super::request::Request;

/// Which row comes next, and for which request. The text ends in a newline, as in the sample of NAS: a client that
/// trims tokens or forgets to encode them is found out.
pub(super) fn write(first: usize, parameter: &str, request: &Request) -> String {
    format!("{}\n", STANDARD.encode(format!("{first} {}", fingerprint(parameter, request))))
}

/// The row that comes next; none if the token does not belong to the request.
pub(super) fn read(token: &str, parameter: &str, request: &Request) -> Option<usize> {
    let decoded = String::from_utf8(STANDARD.decode(token.strip_suffix('\n')?).ok()?).ok()?;
    let (first, of) = decoded.split_once(' ')?;
    first.parse().ok().filter(|_| of == fingerprint(parameter, request))
}

/// The refusal of a token that does not belong to the request.
pub(super) fn invalid() -> CloudError {
    CloudError::bad("InvalidNextToken", "The specified NextToken is invalid.")
}

/// The same for requests that differ in their token only.
fn fingerprint(parameter: &str, request: &Request) -> String {
    let mut digest = Sha1::new();
    for (name, value) in request.business().filter(|(name, _)| *name != parameter) {
        for text in [name, value] {
            digest.update(text.len().to_be_bytes());
            digest.update(text);
        }
    }
    STANDARD.encode(digest.finalize())
}
