//! Reads catalog files, and says what is wrong with them by file and key path.

use serde::de::DeserializeOwned;

use super::{Api, Product};

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub file: String,
    /// The key path; empty for the whole.
    pub path: String,
    pub text: String,
}

/// What a file holds, by where it stands.
pub(super) enum Parsed {
    Product(Box<Product<String>>),
    Api(Box<Api>),
}

/// `api/<name>.toml` is an API; any other file is a product.
pub(super) fn parse(file: &str, text: &str) -> Result<Parsed, Fault> {
    let Some(name) = file.strip_prefix("api/") else {
        return read(file, text).map(Box::new).map(Parsed::Product);
    };
    let name = name.strip_suffix(".toml").unwrap_or(name).to_owned();
    let api = Api { name, ..read(file, text)? };
    Ok(Parsed::Api(Box::new(api)))
}

fn read<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, Fault> {
    let fault = |path: String, text: String| Fault { file: file.to_owned(), path, text };
    let malformed = |error: toml::de::Error| fault(String::new(), located(text, &error));
    let deserializer = toml::Deserializer::parse(text).map_err(malformed)?;
    serde_path_to_error::deserialize(deserializer).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { String::new() } else { path };
        fault(path, described(error.inner().message()))
    })
}

/// The parser's message with its line.
fn located(text: &str, error: &toml::de::Error) -> String {
    let start = error.span().map_or(0, |span| span.start);
    let line = text.get(..start).unwrap_or_default().matches('\n').count() + 1;
    format!("line {line}: {}", error.message().replace('\n', ", "))
}

fn described(message: &str) -> String {
    let Some((_, names)) =
        message.split_once("unknown field").and_then(|(_, rest)| rest.split_once("expected"))
    else {
        return message.replace("missing field", "missing key").replace("unknown variant", "unknown value");
    };
    format!("unknown key, expected {}", names.trim())
}
