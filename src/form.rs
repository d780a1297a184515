//! A parsed file as a type. Every problem of form is collected: a value that is wrong is noted, taken out, and the
//! rest is read again. Pure.

use config::{Value, ValueKind};
use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};

/// A key path, empty for the whole file, and what is wrong with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyProblem {
    pub path: String,
    pub text: String,
}

impl KeyProblem {
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into() }
    }
}

/// What `root` says as a `T`, `None` where nothing is left of it; and all that is wrong. Values at paths that hold
/// secrets are not repeated.
pub fn read<T: DeserializeOwned>(
    mut root: Value,
    holds_secrets: impl Fn(&str) -> bool,
) -> (Option<T>, Vec<KeyProblem>) {
    let mut problems = Vec::new();
    loop {
        let error = match serde_path_to_error::deserialize(root.clone()) {
            Ok(read) => return (Some(read), problems),
            Err(error) => error,
        };
        let path = error.path().to_string();
        let taken = take(&mut root, error.path());
        let is_last = taken.is_none();
        let shown = taken.filter(|_| !holds_secrets(&path)).map(|value| shown(&value.kind));
        let text = described(&error.inner().to_string(), shown);
        problems.push(KeyProblem { path, text });
        if is_last {
            return (None, problems);
        }
    }
}

/// Takes the value at `path` out.
fn take(root: &mut Value, path: &Path) -> Option<Value> {
    let segments: Vec<_> = path.iter().collect();
    let (last, parents) = segments.split_last()?;
    let mut value = root;
    for segment in parents {
        value = match (&mut value.kind, segment) {
            (ValueKind::Table(table), Segment::Map { key }) => table.get_mut(key)?,
            (ValueKind::Array(list), Segment::Seq { index }) => list.get_mut(*index)?,
            _ => return None,
        };
    }
    match (&mut value.kind, last) {
        (ValueKind::Table(table), Segment::Map { key }) => table.remove(key),
        (ValueKind::Array(list), Segment::Seq { index }) if *index < list.len() => Some(list.remove(*index)),
        _ => None,
    }
}

/// What the libraries expect, by how their words for it begin, and the words for users.
const EXPECTED: [(&str, &str); 8] = [
    // Every number of ours is one.
    ("an unsigned", "a whole number of at least 0"),
    ("an signed", "a whole number of at least 0"),
    ("an integer", "a whole number of at least 0"),
    ("a floating point", "a number"),
    ("a boolean", "true or false"),
    ("an array", "a list"),
    ("a sequence", "a list"),
    ("a string", "a string"),
];

/// A problem in plain words, of the library's message.
fn described(message: &str, shown: Option<String>) -> String {
    // The library repeats key and file.
    let message = message.split(" for key `").next().unwrap_or(message);
    if message.starts_with("unknown field") {
        let known = message.split_once("expected").map(|(_, names)| names.trim().replace('`', ""));
        return known.map_or("unknown key".to_owned(), |names| format!("unknown key, expected {names}"));
    }
    let right = match message.split_once(", expected ") {
        Some((what, names)) if what.starts_with("unknown variant") => {
            format!("must be {}", names.replace('`', ""))
        }
        Some((what, expected)) if what.starts_with("invalid") => {
            let words = EXPECTED.iter().find(|(start, _)| expected.starts_with(start));
            // Everything else is a type of ours with keys.
            format!("must be {}", words.map_or("a section with keys", |(_, words)| words))
        }
        _ => message.to_owned(),
    };
    match shown {
        Some(shown) if right.starts_with("must be") => format!("{right}, not {shown}"),
        Some(shown) if right.starts_with("is not") => format!("{shown} {right}"),
        _ => right,
    }
}

fn shown(value: &ValueKind) -> String {
    match value {
        ValueKind::Nil => "empty".to_owned(),
        ValueKind::Table(_) => "a section with keys".to_owned(),
        ValueKind::Array(_) => "a list".to_owned(),
        ValueKind::String(text) => format!("{text:?}"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use config::{Config, File, FileFormat};
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Form {
        count: usize,
        share: f64,
        name: String,
        names: Vec<String>,
        is_on: bool,
        part: Part,
        secrets: Vec<String>,
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Part {
        limit: u64,
    }

    fn problems(text: &str) -> Vec<String> {
        let source = File::from_str(text, FileFormat::Toml);
        let root = Config::builder().add_source(source).build().unwrap().cache;
        let (form, problems) = read::<Form>(root, |path| path.starts_with("secrets"));
        assert!(form.is_some(), "{text}");
        problems.into_iter().map(|KeyProblem { path, text }| format!("{path}: {text}")).collect()
    }

    #[test]
    fn a_wrong_value_is_shown_beside_what_is_right() {
        for (text, problem) in [
            ("count = -1", "count: must be a whole number of at least 0, not -1"),
            ("count = \"many\"", "count: must be a whole number of at least 0, not \"many\""),
            ("share = \"half\"", "share: must be a number, not \"half\""),
            ("name = [1]", "name: must be a string, not a list"),
            ("names = 5", "names: must be a list, not 5"),
            ("names = [{ a = 1 }]", "names[0]: must be a string, not a section with keys"),
            ("is_on = \"perhaps\"", "is_on: must be true or false, not \"perhaps\""),
            ("part = 5", "part: must be a section with keys, not 5"),
            ("part.limit = []", "part.limit: must be a whole number of at least 0, not a list"),
            ("part.limits = 1", "part.limits: unknown key, expected limit"),
            ("secrets = [{ hidden = 1 }]", "secrets[0]: must be a string"),
            ("secrets = \"hidden\"", "secrets: must be a list"),
        ] {
            assert_eq!(problems(text), [problem], "{text}");
        }
    }

    #[test]
    fn every_problem_is_found_at_once() {
        let found =
            problems("count = -1\nshare = []\nnames = [[], \"a\", []]\ncolour = 1\npart = { size = 1 }");
        assert_eq!(found.len(), 6, "{found:?}");
    }
}
