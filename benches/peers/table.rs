//! What was measured, and whether it keeps to the limits.

use std::fmt;

#[derive(Default)]
pub struct Table(Vec<Row>);

struct Row {
    what: String,
    figure: String,
    limit: String,
    is_good: bool,
}

impl Table {
    /// A figure that has no limit.
    pub fn tell(&mut self, what: impl Into<String>, figure: f64, unit: &str) {
        self.add(what, figure, unit, String::new(), true);
    }

    pub fn at_most(&mut self, what: impl Into<String>, figure: f64, unit: &str, limit: f64) {
        self.add(what, figure, unit, format!("at most {limit}"), figure <= limit);
    }

    pub fn at_least(&mut self, what: impl Into<String>, figure: f64, unit: &str, limit: f64) {
        self.add(what, figure, unit, format!("at least {limit}"), figure >= limit);
    }

    /// Whether every limit was kept.
    pub fn is_good(&self) -> bool {
        self.0.iter().all(|row| row.is_good)
    }

    fn add(&mut self, what: impl Into<String>, figure: f64, unit: &str, limit: String, is_good: bool) {
        let row = Row { what: what.into(), figure: format!("{} {unit}", shortened(figure)), limit, is_good };
        println!("{row}");
        self.0.push(row);
    }
}

/// Three digits that count.
fn shortened(figure: f64) -> String {
    let decimals = match figure.abs() {
        100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        0.1.. => 3,
        _ => 4,
    };
    format!("{figure:.decimals$}")
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, figure, limit, is_good } = self;
        let missed = if *is_good { "" } else { "  MISSED" };
        write!(f, "{what:<64} {figure:>14}  {limit}{missed}")
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|row| writeln!(f, "{row}"))
    }
}
