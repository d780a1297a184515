//! Reads file and environment, and collects every problem of form: a key that is wrong is noted, taken out, and
//! the rest is read again.

use config::{Environment as EnvironmentSource, File, FileFormat, Value, ValueKind};
use serde_path_to_error::{Path, Segment};

use super::file::ConfigFile;
use super::sources::{PREFIX, Sources};
use super::{Config, Problem, Problems, check};

/// The configuration, checked, or everything that is wrong with it.
pub fn load(sources: &Sources) -> Result<Config, Problems> {
    let root = merged(sources).map_err(|problem| Problems(vec![problem]))?;
    let mut problems = Vec::new();
    if is_empty(&root, ACCOUNTS) {
        let text = "is empty: one [[accounts]] is needed".to_owned();
        problems.push(Problem { origin: sources.origin(ACCOUNTS), path: ACCOUNTS.to_owned(), text });
    }
    checked(root, sources, problems)
}

/// The same for who asks nothing of the cloud: accounts are not needed, and not looked at, so that their secrets
/// need not be there.
pub fn load_without_accounts(sources: &Sources) -> Result<Config, Problems> {
    let mut root = merged(sources).map_err(|problem| Problems(vec![problem]))?;
    if let ValueKind::Table(table) = &mut root.kind {
        table.remove(ACCOUNTS);
    }
    checked(root, sources, Vec::new())
}

const ACCOUNTS: &str = "accounts";

fn is_empty(root: &Value, key: &str) -> bool {
    let ValueKind::Table(table) = &root.kind else { return true };
    table.get(key).is_none_or(|value| matches!(&value.kind, ValueKind::Array(list) if list.is_empty()))
}

fn checked(mut root: Value, sources: &Sources, mut problems: Vec<Problem>) -> Result<Config, Problems> {
    let file = loop {
        match serde_path_to_error::deserialize::<_, ConfigFile>(root.clone()) {
            Ok(file) => break file,
            Err(error) => {
                let taken = take(&mut root, error.path());
                let unmendable = taken.is_none();
                problems.push(problem(error.path(), &error.inner().to_string(), taken, sources));
                if unmendable {
                    return Err(Problems(problems));
                }
            }
        }
    };
    let checked = check::check(file, sources, &mut problems);
    match checked {
        Some(config) if problems.is_empty() => Ok(config),
        _ => Err(Problems(problems)),
    }
}

fn merged(sources: &Sources) -> Result<Value, Problem> {
    let environment = sources.environment.iter().filter(|(name, _)| name.starts_with(PREFIX));
    let environment = environment.map(|(name, value)| (name.clone(), value.clone())).collect();
    let mut builder = config::Config::builder();
    if let Some((name, text)) = &sources.file {
        well_formed(name, text)?;
        builder = builder.add_source(File::from_str(text, FileFormat::Toml));
    }
    builder = builder.add_source(
        EnvironmentSource::with_prefix(PREFIX)
            .prefix_separator("__")
            .separator("__")
            .ignore_empty(true)
            .source(Some(environment)),
    );
    for (path, value) in &sources.flags {
        builder = builder.set_override(*path, value.as_str()).map_err(whole)?;
    }
    Ok(builder.build().map_err(whole)?.cache)
}

/// The parser's message with line and column, but without the line itself: it may hold a secret.
fn well_formed(name: &str, text: &str) -> Result<(), Problem> {
    let Err(error) = toml::from_str::<toml::Table>(text) else { return Ok(()) };
    let start = error.span().map_or(0, |span| span.start.min(text.len()));
    let before = text.get(..start).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    let text = format!("line {line}, column {column}: {}", error.message().replace('\n', ", "));
    Err(Problem { origin: Some(name.to_owned()), path: String::new(), text })
}

