//! `[[accounts]]`.

use super::credentials;
use crate::cloud::catalog::{Product, products};
use crate::config::checker::Checker;
use crate::config::{Account, Collect, Regions, file};

pub(super) fn accounts(
    checker: &mut Checker<'_>,
    files: Vec<file::Account>,
    collect: &Collect,
) -> Vec<Account> {
    let mut names = Vec::<String>::new();
    let mut accounts = Vec::new();
    for (index, file) in files.into_iter().enumerate() {
        let path = format!("accounts[{index}]");
        checker.unless(!file.name.is_empty(), &format!("{path}.name"), "must not be empty");
        if names.contains(&file.name) {
            checker.wrong(format!("{path}.name"), format!("{:?} is a duplicate account name", file.name));
        }
        names.push(file.name.clone());
        accounts.extend(account(checker, &path, file, collect));
    }
    accounts
}

fn account(checker: &mut Checker<'_>, path: &str, file: file::Account, collect: &Collect) -> Option<Account> {
    let regions = regions(checker, &format!("{path}.regions"), file.regions);
    let products = known_products(checker, &format!("{path}.products"), &file.products);
    let interval = file.interval.map_or(collect.interval, |interval| interval.0);
    let is_long = interval >= std::time::Duration::from_secs(1);
    checker.unless(is_long, &format!("{path}.interval"), "must be at least 1s");
    let credentials = credentials::source(checker, &format!("{path}.credentials"), file.credentials);
    Some(Account {
        name: file.name,
        regions,
        products,
        tag_source: file.tag_source.0,
        interval,
        deadline: collect.deadline.min(interval),
        credentials: credentials?,
    })
}

fn regions(checker: &mut Checker<'_>, path: &str, regions: Vec<String>) -> Regions {
    checker.unless(!regions.is_empty(), path, "must not be empty");
    if regions == ["all"] {
        return Regions::All;
    }
    for (index, region) in regions.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let word = region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !word || region.is_empty() {
            checker.wrong(&path, format!("{region:?} is not a valid region ID (example: cn-hangzhou)"));
        }
        checker.unless(region != "all", &path, "\"all\" cannot be combined with other regions");
        checker.unless(!regions[..index].contains(region), &path, "is a duplicate");
    }
    Regions::Listed(regions)
}

fn known_products(checker: &mut Checker<'_>, path: &str, names: &[String]) -> Vec<&'static Product> {
    checker.unless(!names.is_empty(), path, "is empty");
    let mut known = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let path = format!("{path}[{index}]");
        checker.unless(!names[..index].contains(name), &path, "is there twice");
        match products().get(name) {
            Some(product) => known.push(product),
            None => {
                checker.wrong(path, format!("unknown product {name:?}, known are {:?}", products().keys()))
            }
        }
    }
    known
}
