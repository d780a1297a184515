//! Reads catalog files, and says what is wrong with them by file and key path.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::{Api, Product, check};

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub file: String,
    /// The key path; empty for the whole.
    pub path: String,
    pub text: String,
}

/// Files by what they hold, with their names.
#[derive(Default)]
pub(super) struct Files {
    pub apis: Vec<(String, Arc<Api>)>,
    pub products: Vec<(String, Product<String>)>,
    /// Of those that cannot be read.
    faults: Vec<Fault>,
}

impl Files {
    /// `api/<name>.toml` is an API; any other file is a product.
    pub fn parsed(files: &[(String, String)]) -> Self {
        let mut parsed = Self::default();
        for (file, text) in files {
            let read = match file.strip_prefix("api/") {
                Some(name) => read(file, text).map(|api: Api| {
                    let name = name.strip_suffix(".toml").unwrap_or(name).to_owned();
                    parsed.apis.push((file.clone(), Arc::new(Api { name, ..api })));
                }),
                None => read(file, text).map(|product| parsed.products.push((file.clone(), product))),
            };
            parsed.faults.extend(read.err());
        }
        parsed
    }

    /// Everything that is wrong, when `apis` are all that there are.
    pub fn faults(&self, apis: &BTreeMap<String, Arc<Api>>, foreign_hosts: bool) -> Vec<Fault> {
        let mut faults = self.faults.clone();
        for (file, api) in &self.apis {
            let problems = check::api(api, |name| apis.contains_key(name), foreign_hosts);
            faults.extend(problems.of(file));
        }
        let mut names = BTreeSet::new();
        for (file, product) in &self.products {
            // An API that could not be read is no unknown one.
            let broken = faults.iter().any(|fault| fault.file == format!("api/{}.toml", product.api));
            let problems = check::product(product, apis.get(&product.api).map(|api| &**api)).of(file);
            faults.extend(problems.filter(|fault| !(broken && fault.path == "api")));
            if !names.insert(&product.name) {
                let text = format!("{:?} is a duplicate", product.name);
                faults.push(Fault { file: file.clone(), path: "name".to_owned(), text });
            }
        }
        faults
    }
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
