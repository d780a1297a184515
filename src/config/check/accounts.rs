//! `[[accounts]]`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{MAX_INTERVAL, credentials};
use crate::cloud::api::endpoint::{Network, Place, Site, endpoint};
use crate::cloud::catalog::{Catalog, Product};
use crate::config::checker::{Checker, glob};
use crate::config::{Account, Api, Collect, Regions, file};

const MAX_ACCOUNTS: usize = 1000;
/// The cloud has some thirty.
const MAX_REGIONS: usize = 1000;
/// Names and globs: the catalog has some hundreds of products.
const MAX_PRODUCTS: usize = 1000;

pub(super) fn accounts(
    checker: &mut Checker<'_>,
    files: Vec<file::Account>,
    collect: &Collect,
    api: &Api,
    catalog: &Catalog,
) -> Vec<Account> {
    checker.at_most("accounts", &files, MAX_ACCOUNTS);
    let mut names = Vec::<String>::new();
    let mut accounts = Vec::new();
    for (index, file) in files.into_iter().enumerate() {
        let path = format!("accounts[{index}]");
        checker.unless(!file.name.is_empty(), &format!("{path}.name"), "must not be empty");
        if names.contains(&file.name) {
            checker.wrong(format!("{path}.name"), format!("{:?} is a duplicate account name", file.name));
        }
        names.push(file.name.clone());
        accounts.extend(account(checker, &path, file, (collect, api, catalog)));
    }
    accounts
}

fn account(
    checker: &mut Checker<'_>,
    path: &str,
    file: file::Account,
    (collect, api, catalog): (&Collect, &Api, &Catalog),
) -> Option<Account> {
    let regions = regions(checker, &format!("{path}.regions"), file.regions);
    let named = named(checker, &format!("{path}.products"), &file.products, catalog);
    let reach = Reach { api, site: file.site.0 };
    let offered = offered(checker, &reach, &regions, &named);
    let interval = file.interval.map_or(collect.interval, |interval| interval.0);
    let is_long = interval >= std::time::Duration::from_secs(1);
    checker.unless(is_long, &format!("{path}.interval"), "must be at least 1s");
    checker.short_enough(&format!("{path}.interval"), interval, MAX_INTERVAL);
    let credentials = credentials::source(checker, &format!("{path}.credentials"), file.credentials);
    Some(Account {
        name: file.name,
        regions,
        products: named.into_iter().map(|named| named.product).collect(),
        tag_source: file.tag_source.0,
        site: file.site.0,
        offered,
        interval,
        deadline: collect.deadline.min(interval),
        credentials: credentials?,
    })
}

fn regions(checker: &mut Checker<'_>, path: &str, regions: Vec<String>) -> Regions {
    checker.unless(!regions.is_empty(), path, "must not be empty");
    checker.at_most(path, &regions, MAX_REGIONS);
    if regions == ["all"] {
        return Regions::All;
    }
    for (index, region) in regions.iter().enumerate() {
        let path = format!("{path}[{index}]");
        if !is_region_id(region) {
            checker.wrong(&path, format!("{region:?} is not a valid region ID (example: cn-hangzhou)"));
        }
        checker.unless(region != "all", &path, "\"all\" cannot be combined with other regions");
        checker.unless(!regions[..index].contains(region), &path, "is a duplicate");
    }
    // What is said of those is enough.
    Regions::Listed(regions.into_iter().filter(|region| is_region_id(region) && region != "all").collect())
}

fn is_region_id(text: &str) -> bool {
    let is_part = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !text.is_empty() && text.bytes().all(is_part)
}

/// A product, and how it came to be one of the account's.
struct Named {
    product: Arc<Product>,
    /// The key path of what names it.
    path: String,
    by_glob: bool,
}

/// The products that names and globs stand for, each once.
fn named(checker: &mut Checker<'_>, path: &str, names: &[String], catalog: &Catalog) -> Vec<Named> {
    checker.unless(!names.is_empty(), path, "is empty");
    checker.at_most(path, names, MAX_PRODUCTS);
    let mut all = Vec::<Named>::new();
    for (index, name) in names.iter().enumerate() {
        let path = format!("{path}[{index}]");
        checker.unless(!names[..index].contains(name), &path, "is a duplicate");
        let by_glob = name.contains(['*', '?', '[', '{']);
        let found: Vec<_> = match by_glob {
            false => catalog.product(name).cloned().into_iter().collect(),
            true => match glob(name) {
                Ok(glob) => catalog.matching(&glob.compile_matcher()).cloned().collect(),
                Err(problem) => {
                    checker.wrong(path, problem);
                    continue;
                }
            },
        };
        if found.is_empty() {
            checker.wrong(&path, unknown(name, by_glob, catalog));
        }
        for product in found {
            match all.iter_mut().find(|other| other.product.name == product.name) {
                // What is named counts as named, wherever a glob has it too.
                Some(other) if !by_glob => *other = Named { product, path: path.clone(), by_glob },
                Some(_) => {}
                None => all.push(Named { product, path: path.clone(), by_glob }),
            }
        }
    }
    all
}

fn unknown(name: &str, by_glob: bool, catalog: &Catalog) -> String {
    if by_glob {
        return format!("no product matches {name:?}");
    }
    match catalog.suggestions(name).as_slice() {
        [] => format!("unknown product {name:?}; `alicloud-tag-exporter products` lists the known ones"),
        meant => format!("unknown product {name:?}, did you mean {}?", meant.join(", ")),
    }
}

/// What decides about the host of a product.
struct Reach<'a> {
    api: &'a Api,
    site: Site,
}

impl Reach<'_> {
    /// Why `product` cannot be listed in `region`, as far as the catalog knows.
    fn obstacle(&self, product: &Product, region: &str) -> Option<String> {
        let Self { api, site } = self;
        if api.endpoint.is_some() {
            return None;
        }
        if !product.regions_api().endpoints.offers(region) {
            return Some(format!("{} is not offered in {region}", product.name));
        }
        let place = Place { api: &product.api.code, region, site: *site, told_host: None };
        endpoint(&product.api.endpoints, None, api.network, place).err().map(|error| error.to_string())
    }
}

/// The regions of products that are not offered in all of them. A glob passes over the others; a name does not.
fn offered(
    checker: &mut Checker<'_>,
    reach: &Reach<'_>,
    regions: &Regions,
    named: &[Named],
) -> BTreeMap<String, Vec<String>> {
    let mut offered = BTreeMap::new();
    for Named { product, path, by_glob } in named {
        if product.api.is_global() {
            let unreachable = reach.obstacle(product, "global").filter(|_| reach.api.network == Network::Vpc);
            unreachable.into_iter().for_each(|problem| checker.wrong(path, problem));
            continue;
        }
        let mut reached = Vec::new();
        for region in regions.listed() {
            match reach.obstacle(product, region) {
                None => reached.push(region.clone()),
                Some(problem) if !by_glob => checker.wrong(path, problem),
                Some(_) => {}
            }
        }
        if reached.len() < regions.listed().len() {
            offered.insert(product.name.clone(), reached);
        }
    }
    offered
}
