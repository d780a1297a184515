//! The clusters of the demo: what they are called, how old they are, and how well they are tagged.

use std::iter;

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};

use super::DemoRegion;
use crate::resources::Resource;

/// The age of the youngest cluster at the start: young enough to have no tags yet.
pub const FEW_MINUTES: SignedDuration = SignedDuration::from_mins(4);

pub const OWNERS: [&str; 7] = ["li.na", "wang.wei", "zhang.min", "chen.jie", "a.novak", "m.okafor", "张伟"];
pub const ENVIRONMENTS: [&str; 4] = ["prod", "prod", "staging", "dev"];
pub const COST_CENTERS: [&str; 5] = ["4100", "4120", "4711", "5200", "6003"];
pub const TEAMS: [&str; 6] = ["search", "orders", "risk", "logistics", "data-platform", "推荐"];
const SUBJECTS: [&str; 10] = [
    "orders-history",
    "user-profile",
    "clickstream",
    "device-telemetry",
    "risk-features",
    "chat-archive",
    "geo-index",
    "ad-events",
    "price-history",
    "audit-trail",
];
const STATUSES: [&str; 4] = ["RESTARTING", "MINOR_VERSION_TRANSING", "HBASE_EXPANDING", "DELETING"];

/// Tags as people type them, one on every fourth cluster: slips, empty values, other scripts, and text that is meant
/// to break whatever prints it.
const SLIPS: [(&str, &str); 14] = [
    ("Owner ", "li.na"),
    ("ownr", "wang.wei"),
    ("owner", ""),
    ("负责人", "张伟"),
    ("note", "called \"the big one\""),
    ("note", "first line\nsecond line"),
    ("note", "\u{1b}[31mred\u{1b}[0m"),
    ("note", "<script>alert('tag')</script>"),
    ("Env", "Production"),
    ("cost_center", "4711"),
    ("env", "prod "),
    ("path", "C:\\hbase\\conf"),
    ("用途", "订单历史查询"),
    ("team", "search{env=\"prod\"} 1"),
];

/// A cluster of some age. Of ten, one has no tags and one has no cost centre; of twelve, one does not simply run.
pub fn old_cluster(rng: &mut Rng, region: &DemoRegion, n: usize, now: Timestamp) -> Resource {
    let age = SignedDuration::from_secs(rng.i64(86_400..4 * 365 * 86_400));
    let mut cluster = nameless_cluster(rng, region, now - age);
    let environment = one_of(rng, &ENVIRONMENTS);
    cluster.name = format!("{}-{environment}", one_of(rng, &SUBJECTS));
    if n % 12 == 5 {
        cluster.status = one_of(rng, &STATUSES).to_owned();
    }
    if n % 10 == 7 {
        return cluster;
    }
    let tags = [("env", environment), ("owner", one_of(rng, &OWNERS)), ("team", one_of(rng, &TEAMS))];
    let cost_center = (n % 10 != 3).then(|| ("cost-center", one_of(rng, &COST_CENTERS)));
    cluster.with_tags(tags).with_tags(cost_center).with_tags(slip(region, n))
}

/// A cluster that was just ordered: it is being created and nobody has tagged it.
pub fn new_cluster(rng: &mut Rng, region: &DemoRegion, created: Timestamp) -> Resource {
    let mut cluster = nameless_cluster(rng, region, created);
    cluster.name = format!("{}-new", one_of(rng, &SUBJECTS));
    cluster.status = "CREATING".to_owned();
    cluster
}

pub fn one_of<'a>(rng: &mut Rng, texts: &[&'a str]) -> &'a str {
    rng.choice(texts).copied().unwrap_or_default()
}

/// Ids look like `hb-bp1u0639js2h7`, the vendor's example.
fn nameless_cluster(rng: &mut Rng, region: &DemoRegion, created: Timestamp) -> Resource {
    let kind = one_of(rng, &["hb", "hb", "ld", "ld", "bds"]);
    let tail: String = iter::repeat_with(|| rng.alphanumeric().to_ascii_lowercase()).take(10).collect();
    let mut cluster = Resource::new(&format!("{kind}-{}{tail}", region.id_prefix));
    cluster.created = created.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    if rng.u8(..5) == 0 {
        cluster.resource_group_id = "rg-analytics".to_owned();
    }
    cluster
}

/// Together the regions have every slip.
fn slip(region: &DemoRegion, n: usize) -> Option<(&'static str, &'static str)> {
    let index = (n / 4 + region.first_slip) % SLIPS.len();
    SLIPS.get(index).copied().filter(|_| n.is_multiple_of(4))
}
