//! The references in `docs/` name everything that the code has, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use alicloud_tag_exporter::instruments::Instruments;
use alicloud_tag_exporter::publication::exposition::{STATUS, SUBJECT};
use jiff::Timestamp;
use simulator::synthetic;

use crate::support::Daemon;

#[test]
fn every_metric_is_documented_with_its_type_and_no_other() {
    let documented: BTreeMap<_, _> = rows(&read("docs/metrics.md"))
        .into_iter()
        .filter(|(name, _)| name.starts_with("alicloud_") || name.starts_with("process_"))
        .map(|(name, cells)| (name, cells[1].clone()))
        .collect();
    let of_targets = SUBJECT.iter().chain(STATUS);
    let of_targets = of_targets.map(|family| (family.name.to_owned(), format!("{:?}", family.kind)));
    let own = exercised().gather().unwrap();
    let own = own.iter().map(|family| (family.name().to_owned(), format!("{:?}", family.get_field_type())));
    let known: BTreeMap<_, _> =
        of_targets.chain(own).map(|(name, kind)| (name, kind.to_lowercase())).collect();
    let absent = |name: &str| name.starts_with("process_") && !known.contains_key(name);
    let documented: BTreeMap<_, _> = documented.into_iter().filter(|(name, _)| !absent(name)).collect();
    assert_eq!(documented, known);
}

#[test]
fn every_label_of_the_exporters_own_metrics_is_documented() {
    let documented: BTreeMap<_, _> = rows(&read("docs/metrics.md")).into_iter().collect();
    for family in exercised().gather().unwrap() {
        let labels = &documented[family.name()][2];
        for label in family.get_metric().iter().flat_map(|metric| metric.get_label()) {
            assert!(labels.contains(&format!("`{}`", label.name())), "{}: {}", family.name(), label.name());
        }
    }
}

/// Instruments that all have a series.
fn exercised() -> Instruments {
    let instruments = Instruments::new().unwrap();
    instruments.shard(0, 1).unwrap();
    instruments.http_answered("/", 200);
    instruments.api("hbase", &["ListTagResources"]).observe(
        "ListTagResources",
        Duration::ZERO,
        Some("Throttling"),
    );
    let account = instruments.account("test", &["expired"]);
    account.credentials_end(Some(Timestamp::UNIX_EPOCH));
    account.regions_found("hbase", true);
    account.is_account("1");
    instruments
}

#[test]
fn every_configuration_key_is_documented_and_no_other() {
    let documented = rows(&read("docs/configuration.md")).into_iter().map(|(name, _)| name);
    let documented: BTreeSet<_> =
        documented.filter(|name| name.contains('.') && !name.starts_with('-')).collect();
    let mut known = BTreeSet::new();
    collect(&sections(), "ConfigFile", "", &mut known);
    // A tag label is a key, or a table of these.
    known.extend(["metrics.tag_labels[].key", "metrics.tag_labels[].label"].map(str::to_owned));
    assert!(known.len() > 50, "only {} keys were found", known.len());
    assert_eq!(documented, known);
}

/// The names and types of the fields of each `section!`, by its name.
fn sections() -> BTreeMap<String, Vec<(String, String)>> {
    let text = read("src/config/file.rs");
    let mut sections = BTreeMap::from([("Credentials".to_owned(), credentials())]);
    // Each block ends at the first brace that closes in the first column.
    for block in text.split("\nsection! {\n").skip(1) {
        let block = block.split("\n}").next().unwrap();
        let mut lines = block.lines().map(str::trim).filter(|line| !line.starts_with("///"));
        let name = lines.next().unwrap().strip_suffix(" {").unwrap().to_owned();
        let fields = lines.filter_map(|line| line.split_once(" = ")?.0.split_once(": "));
        sections.insert(name, fields.map(|(name, kind)| (name.to_owned(), kind.to_owned())).collect());
    }
    sections
}

/// The names of the keys of credentials, and their types.
fn credentials() -> Vec<(String, String)> {
    let text = read("src/config/file/credentials.rs");
    let block = text.split("\ncredentials! {\n").nth(1).unwrap().split("\n}").next().unwrap();
    let keys = block.lines().filter_map(|line| line.trim().split_once(", of ")?.0.split_once(": "));
    let source = ("source".to_owned(), "String".to_owned());
    [source].into_iter().chain(keys.map(|(name, kind)| (name.to_owned(), kind.to_owned()))).collect()
}

/// The key paths of a section. One that holds itself is a single key.
fn collect(
    sections: &BTreeMap<String, Vec<(String, String)>>,
    section: &str,
    path: &str,
    known: &mut BTreeSet<String>,
) {
    for (name, kind) in &sections[section] {
        let list = if kind.contains("Vec<") { "[]" } else { "" };
        let inner = kind.rsplit('<').next().unwrap().trim_end_matches('>');
        let key = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match sections.contains_key(inner) && inner != section {
            true => collect(sections, inner, &format!("{key}{list}"), known),
            false => _ = known.insert(key),
        }
    }
}

