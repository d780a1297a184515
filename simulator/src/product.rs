//! What can be listed: each product is a description and the vendor's example answers, in `products/<name>/`.
//!
//! Both are written from the vendor's pages and from nothing that the exporter knows.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use serde_json::Value;

mod answer_form;
mod description;
mod paging;
mod refusal;
mod text;

pub(crate) use answer_form::{AnswerForm, complete};
use description::Description;
pub(crate) use description::{FilterList, Form, ListingDescription, Meaning, Parameter, RegionFrom};
pub(crate) use paging::{Page, SizeLimits};
pub(crate) use refusal::Refusals;
pub(crate) use text::{Facts, Text};

use crate::resources::Resource;

/// A product, ready to be listed.
#[derive(Debug)]
pub struct Product {
    name: String,
    pub(crate) version: String,
    /// Its resources stand in no region.
    pub(crate) global: bool,
    pub(crate) refusals: Refusals,
    variants: description::Variants,
    pub(crate) listings: BTreeMap<Kind, Listing>,
    pub(crate) status: Option<Status>,
}

/// An operation that says whether the service is ready.
#[derive(Debug)]
pub(crate) struct Status {
    pub action: String,
    /// The right that is needed.
    pub right: String,
    pub answer: Value,
}

/// The operations of a product.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Kind {
    Resources,
    Tags,
    Regions,
    TagPairs,
}

#[derive(Debug)]
pub(crate) struct Listing {
    pub described: ListingDescription,
    pub form: AnswerForm,
    /// The right that is needed, as `hbase:DescribeInstances`.
    pub right: String,
}

type Products = BTreeMap<String, Arc<Product>>;

/// Name, description and example of each folder.
const FOLDERS: &[(&str, &str, &str)] = include!(concat!(env!("OUT_DIR"), "/products.rs"));

/// The built-in products, by name.
pub fn products() -> Products {
    static BUILT_IN: LazyLock<Products> = LazyLock::new(|| {
        let parse = |&(name, description, example): &(&str, &str, &str)| {
            let product = Product::parse(name, description, example);
            (name.to_owned(), Arc::new(product.expect("the tests parse every built-in product")))
        };
        FOLDERS.iter().map(parse).collect()
    });
    BUILT_IN.clone()
}

impl Product {
    /// Reads a description in TOML and the examples in JSON: one answer each under `resources`, `tags`, `regions` and
    /// `tag_pairs`, where the description has them.
    pub fn parse(name: &str, description: &str, example: &str) -> Result<Self, String> {
        let at_fault = |what: String| format!("product {name}: {what}");
        let description: Description =
            toml::from_str(description).map_err(|error| at_fault(format!("description: {error}")))?;
        let example: Value =
            serde_json::from_str(example).map_err(|error| at_fault(format!("example: {error}")))?;
        Self::new(name, description, &example).map_err(at_fault)
    }

    fn new(name: &str, described: Description, example: &Value) -> Result<Self, String> {
        if !described.sources.iter().any(|source| source.starts_with("https://")) {
            return Err("sources name no page of the vendor".to_owned());
        }
        let ram = described.ram.as_deref().unwrap_or(&described.api);
        let listing = |(kind, key, listing): (Kind, &str, Option<ListingDescription>)| {
            let listing = Listing::new(listing?, &example[key], ram);
            Some(listing.map(|listing| (kind, listing)).map_err(|error| format!("{key}: {error}")))
        };
        let given = [
            (Kind::Resources, "resources", Some(described.resources)),
            (Kind::Tags, "tags", described.tags),
            (Kind::Regions, "regions", described.regions),
            (Kind::TagPairs, "tag_pairs", described.tag_pairs),
        ];
        let status = described.status.map(|status| Status {
            right: format!("{ram}:{}", status.action),
            action: status.action,
            answer: example["status"].clone(),
        });
        Ok(Self {
            name: name.to_owned(),
            status,
            listings: given.into_iter().filter_map(listing).collect::<Result<_, _>>()?,
            version: described.version,
            global: described.global,
            refusals: described.errors,
            variants: described.variants,
        })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn kind_of(&self, action: &str) -> Option<Kind> {
        let listing = self.listings.iter().find(|(_, listing)| listing.described.action == action);
        listing.map(|(kind, _)| *kind)
    }

    /// Whether its resources stand in no region.
    pub fn is_global(&self) -> bool {
        self.global
    }

    /// Whether the service may not be ready.
    pub fn has_status(&self) -> bool {
        self.status.is_some()
    }

    /// The id in the vendor's example.
    pub fn example_id(&self) -> Option<String> {
        self.listings.get(&Kind::Resources)?.form.in_example(Text::is_id)
    }

    /// The status in the vendor's example; absent where the product has none.
    pub fn example_status(&self) -> Option<String> {
        self.listings.get(&Kind::Resources)?.form.in_example(Text::is_status)
    }

    /// Which kind of its resources one is: what it says itself, what its id says, or what the others are.
    pub fn variant_of<'a>(&'a self, resource: &'a Resource) -> &'a str {
        let by_id = || self.variants.prefixes.iter().find(|(prefix, _)| resource.id().starts_with(*prefix));
        match &resource.variant {
            Some(variant) => variant,
            None => by_id().map_or(&self.variants.otherwise, |(_, variant)| variant),
        }
    }
}

impl Listing {
    fn new(described: ListingDescription, example: &Value, ram: &str) -> Result<Self, String> {
        let form = AnswerForm::new(&described, example)?;
        let right = described.right.clone().unwrap_or_else(|| format!("{ram}:{}", described.action));
        Ok(Self { described, form, right })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cloud, State};

    #[test]
    fn every_built_in_product_can_be_read_and_has_examples_of_an_id() {
        assert!(products().contains_key("hbase"));
        for &(name, description, example) in FOLDERS {
            let product = Product::parse(name, description, example).unwrap();
            assert!(product.example_id().is_some(), "{name}");
        }
        Cloud::new(State::default()).edit(|state| assert_eq!(state.products.len(), FOLDERS.len()));
    }

    #[test]
    fn the_prefix_of_an_id_says_what_kind_of_cluster_it_is() {
        let hbase = &products()["hbase"];
        for (id, variant) in [("hb-bp1", "hbase"), ("ld-bp1", "hbaseue"), ("bds-bp1", "bds")] {
            assert_eq!(hbase.variant_of(&Resource::new(id)), variant);
        }
    }

    #[test]
    fn a_description_that_does_not_fit_its_example_is_refused_by_name() {
        let (_, description, example) = FOLDERS.iter().find(|(name, ..)| *name == "hbase").unwrap();
        for (right, wrong, why) in [
            ("rows = \"Instances.Instance\"", "rows = \"Items\"", "resources: the example has no list Items"),
            ("Status = \"{status}\"", "State = \"{status}\"", "resources: the example has no State"),
            ("total = \"TotalCount\"", "total = \"Total\"", "resources: the example has no Total"),
            ("at = \"Tags.Tag\"", "at = \"Tags.Tags\"", "resources: the example has no Tags.Tags"),
            ("\"{status}\"", "\"{state}\"", "resources: there is nothing called {state}"),
            ("max = 100", "max = 5", "resources: paging lacks a max"),
            ("\"https://", "\"file:", "sources name no page of the vendor"),
            ("tag_filter =", "tag_filters =", "unknown field"),
        ] {
            let error = Product::parse("x", &description.replace(right, wrong), example).unwrap_err();
            assert!(error.starts_with("product x: ") && error.contains(why), "{error}");
        }
    }
}
