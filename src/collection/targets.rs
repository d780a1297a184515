//! The targets of a configuration. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use siphasher::sip::SipHasher13;
use url::Url;

use crate::cloud::api::endpoint::{EndpointError, Place, endpoint};
use crate::cloud::catalog::{Api, Product, RegionListing};
use crate::config::{self, Account, Config};
use crate::inventory::{Region, Regions, Scope, Target};
use crate::publication::publisher::{Arranged, Arrangement, Settings};

/// The regions of each scope whose regions are discovered.
pub type Discovered = BTreeMap<Scope, Regions>;

/// A target that the configuration names, or whose region was discovered for it.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    pub target: Target,
    pub account: &'a Account,
    pub product: &'a Arc<Product>,
    pub region: Region,
}

impl Wanted<'_> {
    /// The URL it is listed at; an error if the API has no host in the configured network.
    pub fn url(&self, api: &config::Api) -> Result<Url, EndpointError> {
        let place = Place {
            api: &self.product.api.code,
            region: &self.target.region_id,
            site: self.account.site,
            told_host: self.region.told_host.as_deref(),
        };
        endpoint(&self.product.api.endpoints, api.endpoint.as_deref(), api.network, place)
    }
}

/// Products of one account whose regions are discovered together: those of one API.
#[derive(Debug, Clone)]
pub struct Search<'a> {
    pub account: &'a Account,
    pub api: &'a Arc<Api>,
    pub listing: &'a RegionListing,
    /// At least one.
    pub products: Vec<&'a Arc<Product>>,
}

impl Search<'_> {
    pub fn scopes(&self) -> Vec<Scope> {
        self.products.iter().map(|product| Scope::new(&self.account.name, &product.name)).collect()
    }
}

/// The targets of this shard, in configured and in discovered regions. Targets whose API has no host in the configured
/// network are left out.
pub fn targets<'a>(config: &'a Config, discovered: &Discovered) -> Vec<Wanted<'a>> {
    all(config, discovered).filter(|wanted| wanted.url(&config.api).is_ok()).collect()
}

/// The targets that are left out, each with the reason.
pub fn unreachable(config: &Config, discovered: &Discovered) -> Vec<(Target, EndpointError)> {
    let with_error = |wanted: Wanted<'_>| Some((wanted.target.clone(), wanted.url(&config.api).err()?));
    all(config, discovered).filter_map(with_error).collect()
}

fn all<'a>(config: &'a Config, discovered: &Discovered) -> impl Iterator<Item = Wanted<'a>> {
    let targets = config.accounts.iter().flat_map(with_products).flat_map(|(account, product)| {
        let scope = Scope::new(&account.name, &product.name);
        let wanted = move |(id, region): (Arc<str>, Region)| {
            let target = scope.target(&id);
            Wanted { target, account, product, region }
        };
        regions(account, product, discovered).into_iter().map(wanted)
    });
    targets.filter(|wanted| config.shard.owns(&wanted.target))
}

/// The region searches of a configuration.
pub fn searches(config: &Config) -> Vec<Search<'_>> {
    let products = config.accounts.iter().flat_map(with_products);
    let mut searches = BTreeMap::<_, Search<'_>>::new();
    for (account, product) in products.filter(|(account, product)| account.finds_regions_of(product)) {
        let api = product.regions_api();
        let Some(listing) = &api.regions else { continue };
        let search = searches.entry((&account.name, &api.name));
        let search = search.or_insert_with(|| Search { account, api, listing, products: Vec::new() });
        search.products.push(product);
    }
    searches.into_values().collect()
}

/// The arrangement of a configuration for the publisher.
pub fn arrangement(number: u64, config: &Config, discovered: Discovered) -> Arrangement {
    let arranged = |wanted: Wanted<'_>| {
        let arranged = Arranged { basis: basis(&wanted), region_missing_since: wanted.region.missing_since };
        (wanted.target, arranged)
    };
    let targets = targets(config, &discovered).into_iter().map(arranged).collect();
    let wanted = searches(config).into_iter().flat_map(|search| search.scopes());
    let regions = wanted.map(|scope| (scope.clone(), discovered.get(&scope).cloned().unwrap_or_default()));
    let scopes = config.accounts.iter().flat_map(|account| {
        let scope = |name: &str| Scope { account: account.name.as_str().into(), product: name.into() };
        account.products.iter().map(move |product| scope(&product.name))
    });
    Arrangement {
        number,
        settings: Arc::new(settings(config)),
        targets,
        regions: regions.collect(),
        scopes: scopes.collect(),
    }
}

/// The settings for judging and rendering listings.
pub fn settings(config: &Config) -> Settings {
    let products = config.accounts.iter().flat_map(|account| &account.products);
    let kinds = products.map(|product| (product.name.as_str().into(), product.resource_type.as_str().into()));
    Settings {
        rules: config.rules.clone(),
        options: config.options.clone(),
        max_staleness: config.collect.max_staleness,
        system_keys: Arc::clone(&config.system_keys),
        resource_types: kinds.collect(),
    }
}