#[test]
fn every_timeout_and_limit_of_the_code_is_documented_with_its_file_and_no_other() {
    let text = read("docs/reliability.md");
    let documented: BTreeSet<_> = text.lines().flat_map(constants_of).collect();
    assert!(documented.len() > 40, "only {} constants were found", documented.len());
    for (name, file) in &documented {
        assert!(read(file).contains(&format!("const {name}: ")), "{name} is not in {file}");
    }
    let mut missing = Vec::new();
    for file in files("src").iter().filter(|file| !file.ends_with("tests.rs")) {
        let path = file.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
        let limits = limits(&read(&path)).into_iter().map(|name| (name, path.clone()));
        missing.extend(limits.filter(|limit| !documented.contains(limit)));
    }
    assert_eq!(missing, []);
}

/// The constants that a line of the reference names, each with the file that the line names.
fn constants_of(line: &str) -> Vec<(String, String)> {
    let code: Vec<_> = line.split('`').skip(1).step_by(2).collect();
    let Some(file) = code.iter().find(|text| text.starts_with("src/") && text.ends_with(".rs")) else {
        return Vec::new();
    };
    let is_constant = |text: &&&str| text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    code.iter().filter(is_constant).map(|name| (name.to_string(), file.to_string())).collect()
}

/// The constants of a file that are times or bounds, without those of its tests.
fn limits(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]").next().unwrap();
    let constant = |line: &str| {
        let (name, kind) = line.trim().split_once("const ")?.1.split_once(": ")?;
        let is_limit = kind.starts_with("Duration =") || name.starts_with("MAX_") || name.starts_with("MIN_");
        is_limit.then(|| name.to_owned())
    };
    code.lines().filter_map(constant).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_path_is_documented_and_answered_and_no_other() {
    let documented = rows(&read("docs/api.md")).into_iter().map(|(name, _)| name);
    let documented: BTreeSet<_> = documented.filter(|name| name.starts_with('/')).collect();
    let text = read("src/http/route.rs");
    let is_path = |text: &&str| {
        let of_path = |byte: u8| byte.is_ascii_lowercase() || b"/.-".contains(&byte);
        text.starts_with('/') && text.bytes().all(of_path)
    };
    let known: BTreeSet<_> = text.split('"').filter(is_path).map(str::to_owned).collect();
    assert_eq!(documented, known);
    let daemon = Daemon::start(synthetic(1, 3, 2), "").await;
    for path in &documented {
        assert_ne!(daemon.get(path).await.0, 404, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_query_parameter_is_documented_and_no_other() {
    let daemon = Daemon::start(synthetic(1, 3, 2), "").await;
    let text = read("docs/api.md");
    // Whatever stands between quotes in the code may be the name of a parameter: the daemon tells.
    let code: String = files("src/http").iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    let is_name = |text: &&str| {
        let word = text.strip_suffix("[]").unwrap_or(text);
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    let words: BTreeSet<_> = code.split('"').filter(is_name).collect();
    for path in ["/metrics", "/tags", "/tags/changes"] {
        let section = text.split(&format!("\n## `GET {path}`\n")).nth(1).unwrap();
        let section = section.split("\n## ").next().unwrap();
        let documented: BTreeSet<_> = rows(section).into_iter().map(|(name, _)| name).collect();
        assert!(!is_known(&daemon, path, "surely_not_a_parameter").await, "{path}");
        let mut known = BTreeSet::new();
        for word in words.iter().copied().chain(documented.iter().map(String::as_str)) {
            if is_known(&daemon, path, word).await {
                known.insert(word.to_owned());
            }
        }
        assert_eq!(documented, known, "{path}");
    }
}

/// Whether the daemon has a parameter of this name at `path`, whatever it thinks of the value.
async fn is_known(daemon: &Daemon, path: &str, name: &str) -> bool {
    let name = name.replace("[]", "%5B%5D");
    !daemon.get(&format!("{path}?{name}=x")).await.1.contains("unknown parameter")
}

/// The rows of all tables: the code in the first cell, and all cells.
fn rows(text: &str) -> Vec<(String, Vec<String>)> {
    let row = |line: &str| {
        let cells: Vec<_> = line.strip_prefix('|')?.split('|').map(|cell| cell.trim().to_owned()).collect();
        let name = cells[0].strip_prefix('`')?.split('`').next()?.to_owned();
        Some((name, cells))
    };
    text.lines().filter_map(row).collect()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

/// Every file below `folder`.
fn files(folder: &str) -> Vec<PathBuf> {
    let (mut files, mut folders) = (Vec::new(), vec![root().join(folder)]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
