//! `check-config`: what a valid configuration lists, and what in it may be a mistake.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

use crate::cloud::api::endpoint::Network;
use crate::cloud::catalog::TagsFrom;
use crate::cloud::discovery::TagSource;
use crate::collection::targets::{Discovered, targets};
use crate::config::{Account, Config, Regions};
use crate::inventory::shard::Shard;

/// Prints the summary, notes and warnings.
pub fn print(config: &Config, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "configuration OK: {}", summary(config))?;
    for note in notes(config) {
        writeln!(out, "note: {note}")?;
    }
    match doubt(config) {
        Some(doubt) => writeln!(out, "warning: {doubt}"),
        None => Ok(()),
    }
}

/// What may be a mistake in a valid configuration.
pub fn doubt(config: &Config) -> Option<&'static str> {
    let finds = |account: &Account| account.products.iter().any(|product| account.finds_regions_of(product));
    let finds_regions = config.accounts.iter().any(finds);
    (config.api.network == Network::Vpc && finds_regions).then_some(
        "api.network is \"vpc\" and an account has regions = [\"all\"]: regions that this VPC cannot reach will fail",
    )
}

/// Where a setting has no effect.
fn notes(config: &Config) -> Vec<String> {
    let mut notes = Vec::new();
    for account in &config.accounts {
        for product in &account.products {
            let used = account.tag_source.of(product);
            let text = match (account.tag_source, used) {
                (TagSource::Inline, TagsFrom::ListTagResources) => "ListTagResources, its only source",
                (TagSource::ListTagResources, TagsFrom::Inline) => "the resource listing, its only source",
                _ => continue,
            };
            notes.push(format!("account {:?} reads the tags of {} from {text}", account.name, product.name));
        }
    }
    notes
}

/// How many targets a configuration gives to this shard, by product: `2 hbase targets`.
pub fn summary(config: &Config) -> String {
    let mut numbers = BTreeMap::<Arc<str>, usize>::new();
    for wanted in targets(config, &Discovered::new()) {
        *numbers.entry(wanted.target.product).or_default() += 1;
    }
    let numbers = numbers.into_iter().map(|(product, number)| {
        let plural = if number == 1 { "" } else { "s" };
        format!("{number} {product} target{plural}")
    });
    let finding = config.accounts.iter().filter(|account| account.regions == Regions::All);
    let finding = finding.map(|account| format!("all regions of account {:?}", account.name));
    let numbers: Vec<_> = numbers.chain(finding).collect();
    let known = if numbers.is_empty() { "no targets".to_owned() } else { numbers.join(", ") };
    let Shard { ordinal, total } = config.shard;
    if total == 1 { known } else { format!("{known} in shard {ordinal} of {total}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Sources, load};

    #[test]
    fn a_tag_source_that_a_product_does_not_have_is_noted() {
        let folder = tempfile::tempdir().unwrap();
        let product = r#"
            name = "hbase-inline"
            api = "hbase"
            resource_type = "ACS::Acme::Thing"
            [resources]
            action = "ListThings"
            paging = { style = "none" }
            items = "Things"
            id = ["Id"]
            name = []
            status = []
            resource_group_id = []
            created_at = []
            inline_tags = "Tags"
        "#;
        std::fs::write(folder.path().join("inline.toml"), product).unwrap();
        let printed = |source: &str| {
            let text = format!(
                "catalog = {{ path = {:?} }}\n[[accounts]]\nname = \"a\"\nregions = [\"cn-hangzhou\"]\n\
                 products = [\"hbase*\"]\ntag_source = \"{source}\"",
                folder.path()
            );
            let file = Some(("test".to_owned(), text));
            let mut out = Vec::new();
            print(&load(&Sources { file, ..Sources::default() }).unwrap(), &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        let ok = "configuration OK: 1 hbase target, 1 hbase-inline target\n";
        assert_eq!(printed("auto"), ok);
        assert_eq!(printed("inline"), ok);
        let note =
            "note: account \"a\" reads the tags of hbase-inline from the resource listing, its only source\n";
        assert_eq!(printed("list-tag-resources"), format!("{ok}{note}"));
    }

    #[test]
    fn the_summary_counts_targets_and_names_the_shard_where_there_are_several() {
        let summary = |regions: &str, shard: &str| {
            let text = format!("{shard}\n[[accounts]]\nname = \"a\"\nregions = {regions}");
            let file = Some(("test".to_owned(), text));
            summary(&load(&Sources { file, ..Sources::default() }).unwrap())
        };
        assert_eq!(summary(r#"["cn-hangzhou"]"#, ""), "1 hbase target");
        assert_eq!(summary(r#"["cn-hangzhou", "cn-shanghai"]"#, ""), "2 hbase targets");
        assert_eq!(summary(r#"["all"]"#, ""), r#"all regions of account "a""#);
        let shard =
            |ordinal| summary(r#"["cn-hangzhou"]"#, &format!("shard = {{ ordinal = {ordinal}, total = 2 }}"));
        let mut shards = [shard(0), shard(1)];
        shards.sort_by_key(|text| text.starts_with("no"));
        assert!(
            shards[0].starts_with("1 hbase target in shard ") && shards[0].ends_with(" of 2"),
            "{shards:?}"
        );
        assert!(shards[1].starts_with("no targets in shard ") && shards[1].ends_with(" of 2"), "{shards:?}");
    }
}
