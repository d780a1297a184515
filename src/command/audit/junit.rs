//! The report as JUnit XML: a suite for each target, a test case for each resource and rule.
//!
//! Elements and attributes are those of the schema of Jenkins' xUnit plugin, `junit-10.xsd`:
//! <https://github.com/jenkinsci/xunit-plugin>. It takes nothing else.

use std::io::{self, Write};

use quick_xml::Writer;
use quick_xml::events::BytesText;

use super::report::{Audited, Report, visible};
use crate::inventory::Resource;
use crate::policy::Verdict;

struct Case {
    name: String,
    bad: Option<Bad>,
}

/// Why a test case did not pass.
struct Bad {
    element: &'static str,
    kind: &'static str,
    message: String,
}

const FAILURE: &str = "failure";
const SKIPPED: &str = "skipped";
const ERROR: &str = "error";

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    let suites: Vec<_> = report.targets.iter().map(|audited| (audited, cases(report, audited))).collect();
    let cases = || suites.iter().flat_map(|(_, cases)| cases);
    let mut writer = Writer::new_with_indent(out, b' ', 2);
    writer
        .create_element("testsuites")
        .with_attribute(("name", env!("CARGO_PKG_NAME")))
        .with_attribute(("tests", &*cases().count().to_string()))
        .with_attribute(("failures", &*count(cases(), FAILURE)))
        .with_attribute(("errors", &*count(cases(), ERROR)))
        .write_inner_content(|writer| {
            suites.iter().try_for_each(|(audited, cases)| suite(report, audited, cases, writer))
        })?;
    writeln!(writer.get_mut())
}

fn suite(
    report: &Report,
    audited: &Audited,
    cases: &[Case],
    writer: &mut Writer<&mut dyn Write>,
) -> io::Result<()> {
    let name = class(audited);
    let suite = writer
        .create_element("testsuite")
        .with_attribute(("name", &*name))
        .with_attribute(("timestamp", &*report.at.strftime("%Y-%m-%dT%H:%M:%S").to_string()))
        .with_attribute(("tests", &*cases.len().to_string()))
        .with_attribute(("failures", &*count(cases, FAILURE)))
        .with_attribute(("errors", &*count(cases, ERROR)))
        .with_attribute(("skipped", &*count(cases, SKIPPED)));
    suite.write_inner_content(|writer| cases.iter().try_for_each(|case| case.write(&name, writer)))?;
    Ok(())
}

/// `account.region.product`.
fn class(audited: &Audited) -> String {
    let target = &audited.target;
    visible(&format!("{}.{}.{}", target.account, target.region_id, target.product))
}

fn count<'a>(cases: impl IntoIterator<Item = &'a Case>, element: &str) -> String {
    let bad = cases.into_iter().filter_map(|case| case.bad.as_ref());
    bad.filter(|bad| bad.element == element).count().to_string()
}

/// A test case for each resource and rule; one that is an error for a target that is not known.
fn cases(report: &Report, audited: &Audited) -> Vec<Case> {
    let unknown = audited.failure.as_ref().map(|failure| {
        let bad = Bad { element: ERROR, kind: failure.reason.name(), message: visible(&failure.message) };
        Case { name: "collection".to_owned(), bad: Some(bad) }
    });
    let judged = report.resources(audited);
    let judged = judged.flat_map(|(resource, verdict)| {
        let keys = report.keys_of(verdict).into_iter();
        keys.map(move |key| Case::of(resource, verdict, key))
    });
    let all = judged.filter(|case| !report.only_violations || case.bad.is_some());
    unknown.into_iter().chain(all).collect()
}

impl Case {
    fn of(resource: &Resource, verdict: &Verdict, key: &str) -> Self {
        let name = visible(&format!("{} {key}", resource.id));
        let broken = verdict.violations.iter().find(|violation| &*violation.key == key);
        let bad = broken.map(|violation| {
            let (element, message) = match verdict.excuse(violation) {
                None => (FAILURE, violation.to_string()),
                Some(excuse) => (SKIPPED, format!("{violation} ({excuse})")),
            };
            Bad { element, kind: violation.reason.name(), message: visible(&message) }
        });
        Self { name, bad }
    }

    fn write(&self, class: &str, writer: &mut Writer<&mut dyn Write>) -> io::Result<()> {
        let element = writer
            .create_element("testcase")
            .with_attribute(("classname", class))
            .with_attribute(("name", &*self.name));
        match &self.bad {
            None => element.write_empty()?,
            Some(bad) => element.write_inner_content(|writer| bad.write(writer))?,
        };
        Ok(())
    }
}

impl Bad {
    /// The message stands in the text too: some readers show only the one or the other.
    fn write(&self, writer: &mut Writer<&mut dyn Write>) -> io::Result<()> {
        writer
            .create_element(self.element)
            .with_attribute(("type", self.kind))
            .with_attribute(("message", &*self.message))
            .write_text_content(BytesText::new(&self.message))?;
        Ok(())
    }
}
