//! The report as `/tags` would answer it, in one document.

use std::io::{self, Write};
use std::time::Duration;

use super::report::{Audited, Report};
use crate::publication::document::{ResourceRow, Snapshot, TargetRow};

pub(super) fn write(report: &Report, mut out: &mut dyn Write) -> io::Result<()> {
    let targets = report.targets.iter();
    let document = Snapshot {
        version: 1,
        generated_at: report.at,
        resources: targets.clone().flat_map(|audited| rows(report, audited)).collect(),
        targets: targets.map(|audited| target_row(report, audited)).collect(),
        next_cursor: None,
    };
    serde_json::to_writer_pretty(&mut out, &document)?;
    writeln!(out)
}

fn target_row<'a>(report: &Report, audited: &'a Audited) -> TargetRow<'a> {
    let Audited { target, inventory, .. } = audited;
    TargetRow::of(target, inventory.status(report.at, Duration::MAX), inventory, inventory.known.as_ref())
}

fn rows<'a>(report: &Report, audited: &'a Audited) -> impl Iterator<Item = ResourceRow<'a>> {
    let rows = report.resources(audited);
    rows.map(|(resource, verdict)| {
        ResourceRow::of(&audited.target, &audited.resource_type, resource, verdict)
    })
}