fn whole(error: config::ConfigError) -> Problem {
    Problem { origin: None, path: String::new(), text: error.to_string() }
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

fn problem(path: &Path, text: &str, taken: Option<Value>, sources: &Sources) -> Problem {
    let path = path.to_string();
    Problem { origin: sources.origin(&path), text: described(&path, text, taken.as_ref()), path }
}

/// What is wrong with a value; one near credentials is not repeated.
fn described(path: &str, text: &str, taken: Option<&Value>) -> String {
    let text = text.split(" for key `").next().unwrap_or(text);
    if text.contains("unknown field") {
        let expected = text.split_once("expected").map(|(_, names)| names.trim());
        return expected.map_or("unknown key".to_owned(), |names| format!("unknown key, expected {names}"));
    }
    if path.contains("credentials") || taken.is_none() {
        return "is not of the right type".to_owned();
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str, environment: &[(&str, &str)]) -> String {
        let pairs = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let sources = Sources {
            file: Some(("config.toml".to_owned(), text.to_owned())),
            environment: pairs.collect(),
            flags: Vec::new(),
        };
        load(&sources).map_or_else(|problems| problems.to_string(), |_| String::new())
    }

    const ACCOUNT: &str = "[[accounts]]\nname = \"prod\"\nregions = [\"cn-hangzhou\"]\n";

    #[test]
    fn a_small_configuration_is_enough() {
        assert_eq!(problems(ACCOUNT, &[]), "");
    }

    #[test]
    fn accounts_are_needed_but_not_for_who_asks_nothing_of_the_cloud() {
        assert_eq!(problems("", &[]), "config.toml: accounts: is empty: one [[accounts]] is needed");
        assert_eq!(problems("accounts = []", &[]), problems("", &[]));
        let broken = "accounts = 1\n[[policy.required_tags]]\nkey = \"owner\"";
        let file = Some(("config.toml".to_owned(), broken.to_owned()));
        let config = load_without_accounts(&Sources { file, ..Sources::default() }).unwrap();
        assert_eq!((config.accounts.len(), config.rules.required_tags.len()), (0, 1));
    }

    #[test]
    fn all_problems_are_in_one_report_with_their_key_paths() {
        let text = "
            colour = 1
            [web]
            listen_address = \"here\"
            [collect]
            interval = 5
            deadline = \"10m\"
            [api]
            endpoint = \"http://10.0.0.1\"
            [[accounts]]
            name = \"a\"
            regions = []
            products = [\"cassandra\"]
            [[accounts]]
            name = \"a\"
            regions = \"cn-hangzhou\"
            [[policy.required_tags]]
            key = \"cost-center\"
            [[policy.required_tags]]
            key = \"cost_center\"
            [[policy.required_tags]]
            key = \"owner\"
            values = [\"x\"]";
        let report = problems(text, &[]);
        for expected in [
            "config.toml: colour: unknown key",
            "config.toml: collect.interval: is no duration",
            "config.toml: accounts[1].regions: invalid type",
            "web.listen_address: is no address",
            "collect.deadline: 10m is longer than collect.interval",
            "api.endpoint: must begin with https://",
            "accounts[0].regions: is empty",
            "accounts[0].products[0]: unknown product \"cassandra\"",
            "accounts[1].name: \"a\" is the name of another account",
            "\"cost-center\" and \"cost_center\"",
        ] {
            assert!(report.contains(expected), "{expected} is not in:\n{report}");
        }
    }

    #[test]
    fn a_variable_comes_before_the_file_and_is_named_when_it_is_wrong() {
        assert_eq!(problems(ACCOUNT, &[("TAG_EXPORTER__COLLECT__INTERVAL", "10m")]), "");
        let report = problems(ACCOUNT, &[("TAG_EXPORTER__COLLECT__INTERVAL", "soon")]);
        assert_eq!(
            report,
            "TAG_EXPORTER__COLLECT__INTERVAL: collect.interval: is no duration such as 90s, 5m or 1h"
        );
    }

    #[test]
    fn what_is_out_of_range_is_told_with_where_it_was_given() {
        let environment = [("TAG_EXPORTER__COLLECT__INTERVAL".to_owned(), "10ms".to_owned())];
        let sources = Sources {
            file: Some(("config.toml".to_owned(), format!("{ACCOUNT}[api]\nmax_attempts = 0"))),
            environment: environment.into(),
            flags: vec![("log.level", "loud".to_owned())],
        };
        let report = load(&sources).unwrap_err().to_string();
        for expected in [
            "TAG_EXPORTER__COLLECT__INTERVAL: collect.interval: must be at least 1s",
            "config.toml: api.max_attempts: must be 1 to 100",
            "--log.level: log.level: must be error, warn, info, debug or trace",
        ] {
            assert!(report.contains(expected), "{expected} is not in:\n{report}");
        }
    }

    #[test]
    fn the_ordinal_of_a_shard_is_a_number_or_ends_the_name_of_a_pod() {
        let report = |ordinal| {
            let shard = [("TAG_EXPORTER__SHARD__ORDINAL", ordinal), ("TAG_EXPORTER__SHARD__TOTAL", "3")];
            problems(ACCOUNT, &shard)
        };
        assert_eq!((report("2"), report("tag-exporter-2")), (String::new(), String::new()));
        assert!(report("tag-exporter-3").contains("shard.ordinal: 3 is not below shard.total (3)"));
        for wrong in ["-1", "tag-exporter", "tag-exporter-"] {
            assert!(report(wrong).contains("shard.ordinal: is neither a number nor"), "{}", report(wrong));
        }
        let report = problems(&format!("shard = {{ ordinal = -1, total = 0 }}\n{ACCOUNT}"), &[]);
        assert!(report.contains("shard.ordinal: is neither"), "{report}");
        assert!(report.contains("shard.total: must be above 0"), "{report}");
    }

    #[test]
    fn no_secret_is_repeated() {
        for text in [
            "[[accounts]]\nname = \"a\"\nregions = [\"r\"]\ncredentials = \"hidden\"",
            "[[accounts]]\nname = \"a\"\nregions = [\"r\"]\ncredentials = { access_key_secret = [\"hidden\"] }",
            "[[accounts]]\ncredentials = { access_key_secret = \"hidden\" ",
        ] {
            let report = problems(text, &[]);
            assert!(!report.is_empty() && !report.contains("hidden"), "{report}");
        }
    }
}
