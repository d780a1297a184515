//! What the types of the form do not say: values that are out of range or contradict each other. Pure.

use super::template::placeholders;
use super::{Api, Fault, Paging, Parameters, Product, TagsFrom};
use crate::cloud::api::endpoint::cloud_host;

/// Problems of one file, by key path.
#[derive(Default)]
pub(super) struct Problems(Vec<(String, String)>);

impl Problems {
    pub fn of(self, file: &str) -> impl Iterator<Item = Fault> {
        self.0.into_iter().map(move |(path, text)| Fault { file: file.to_owned(), path, text })
    }

    fn unless(&mut self, right: bool, path: &str, text: &str) {
        if !right {
            self.0.push((path.to_owned(), text.to_owned()));
        }
    }
}

/// The beginnings of operations that change nothing.
const READS: [&str; 5] = ["Describe", "Get", "List", "Query", "Search"];
const NO_READ: &str = "must begin with Describe, Get, List, Query or Search";

pub(super) fn product(product: &Product<String>, api: Option<&Api>) -> Problems {
    let Product { name, resources, tags, .. } = product;
    let mut problems = Problems::default();
    problems.unless(is_word(name), "name", "is not a valid product name (example: ecs-disk)");
    if api.is_none() {
        problems.unless(false, "api", &format!("unknown API {:?}", product.api));
    }
    problems.unless(!product.resource_type.is_empty(), "resource_type", "is empty");
    problems.unless(!resources.id.is_empty(), "resources.id", "is empty");
    let sourced = tags.is_some() || resources.inline_tags.is_some();
    problems.unless(
        sourced,
        "tags",
        "is missing, and resources.inline_tags is too: there are no tags to read",
    );
    let inline = product.tags_from == TagsFrom::Inline && resources.inline_tags.is_none();
    problems.unless(!inline, "tags_from", "is \"inline\", but resources.inline_tags is missing");
    actions(&mut problems, product);
    paging(&mut problems, &resources.paging);
    if let Some(tags) = tags {
        problems.unless(tags.ids_per_request > 0, "tags.ids_per_request", "must be above 0");
    }
    parameters(&mut problems, product, api.is_some_and(Api::is_global));
    problems
}

fn actions(problems: &mut Problems, product: &Product<String>) {
    let ready = product.ready.as_ref().map(|ready| ("ready.action", &ready.action));
    let tags = product.tags.as_ref().map(|tags| ("tags.action", &tags.action));
    for (path, action) in
        [ready, Some(("resources.action", &product.resources.action)), tags].into_iter().flatten()
    {
        problems.unless(reads(action), path, NO_READ);
    }
}

fn paging(problems: &mut Problems, paging: &Paging) {
    let path = "resources.paging";
    match paging {
        Paging::PageNumber { page_size, allowed_sizes, .. } => {
            problems.unless(*page_size > 0, path, "page_size must be above 0");
            let allowed = allowed_sizes.is_empty() || allowed_sizes.contains(page_size);
            problems.unless(allowed, path, "page_size is not one of allowed_sizes");
        }
        Paging::NextToken { max_results, smaller, .. } => {
            problems.unless(*max_results > 0, path, "max_results must be above 0");
            let is_smaller = |size: usize| (1..*max_results).contains(&size);
            let sensible = smaller.as_ref().is_none_or(|smaller| is_smaller(smaller.max_results));
            problems.unless(sensible, path, "smaller.max_results must be above 0 and below max_results");
        }
        Paging::None {} => {}
    }
}

/// Placeholders that have a value where they stand.
fn parameters(problems: &mut Problems, product: &Product<String>, global: bool) {
    let resources = &product.resources;
    if global {
        problems.unless(
            resources.region.is_empty(),
            "resources.region",
            "cannot be given: the API is global",
        );
    }
    for (path, parameters) in product.parameters() {
        placed(problems, &path, parameters, global, false);
    }
    if let Some(lookup) = &resources.lookup {
        let path = "resources.lookup.parameters";
        placed(problems, path, &lookup.parameters, global, true);
        let asks = lookup.parameters.values().any(|value| placeholders(value).any(|name| name == "id"));
        problems.unless(asks, path, "has no {id}");
    }
}

fn placed(problems: &mut Problems, path: &str, parameters: &Parameters, global: bool, with_id: bool) {
    for (name, value) in parameters {
        for placeholder in placeholders(value) {
            let text = match placeholder {
                "region" if !global => continue,
                "id" if with_id => continue,
                "region" => "cannot hold {region}: the API is global".to_owned(),
                unknown => format!("unknown placeholder {{{unknown}}}"),
            };
            problems.unless(false, &format!("{path}.{name}"), &text);
        }
    }
}

pub(super) fn api(api: &Api, is_known: impl Fn(&str) -> bool, foreign_hosts: bool) -> Problems {
    let mut problems = Problems::default();
    problems.unless(is_word(&api.code), "code", "is not a valid API code (example: r-kvstore)");
    let rate = api.requests_per_second;
    problems.unless(rate.is_finite() && rate >= 0.01, "requests_per_second", "must be at least 0.01");
    let (lists, borrows) = (api.regions.is_some(), api.regions_of.is_some());
    let fixed = !api.endpoints.regions.is_empty();
    if api.is_global() {
        problems.unless(!lists && !borrows && !fixed, "scope", "is \"global\", but there are regions");
    } else {
        let text = "is missing, and regions_of and endpoints.regions are too: there are no regions to list";
        problems.unless(lists || borrows || fixed, "regions", text);
        problems.unless(!(lists && borrows), "regions_of", "cannot be combined with regions");
    }
    if let Some(other) = &api.regions_of {
        problems.unless(is_known(other), "regions_of", &format!("unknown API {other:?}"));
    }
    if let Some(regions) = &api.regions {
        problems.unless(reads(&regions.action), "regions.action", NO_READ);
    }
    hosts(&mut problems, api, foreign_hosts);
    problems
}

fn hosts(problems: &mut Problems, api: &Api, foreign_hosts: bool) {
    for (path, host) in api.endpoints.hosts() {
        let of_region = host.contains("{region}");
        problems.unless(!(api.is_global() && of_region), &path, "cannot hold {region}: the API is global");
        let is_known = foreign_hosts || cloud_host(&host.replace("{region}", "region")).is_some();
        problems.unless(is_known, &path, "is not a host under .aliyuncs.com");
    }
}

fn reads(action: &str) -> bool {
    READS.iter().any(|start| action.starts_with(start))
}

fn is_word(text: &str) -> bool {
    let is_fit = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !text.is_empty() && text.bytes().all(is_fit)
}
