//! `check-config`: what a valid configuration lists, and what may not be meant in it.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

use crate::cloud::api::endpoint::Network;
use crate::collection::targets::{Discovered, targets};
use crate::config::{Config, Regions};
use crate::inventory::shard::Shard;

/// Prints the summary, and a warning where there is one.
pub fn print(config: &Config, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "configuration OK: {}", summary(config))?;
    match doubt(config) {
        Some(doubt) => writeln!(out, "warning: {doubt}"),
        None => Ok(()),
    }
}

/// What may not be meant in a valid configuration.
pub fn doubt(config: &Config) -> Option<&'static str> {
    let finds_regions = config.accounts.iter().any(|account| account.regions == Regions::All);
    (config.api.network == Network::Vpc && finds_regions).then_some(
        "api.network is \"vpc\" and an account has regions = [\"all\"]: regions that this VPC cannot reach will fail",
    )
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
