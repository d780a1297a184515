//! The report as SARIF 2.1.0: a result for each violation, a notification for each target that is not known.
//!
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/sarif-v2.1.0-errata01-os-complete.html>

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use sha1::{Digest as _, Sha1};

use super::report::{Audited, Report, visible};
use crate::inventory::{Failure, Resource, Target};
use crate::policy::{State, Violation};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

#[derive(Serialize)]
struct Log {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run; 1],
}

#[derive(Serialize)]
struct Run {
    tool: Tool,
    invocations: [Invocation; 1],
    results: Vec<Finding>,
    /// How many resources are in each state.
    properties: BTreeMap<&'static str, usize>,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: &'static str,
    semantic_version: &'static str,
    rules: Vec<Rule>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: String,
    short_description: Message,
}

#[derive(Serialize)]
struct Message {
    text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    execution_successful: bool,
    end_time_utc: Timestamp,
    tool_execution_notifications: Vec<Notification>,
}

#[derive(Serialize)]
struct Notification {
    level: &'static str,
    message: Message,
    locations: [Location; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Finding {
    rule_id: String,
    level: &'static str,
    message: Message,
    locations: [Location; 1],
    partial_fingerprints: BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: PhysicalLocation,
    logical_locations: [LogicalLocation; 1],
}

/// A path made of the logical location: there are viewers that know nothing but files.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
}

#[derive(Serialize)]
struct ArtifactLocation {
    uri: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LogicalLocation {
    name: String,
    fully_qualified_name: String,
    kind: &'static str,
}

pub(super) fn write(report: &Report, mut out: &mut dyn Write) -> io::Result<()> {
    let log = Log { schema: SCHEMA, version: "2.1.0", runs: [run(report)] };
    serde_json::to_writer_pretty(&mut out, &log)?;
    writeln!(out)
}

fn run(report: &Report) -> Run {
    let rule = |key: &str| {
        let text = message(&format!("rule for the tag {key}"));
        Rule { id: visible(key), short_description: text }
    };
    let driver = Driver {
        name: env!("CARGO_PKG_NAME"),
        semantic_version: env!("CARGO_PKG_VERSION"),
        rules: report.keys().into_iter().map(|key| rule(key)).collect(),
    };
    let unknown: Vec<_> = report.unknown().map(|(audited, failure)| notification(audited, failure)).collect();
    let invocation = Invocation {
        execution_successful: unknown.is_empty(),
        end_time_utc: report.at,
        tool_execution_notifications: unknown,
    };
    Run {
        tool: Tool { driver },
        invocations: [invocation],
        results: report.targets.iter().flat_map(|audited| findings(report, audited)).collect(),
        properties: State::ALL.map(|state| (state.name(), report.count(state))).into(),
    }
}

fn notification(audited: &Audited, failure: &Failure) -> Notification {
    let target = &audited.target;
    let text = format!("{target} is unknown ({}): {}", failure.reason.name(), failure.message);
    let names = [&*target.account, &target.region_id, &target.product];
    Notification { level: "error", message: message(&text), locations: [location(&names, "module")] }
}

/// Violations that count: those of a pending resource, and exempt ones, do not.
fn findings(report: &Report, audited: &Audited) -> impl Iterator<Item = Finding> {
    report.resources(audited).flat_map(|(resource, verdict)| {
        verdict.counting().map(|violation| finding(&audited.target, resource, violation))
    })
}

fn finding(target: &Target, resource: &Resource, violation: &Violation) -> Finding {
    let names = [&*target.account, &target.region_id, &target.product, &resource.id];
    Finding {
        rule_id: visible(&violation.key),
        level: "error",
        message: message(&format!("{} ({}): {violation}", resource.id, resource.name)),
        locations: [location(&names, "resource")],
        partial_fingerprints: [("resourceAndRule/v1", fingerprint(&names, &violation.key))].into(),
    }
}

/// Text that is nothing but text: in a message `[` begins a link, `\` hides it, and `{0}` a placeholder (§3.11.5 and §3.11.6).
fn message(text: &str) -> Message {
    let mut plain = String::new();
    for c in visible(text).chars() {
        match c {
            '[' | ']' | '\\' => plain.extend(['\\', c]),
            '{' | '}' => plain.extend([c, c]),
            _ => plain.push(c),
        }
    }
    Message { text: plain }
}

fn location(names: &[&str], kind: &'static str) -> Location {
    let encoded: Vec<_> = names.iter().map(|name| encoded(name)).collect();
    let visible: Vec<_> = names.iter().map(|name| visible(name)).collect();
    Location {
        physical_location: PhysicalLocation {
            artifact_location: ArtifactLocation { uri: encoded.join("/") },
        },
        logical_locations: [LogicalLocation {
            name: visible.last().cloned().unwrap_or_default(),
            fully_qualified_name: visible.join("/"),
            kind,
        }],
    }
}

/// A segment of a path; never `.` or `..`.
fn encoded(name: &str) -> String {
    const OTHERS: &percent_encoding::AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');
    utf8_percent_encode(name, OTHERS).to_string()
}

/// The same for the same resource and rule in every report.
fn fingerprint(names: &[&str], key: &str) -> String {
    let mut hash = Sha1::new();
    for text in names.iter().chain([&key]) {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    hash.finalize().iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
