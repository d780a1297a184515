//! Any texts of the cloud read back from a target's samples as they were.
#![no_main]

use std::collections::BTreeMap;

use alicloud_tag_exporter::publication::exposition::{Options, Plain};
use alicloud_tag_exporter::publication::history::History;
use alicloud_tag_exporter::instruments::Instruments;
use alicloud_tag_exporter::inventory::Target;
use alicloud_tag_exporter::clock::now;
use alicloud_tag_exporter::publication::publisher::{Settings};
use alicloud_tag_exporter_fuzz::{outcome, publisher, resource};
use globset::{Glob, GlobSet};
use libfuzzer_sys::fuzz_target;
use tokio::runtime::Builder;

type Labels = BTreeMap<String, String>;

fuzz_target!(|texts: (&str, &str, &str, &str, &str)| {
    let (account, id, name, key, value) = texts;
    let text = rendered(account, id, name, key, value);
    let samples: Vec<_> = text.lines().map(sample).collect();
    let of = |family: &str| -> Vec<_> {
        samples.iter().filter(|(name, _)| name == family).map(|(_, labels)| labels).collect()
    };
    let [tag] = of("alicloud_resource_tag")[..] else { panic!("one tag in {text}") };
    let expected = [("account", account), ("region_id", "r"), ("product", "hbase"), ("resource_id", id)];
    let expected = expected.into_iter().chain([("key", key), ("value", value)]);
    assert_eq!(*tag, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<Labels>());
    let [info] = of("alicloud_resource_info")[..] else { panic!("one resource in {text}") };
    assert_eq!(info["resource_name"], name);
});

fn rendered(account: &str, id: &str, name: &str, key: &str, value: &str) -> String {
    let include_keys = GlobSet::builder().add(Glob::new("*").expect("a glob")).build().expect("a set");
    let options = Options { resource_tag: true, include_keys, max_series: 1, ..Options::default() };
    let max_staleness = std::time::Duration::from_secs(3600);
    let settings = Settings { options, max_staleness, ..Settings::default() };
    let target = Target::new(account, "r", "hbase");
    let history = History::in_memory(Instruments::new().expect("instruments")).expect("a history in memory");
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut publisher = publisher(settings, history, std::slice::from_ref(&target));
    runtime.block_on(publisher.absorb(&outcome(&target, [resource(id, name, &[(key, value)])].into())));
    let published = publisher.publish(now());
    let shown = &published.targets[&target];
    let blocks = shown.subject.iter().chain(&shown.statuses);
    let bytes = Plain::of(blocks).collect::<Vec<_>>().concat();
    String::from_utf8(bytes).expect("it is text")
}

/// Name and labels of a line, read strictly.
fn sample(line: &str) -> (String, Labels) {
    let (name, mut rest) = line.split_once('{').expect("labels");
    let mut labels = Labels::new();
    loop {
        let (label, text) = rest.split_once("=\"").expect("a label");
        assert!(label.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'), "{label}");
        let mut chars = text.char_indices();
        let mut value = String::new();
        let end = loop {
            match chars.next().expect("a quote at the end") {
                (at, '"') => break at,
                (_, '\\') => value.push(match chars.next().expect("what is escaped").1 {
                    'n' => '\n',
                    c @ ('\\' | '"') => c,
                    c => panic!("{c:?} is escaped"),
                }),
                (_, c) => value.push(c),
            }
        };
        assert!(labels.insert(label.to_owned(), value).is_none(), "{label} comes twice");
        rest = &text[end + 1..];
        match rest.strip_prefix(',') {
            Some(more) => rest = more,
            None => break,
        }
    }
    let value = rest.strip_prefix("} ").expect("a value");
    value.parse::<f64>().expect("a number");
    (name.to_owned(), labels)
}