fn with_products(account: &Account) -> impl Iterator<Item = (&Account, &Arc<Product>)> {
    account.products.iter().map(move |product| (account, product))
}

fn regions(account: &Account, product: &Product, discovered: &Discovered) -> Vec<(Arc<str>, Region)> {
    if account.finds_regions_of(product) {
        let found = discovered.get(&Scope::new(&account.name, &product.name));
        return found.map_or_else(Vec::new, |regions| regions.by_id.clone().into_iter().collect());
    }
    account.regions_of(product).iter().map(|id| (id.as_str().into(), Region::default())).collect()
}

/// A hash that is equal, in every version and process, for listings that can be compared.
fn basis(wanted: &Wanted<'_>) -> u64 {
    let Wanted { account, product, .. } = wanted;
    let Product { name, resources, tags, .. } = &***product;
    let text = format!("{name} {resources:?} {tags:?} {:?}", account.tag_source.of(product));
    SipHasher13::new().hash(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Sources, load};

    const ACCOUNTS: &str = "
        [[accounts]]
        name = \"fixed\"
        regions = [\"r1\", \"r2\"]
        [[accounts]]
        name = \"found\"
        regions = [\"all\"]";

    fn config(more: &str) -> Config {
        let more = if more.is_empty() { "api = { endpoint = \"http://127.0.0.1:1\" }" } else { more };
        let file = Some(("test".to_owned(), format!("{more}{ACCOUNTS}")));
        load(&Sources { file, ..Sources::default() }).unwrap()
    }

    fn names(config: &Config, discovered: &Discovered) -> Vec<String> {
        targets(config, discovered).iter().map(|wanted| wanted.target.to_string()).collect()
    }

    fn discovered(ids: &[&str]) -> Discovered {
        let by_id = ids.iter().map(|id| (Arc::from(*id), Region::default())).collect();
        [(Scope::new("found", "hbase"), Regions { is_answered: true, by_id })].into()
    }

    #[test]
    fn listed_regions_are_there_at_once_and_others_when_they_are_discovered() {
        let config = config("");
        assert_eq!(names(&config, &Discovered::new()), ["fixed/r1/hbase", "fixed/r2/hbase"]);
        let all = ["fixed/r1/hbase", "fixed/r2/hbase", "found/r1/hbase", "found/r9/hbase"];
        assert_eq!(names(&config, &discovered(&["r1", "r9"])), all);
        let searches = searches(&config);
        assert_eq!(searches.iter().map(Search::scopes).collect::<Vec<_>>(), [[Scope::new("found", "hbase")]]);
    }

    #[test]
    fn the_shards_have_every_target_between_them_and_none_twice() {
        let all = names(&config(""), &discovered(&["r1", "r2", "r3"]));
        let mut shared: Vec<_> = (0..3)
            .flat_map(|ordinal| {
                let shard = format!("api = {{ endpoint = \"http://127.0.0.1:1\" }}\nshard = {{ ordinal = {ordinal}, total = 3 }}\n");
                names(&config(&shard), &discovered(&["r1", "r2", "r3"]))
            })
            .collect();
        shared.sort();
        assert_eq!(shared, all);
    }

    #[test]
    fn a_target_whose_region_is_missing_stays_arranged_with_the_time() {
        let missing_since = Some(jiff::Timestamp::UNIX_EPOCH);
        let by_id = [(Arc::from("r9"), Region { told_host: None, missing_since })].into();
        let regions = Regions { is_answered: true, by_id };
        let arrangement = arrangement(7, &config(""), [(Scope::new("found", "hbase"), regions)].into());
        let target = Target::new("found", "r9", "hbase");
        assert_eq!(arrangement.targets[&target].region_missing_since, missing_since);
        assert_eq!(arrangement.targets.len(), 3);
    }

    #[test]
    fn another_source_of_the_tags_is_another_basis() {
        let inline = config("").accounts[0].clone();
        let inline = Account { tag_source: crate::cloud::discovery::TagSource::Inline, ..inline };
        let config = config("");
        let before = &targets(&config, &Discovered::new())[0];
        assert_ne!(basis(before), basis(&Wanted { account: &inline, ..before.clone() }));
    }

    #[test]
    fn a_discovered_region_without_an_endpoint_inside_the_vpc_is_skipped_and_reported() {
        let accounts = ACCOUNTS.replace("r1", "cn-hangzhou").replace("r2", "cn-shanghai");
        let file = Some(("test".to_owned(), format!("api = {{ network = \"vpc\" }}{accounts}")));
        let config = load(&Sources { file, ..Sources::default() }).unwrap();
        let discovered = discovered(&["cn-hangzhou", "cn-beijing-finance-1"]);
        let found = targets(&config, &discovered).into_iter().map(|wanted| wanted.target);
        let found: Vec<_> = found.filter(|target| &*target.account == "found").collect();
        assert_eq!(found, [Target::new("found", "cn-hangzhou", "hbase")]);
        let unreachable = unreachable(&config, &discovered);
        assert_eq!(unreachable[0].0, Target::new("found", "cn-beijing-finance-1", "hbase"));
    }
}
