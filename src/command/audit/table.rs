//! The report for people at a terminal: a table for each account and region, and a summary.

use std::io::{self, IsTerminal as _, Write};

use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle};
use console::{Style, Term};

use super::report::{Audited, Conclusion, Report, numbered, visible};
use crate::inventory::Resource;
use crate::policy::{State, Verdict, Violation};

/// A line under the header, and above and below the whole.
const LINES: TableStyle = TableStyle::new().top_border(LINE).header_separator(LINE).bottom_border(LINE);
const LINE: LineStyle = LineStyle::none().fill('─').junction('─');

/// What the report is shown on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Screen {
    pub colours: bool,
    /// Where it is known, long texts are broken to fit.
    pub width: Option<u16>,
}

impl Screen {
    /// The terminal that stdout is, when the report goes there. `NO_COLOR` is obeyed: <https://no-color.org/>.
    #[expect(clippy::disallowed_methods, reason = "it is about the terminal, as is_terminal is")]
    pub fn of(to_stdout: bool) -> Self {
        if !to_stdout || !io::stdout().is_terminal() {
            return Self { colours: false, width: None };
        }
        let colours = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { colours, width: Term::stdout().size_checked().map(|(_, columns)| columns) }
    }

    fn styled(self, style: Style, text: impl std::fmt::Display) -> String {
        style.force_styling(self.colours).apply_to(text).to_string()
    }
}

pub(super) fn write(report: &Report, screen: Screen, out: &mut dyn Write) -> io::Result<()> {
    let same_region = |one: &Audited, other: &Audited| place(one) == place(other);
    for group in report.targets.chunk_by(same_region) {
        region(report, group, screen, out)?;
    }
    summary(report, screen, out)
}

fn place(audited: &Audited) -> (&str, &str) {
    (&audited.target.account, &audited.target.region_id)
}

fn region(report: &Report, group: &[Audited], screen: Screen, out: &mut dyn Write) -> io::Result<()> {
    let mut table = Table::new();
    table.load_style(LINES).set_header(["State", "Product", "Resource", "Name", "Violations"]);
    if let Some(width) = screen.width {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    for audited in group {
        let rows = report.resources(audited);
        table.add_rows(rows.map(|(resource, verdict)| row(audited, resource, verdict)));
    }
    let unknown: Vec<_> =
        group.iter().filter_map(|audited| Some((audited, audited.failure.as_ref()?))).collect();
    if table.is_empty() && unknown.is_empty() {
        return Ok(());
    }
    let (account, region) = place(&group[0]);
    let heading = format!("{} / {}", visible(account), visible(region));
    writeln!(out, "{}", screen.styled(Style::new().bold(), heading))?;
    if !table.is_empty() {
        table.lines().try_for_each(|line| writeln!(out, "{}", coloured(&line, screen)))?;
    }
    for (audited, failure) in unknown {
        let product = visible(&audited.target.product);
        let text = format!("{product} is unknown ({}): {}", failure.reason.name(), visible(&failure.message));
        writeln!(out, "{}", screen.styled(Style::new().red(), text))?;
    }
    writeln!(out)
}

fn row(audited: &Audited, resource: &Resource, verdict: &Verdict) -> [String; 5] {
    let told = |violation: &Violation| {
        let excuse = verdict.excuse(violation).map(|excuse| format!(" ({excuse})")).unwrap_or_default();
        visible(&format!("{violation}{excuse}"))
    };
    let violations: Vec<_> = verdict.violations.iter().map(told).collect();
    [
        verdict.state.name().to_owned(),
        visible(&audited.target.product),
        visible(&resource.id),
        visible(&resource.name),
        violations.join("; "),
    ]
}

/// A line of a table with the state in front in its colour.
fn coloured(line: &str, screen: Screen) -> String {
    let begins = |state: &State| line.strip_prefix(' ').is_some_and(|line| line.starts_with(state.name()));
    match State::ALL.iter().find(|state| begins(state)) {
        Some(state) => line.replacen(state.name(), &screen.styled(colour(*state), state.name()), 1),
        None => line.to_owned(),
    }
}

fn colour(state: State) -> Style {
    match state {
        State::Compliant => Style::new().green(),
        State::Violating => Style::new().red(),
        State::Pending | State::Exempt | State::Unknown => Style::new().yellow(),
    }
}

/// `5 resources in 3 targets: 2 compliant, 3 violating, 0 pending, 0 exempt; unknown: 1 target`.
fn summary(report: &Report, screen: Screen, out: &mut dyn Write) -> io::Result<()> {
    let counts = State::ALL.map(|state| (report.count(state), state));
    let total = counts.iter().map(|(count, _)| count).sum();
    let states = counts.map(|(count, state)| format!("{count} {}", state.name())).join(", ");
    let unknown = report.unknown().count();
    let known = report.targets.len() - unknown;
    let mut text = format!("{} in {}: {states}", numbered(total, "resource"), numbered(known, "target"));
    if unknown > 0 {
        text += &format!("; unknown: {}", numbered(unknown, "target"));
    }
    let style = match report.conclusion() {
        Conclusion::Compliant => Style::new().green(),
        Conclusion::Violating | Conclusion::Unknown => Style::new().red(),
    };
    writeln!(out, "{}", screen.styled(style, text))
}
