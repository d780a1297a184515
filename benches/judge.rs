//! How long it takes to judge 100,000 resources with 10 tags each by 10 required tags, a forbidden one, a limit and an
//! exemption: `cargo bench --bench judge`.
#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

use std::fmt::Write as _;
use std::time::Instant;

use alicloud_tag_exporter::config::{Sources, load_without_accounts};
use alicloud_tag_exporter::inventory::{Resource, Tags, Target};
use alicloud_tag_exporter::policy::{Rules, judge};
use jiff::Timestamp;

const RESOURCES: usize = 100_000;
const TAGS: usize = 10;

fn main() {
    let rules = rules();
    let target = Target::new("bench", "cn-hangzhou", "hbase");
    for (what, prefix) in [
        ("all tags there", "required-key-"),
        ("each key one edit away", "required-keyy-"),
        ("other tags", "something-"),
    ] {
        let resources: Vec<_> = (0..RESOURCES).map(|number| resource(number, prefix)).collect();
        let began = Instant::now();
        let judgement = judge(&target, &resources, &rules, Timestamp::UNIX_EPOCH);
        let violations: usize = judgement.verdicts.iter().map(|verdict| verdict.violations.len()).sum();
        println!("{what:<24} {violations:>8} violations {:>8.3} s", began.elapsed().as_secs_f64());
    }
}

fn rules() -> Rules {
    let mut text = "[policy]\n".to_owned();
    for number in 0..TAGS {
        let key = format!("required-key-{number}");
        writeln!(text, "[[policy.required_tags]]\nkey = {key:?}\naliases = [\"Alias-{number}\"]").unwrap();
    }
    text += "
        [[policy.forbidden_tags]]
        key = \"temp*\"
        [policy.max_tags]
        [[policy.exemptions]]
        resource_id = \"hb-9*\"
        keys = [\"required-key-1\"]
        until = \"2027-01-31\"";
    let file = Some(("bench".to_owned(), text));
    load_without_accounts(&Sources { file, ..Sources::default() }).unwrap().rules
}

fn resource(number: usize, prefix: &str) -> Resource {
    let tag = |number| (format!("{prefix}{number}").into(), "value".into());
    Resource {
        id: format!("hb-{number}").into(),
        name: "bench".into(),
        resource_group_id: "".into(),
        status: "ACTIVATION".into(),
        created_at: None,
        tags: (0..TAGS).map(tag).collect(),
        system_tags: Tags::default(),
        unread: None,
    }
}
