//! One target's inventory → blocks of Prometheus text, one for each metric family. Pure.
//!
//! A block is rendered and compressed when its content changes, and a scrape only concatenates blocks.
//! Blocks hold sample lines without comments, so the same ones serve every text format.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use globset::GlobSet;
use jiff::Timestamp;

use crate::inventory::diff::Tally;
use crate::inventory::{Inventory, Known, Reason, Tags, Target};
use crate::policy::Judgement;

mod block;
mod cut;
mod families;
pub mod labels;
mod own;

pub use block::{Block, Plain, Press, gzip};
pub use cut::{Cut, Room, series};
pub use families::{STATUS, SUBJECT};
pub use own::own;

/// One metric family, defined in one place.
pub struct Family {
    pub name: &'static str,
    pub kind: Kind,
    pub help: &'static str,
    samples: fn(&TargetView<'_>, &mut Samples<'_>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Gauge,
    Counter,
    Histogram,
}

/// A text format for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Prometheus' own, version 0.0.4:
    /// <https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>.
    Text,
    /// OpenMetrics 1.0.0:
    /// <https://prometheus.io/docs/specs/om/open_metrics_spec/>.
    OpenMetrics,
}

/// The configured options of the exposition.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The wide metric's labels, sorted by name.
    pub tag_labels: Vec<TagLabel>,
    /// Whether the tall metric is rendered.
    pub resource_tag: bool,
    /// The keys of the tall metric.
    pub include_keys: GlobSet,
    /// Maximum number of series of the tall metric, over all targets.
    pub max_series: usize,
    /// The further labels of `alicloud_resources`, sorted by name.
    pub rollup_labels: Vec<TagLabel>,
}

/// A label and the keys whose value it shows: the first that is there counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TagLabel {
    /// The whole label name, `tag_…`.
    pub name: String,
    pub keys: Vec<Arc<str>>,
}

impl TagLabel {
    /// Empty where no tag has one of the keys.
    fn value<'a>(&self, tags: &'a Tags) -> &'a str {
        self.keys.iter().find_map(|key| tags.get(key)).unwrap_or_default()
    }
}

/// The input for rendering one target.
pub struct TargetView<'a> {
    pub target: &'a Target,
    /// The catalog's constant.
    pub resource_type: &'a str,
    pub inventory: &'a Inventory,
    /// The resources that may be shown now, in the order of `judgement`.
    pub shown: Option<&'a Known>,
    pub judgement: &'a Judgement,
    pub tags_changed_at: &'a BTreeMap<Arc<str>, Timestamp>,
    pub counters: &'a Counters,
    pub cut: Cut,
    pub options: &'a Options,
}

/// A target's counters since the start.
#[derive(Debug, Clone, Default)]
pub struct Counters {
    pub collections: u64,
    /// In the order of [`Reason::ALL`].
    pub failures: [u64; Reason::ALL.len()],
    pub changes: Tally,
}

/// The sample lines of one target, a block for each family of a list, in its order.
pub type Blocks = Vec<Block>;

/// Renders `families` for one target. A press takes 300 KB, so one serves many targets.
pub fn render(families: &[Family], view: &TargetView<'_>, press: &mut Press) -> Blocks {
    let target_labels = labels::of_target(view.target);
    let block = |family: &Family| {
        let text = String::new();
        let mut samples =
            Samples { press: &mut *press, text, name: family.name, target_labels: &target_labels };
        (family.samples)(view, &mut samples);
        samples.block()
    };
    families.iter().map(block).collect()
}

/// The `HELP` and `TYPE` lines of a family. OpenMetrics names a counter without its `_total`.
pub fn header(name: &str, kind: Kind, help: &str, format: Format) -> String {
    let (kind, suffix) = match kind {
        Kind::Gauge => ("gauge", ""),
        Kind::Counter => ("counter", "_total"),
        Kind::Histogram => ("histogram", ""),
    };
    let name = match format {
        Format::Text => name,
        Format::OpenMetrics => name.strip_suffix(suffix).unwrap_or(name),
    };
    format!("# HELP {name} {help}\n# TYPE {name} {kind}\n")
}

/// The last line of a response.
pub fn end(format: Format) -> &'static str {
    match format {
        Format::Text => "",
        Format::OpenMetrics => "# EOF\n",
    }
}

/// As Rust writes it, which every text format reads. Most values are whole, and those are written faster as such.
fn write_value(text: &mut String, value: f64) {
    let written = match value as i64 {
        whole if whole as f64 == value => write!(text, "{whole}"),
        _ => write!(text, "{value}"),
    };
    written.expect("a text takes everything");
}

/// Writes the sample lines of one family and target.
struct Samples<'a> {
    press: &'a mut Press,
    /// Lines that are not compressed yet.
    text: String,
    name: &'static str,
    /// `account`, `region_id` and `product`, escaped.
    target_labels: &'a str,
}

/// Lines are compressed in chunks of this many bytes.
const CHUNK: usize = 64 * 1024;

impl Samples<'_> {
    /// One line; `labels` follow those of the target.
    fn add<'v>(&mut self, labels: impl IntoIterator<Item = (&'v str, &'v str)>, value: f64) {
        let text = &mut self.text;
        text.extend([self.name, "{", self.target_labels]);
        for (name, value) in labels {
            text.extend([",", name, "=\""]);
            labels::escape_into(text, value);
            text.push('"');
        }
        text.push_str("} ");
        write_value(text, value);
        text.push('\n');
        if text.len() >= CHUNK {
            self.press.push(text);
            text.clear();
        }
    }

    /// One line with the target's labels only.
    fn add_bare(&mut self, value: f64) {
        self.add([], value);
    }

    fn block(self) -> Block {
        self.press.push(&self.text);
        self.press.block()
    }
}
