//! `check-config`: what a valid configuration lists, and what may not be meant in it.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

use crate::cloud::api::endpoint::Network;
use crate::cloud::catalog::TagsFrom;
use crate::cloud::discovery::TagSource;
use crate::collection::targets::{Discovered, targets};
use crate::config::{Account, Config, Regions};
use crate::inventory::shard::Shard;

/// Prints the summary, and a warning where there is one.
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

/// What may not be meant in a valid configuration.
pub fn doubt(config: &Config) -> Option<&'static str> {
    let finds = |account: &Account| account.products.iter().any(|product| account.finds_regions_of(product));
    let finds_regions = config.accounts.iter().any(finds);
    (config.api.network == Network::Vpc && finds_regions).then_some(
        "api.network is \"vpc\" and an account has regions = [\"all\"]: regions that this VPC cannot reach will fail",
    )
}

/// Where a choice of the configuration does not apply.
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
            notes.push(format!("account {:?} takes the tags of {} from {text}", account.name, product.name));
        }
    }
    notes
}

/// How many targets a configuration gives to this shard, by product.
pub fn summary(config: &Config) -> String {
    let mut numbers = BTreeMap::<Arc<str>, usize>::new();
    for wanted in targets(config, &Discovered::new()) {
        *numbers.entry(wanted.target.product).or_default() += 1;
    }
    let numbers: Vec<_> =
        numbers.into_iter().map(|(product, number)| format!("{number} of {product}")).collect();
    let Shard { ordinal, total } = config.shard;
    let finding = config.accounts.iter().filter(|account| account.regions == Regions::All);
    let finding: Vec<_> =
        finding.map(|account| format!("those of all regions of {:?}", account.name)).collect();
    let numbers = [numbers, finding].concat();
    match (numbers.as_slice(), total) {
        ([], _) => format!("targets: none in shard {ordinal} of {total}"),
        (_, 1) => format!("targets: {}", numbers.join(", ")),
        _ => format!("targets in shard {ordinal} of {total}: {}", numbers.join(", ")),
    }
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
        let ok = "configuration OK: targets: 1 of hbase, 1 of hbase-inline\n";
        assert_eq!(printed("auto"), ok);
        assert_eq!(printed("inline"), ok);
        let note =
            "note: account \"a\" takes the tags of hbase-inline from the resource listing, its only source\n";
        assert_eq!(printed("list-tag-resources"), format!("{ok}{note}"));
    }
}
