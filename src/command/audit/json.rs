//! The report as `/tags` would answer it, in one document.

use std::io::{self, Write};

use super::report::{Audited, Report};
use crate::publication::document::{ResourceRow, Snapshot, TargetRow};

pub(super) fn write(report: &Report, mut out: &mut dyn Write) -> io::Result<()> {
    let targets = report.targets.iter();
    let document = Snapshot {
        version: 1,
        generated_at: report.at,
        resources: targets.clone().flat_map(|audited| rows(report, audited)).collect(),
        targets: targets.map(target_row).collect(),
        next_cursor: None,
    };
    serde_json::to_writer_pretty(&mut out, &document)?;
    writeln!(out)
}

fn target_row(audited: &Audited) -> TargetRow<'_> {
    let Audited { target, shown, .. } = audited;
    TargetRow::of(target, shown.status, &shown.inventory, shown.known.as_ref())
}

fn rows<'a>(report: &Report, audited: &'a Audited) -> impl Iterator<Item = ResourceRow<'a>> {
    let rows = report.resources(audited);
    rows.map(|(resource, verdict)| {
        ResourceRow::of(&audited.target, &audited.shown.resource_type, resource, verdict)
    })
}
