//! Reads file and environment, and collects every problem of form and of content.

use config::{Environment as EnvironmentSource, File, FileFormat, Value, ValueKind};

use super::sources::{PREFIX, Sources};
use super::{Config, Problem, Problems, check};
use crate::form::{self, KeyProblem};

/// The configuration, checked, or everything that is wrong with it.
pub fn load(sources: &Sources) -> Result<Config, Problems> {
    let root = merged(sources).map_err(|problem| Problems(vec![problem]))?;
    let mut problems = sources.misspelt();
    if is_empty(&root, ACCOUNTS) {
        let text = "is empty: at least one [[accounts]] is required".to_owned();
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
    checked(root, sources, sources.misspelt())
}

const ACCOUNTS: &str = "accounts";

fn is_empty(root: &Value, key: &str) -> bool {
    let ValueKind::Table(table) = &root.kind else { return true };
    table.get(key).is_none_or(|value| matches!(&value.kind, ValueKind::Array(list) if list.is_empty()))
}

fn checked(root: Value, sources: &Sources, mut problems: Vec<Problem>) -> Result<Config, Problems> {
    // A value that stands in the place of credentials may be a secret.
    let (file, wrong) = form::read(root, |path| path.contains("credentials"));
    problems.extend(wrong.into_iter().map(|KeyProblem { path, text }| {
        let origin = sources.origin(&path);
        Problem { origin, path, text }
    }));
    let Some(file) = file else { return Err(Problems(problems)) };
    let mut found = Vec::new();
    let checked = check::check(file, sources, &mut found);
    // What is wrong of form was taken out, and is not missed.
    found.retain(|problem| problems.iter().all(|one| one.path != problem.path));
    problems.extend(found);
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
        assert_eq!(
            problems("", &[]),
            "config.toml: accounts: is empty: at least one [[accounts]] is required"
        );
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
            "config.toml: collect.interval: 5 is not a valid duration",
            "config.toml: accounts[1].regions: must be a list, not \"cn-hangzhou\"",
            "web.listen_address: \"here\" is not a valid listen address",
            "collect.deadline: 10m is longer than collect.interval",
            "api.endpoint: must start with https://",
            "accounts[0].regions: must not be empty",
            "accounts[0].products[0]: unknown product \"cassandra\"",
            "accounts[1].name: \"a\" is a duplicate account name",
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
            "TAG_EXPORTER__COLLECT__INTERVAL: collect.interval: \"soon\" is not a valid duration (example: 5m)"
        );
    }

    #[test]
    fn a_value_out_of_range_is_reported_with_its_source() {
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
            "--log.level: log.level: must be one of error, warn, info, debug, trace, not \"loud\"",
        ] {
            assert!(report.contains(expected), "{expected} is not in:\n{report}");
        }
    }

    #[test]
    fn a_wrong_value_is_shown_with_what_is_right_in_words_of_the_field() {
        for (text, problem) in [
            ("api.network = \"moon\"", "api.network: must be public or vpc, not \"moon\""),
            ("api.signature = 5", "api.signature: must be hmac-sha1 or acs3-hmac-sha256, not 5"),
            ("collect.concurrency = -1", "collect.concurrency: must be a whole number of at least 0, not -1"),
            ("web.max_connections = 1_000_001", "web.max_connections: must be 1 to 1000000"),
            ("api.requests_per_second = 10_001", "api.requests_per_second: must be 0, or 0.01 to 10000"),
            ("api.requests_per_second = nan", "api.requests_per_second: must be 0, or 0.01 to 10000"),
            ("shard.total = 4294967297", "shard.total: must be 1 to 1024"),
            ("shard.total = 1025", "shard.total: must be 1 to 1024"),
            ("log.format = \"xml\"", "log.format: must be one of text, json, not \"xml\""),
            (
                "metrics.tag_labels = [\"owner\", { label = \"x\" }]",
                "metrics.tag_labels[1]: must be a tag key, or { key = \"…\", label = \"…\" }, \
                 not a section with keys",
            ),
            ("metrics.tag_labels = \"owner\"", "metrics.tag_labels: must be a list, not \"owner\""),
            ("web = 5", "web: must be a section with keys, not 5"),
            ("api.endpoint = \"hidden\"", "api.endpoint: is not a valid URL: relative URL without a base"),
        ] {
            assert_eq!(problems(&format!("{text}\n{ACCOUNT}"), &[]), format!("config.toml: {problem}"));
        }
        for (text, problem) in [
            ("regions = [\"CN\"]", "regions[0]: \"CN\" is not a valid region ID (example: cn-hangzhou)"),
            (
                "regions = [\"cn-hangzhou\", \"all\"]",
                "regions[1]: \"all\" cannot be combined with other regions",
            ),
            ("regions = [\"cn-hangzhou\", \"cn-hangzhou\"]", "regions[1]: is a duplicate"),
            (
                "regions = [\"cn-hangzhou\"]\ntag_source = \"x\"",
                "tag_source: must be one of auto, list-tag-resources, inline, not \"x\"",
            ),
            (
                "regions = [\"cn-hangzhou\"]\ncredentials.duration = \"x\"",
                "credentials.duration: is not a valid duration (example: 5m)",
            ),
        ] {
            let report = problems(&format!("[[accounts]]\nname = \"a\"\n{text}"), &[]);
            assert_eq!(report, format!("config.toml: accounts[0].{problem}"));
        }
    }

    #[test]
    fn a_variable_with_one_underscore_is_named_with_its_right_name_and_those_of_others_are_not() {
        for name in ["TAG_EXPORTER_COLLECT_INTERVAL", "TAG_EXPORTER_COLLECT__INTERVAL"] {
            let report = problems(ACCOUNT, &[(name, "10m")]);
            let text = "is not read: the variable is TAG_EXPORTER__COLLECT__INTERVAL";
            assert_eq!(report, format!("{name}: collect.interval: {text}"));
        }
        let report = problems(ACCOUNT, &[("TAG_EXPORTER_WEB_MAX_CONNECTIONS", "1")]);
        assert!(report.ends_with("the variable is TAG_EXPORTER__WEB__MAX_CONNECTIONS"), "{report}");
        // Kubernetes sets these for a Service of the name.
        let service = [
            ("TAG_EXPORTER_SERVICE_HOST", "10.0.0.1"),
            ("TAG_EXPORTER_PORT", "tcp://10.0.0.1:10042"),
            ("TAG_EXPORTER_PORT_10042_TCP_ADDR", "10.0.0.1"),
        ];
        assert_eq!(problems(ACCOUNT, &service), "");
    }

    #[test]
    fn the_ordinal_of_a_shard_is_a_number_or_ends_the_name_of_a_pod() {
        let report = |ordinal| {
            let shard = [("TAG_EXPORTER__SHARD__ORDINAL", ordinal), ("TAG_EXPORTER__SHARD__TOTAL", "3")];
            problems(ACCOUNT, &shard)
        };
        assert_eq!((report("2"), report("tag-exporter-2")), (String::new(), String::new()));
        assert!(report("tag-exporter-3").contains("shard.ordinal: must be less than shard.total (3), not 3"));
        for wrong in ["-1", "tag-exporter", "tag-exporter-"] {
            assert!(
                report(wrong).contains("shard.ordinal: must be a number, or a pod name"),
                "{}",
                report(wrong)
            );
        }
        let report = problems(&format!("shard = {{ ordinal = -1, total = 0 }}\n{ACCOUNT}"), &[]);
        assert!(report.contains("shard.ordinal: must be a number, or a pod name that ends in one (example: exporter-2), not -1"), "{report}");
        assert!(report.contains("shard.total: must be 1 to 1024"), "{report}");
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
