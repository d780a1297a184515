//! How each product's resources and their tags are listed, as data: one file a product, and one for each API.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use globset::GlobMatcher;

mod api;
mod check;
mod listing;
mod paging;
mod parse;
mod path;
mod product;
mod template;

pub use api::{Api, RegionListing, Scope};
pub use listing::{CreatedAs, Lookup, Probe, ResourceListing, StatusCall, TagListing, TagsAs};
pub use paging::{Paging, Smaller};
pub use parse::Fault;
use parse::Files;
pub use path::Path;
pub use product::{Fix, Product, TagsFrom};
pub use template::{Parameters, filled};

/// Products and their APIs, by name.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    apis: BTreeMap<String, Arc<Api>>,
    products: BTreeMap<String, Arc<Product>>,
}

/// The files of this build: their names and texts. The build script lists them.
const BUILTIN: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/catalog.rs"));

impl Catalog {
    /// What this build knows.
    pub fn builtin() -> Arc<Self> {
        static BUILTIN_CATALOG: LazyLock<Arc<Catalog>> = LazyLock::new(|| {
            let files = BUILTIN.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
            let files: Vec<_> = files.collect();
            Arc::new(Catalog::default().with(&files, false).expect("the built-in catalog is tested"))
        });
        Arc::clone(&BUILTIN_CATALOG)
    }

    /// The same with `files`, given by name and text: products, and APIs where the name begins with `api/`. One of
    /// the same name is replaced. Hosts outside the cloud's domain are taken with `foreign_hosts` only.
    pub fn with(&self, files: &[(String, String)], foreign_hosts: bool) -> Result<Self, Vec<Fault>> {
        let files = Files::parsed(files);
        let mut catalog = self.clone();
        catalog.apis.extend(files.apis.iter().map(|(_, api)| (api.name.clone(), Arc::clone(api))));
        let faults = files.faults(&catalog.apis, foreign_hosts);
        if !faults.is_empty() {
            return Err(faults);
        }
        catalog.relink();
        for (_, product) in files.products {
            let api = product.api.clone();
            catalog.link(product, &api);
        }
        Ok(catalog)
    }

    pub fn products(&self) -> impl Iterator<Item = &Arc<Product>> {
        self.products.values()
    }

    pub fn product(&self, name: &str) -> Option<&Arc<Product>> {
        self.products.get(name)
    }

    /// The products whose names match.
    pub fn matching(&self, glob: &GlobMatcher) -> impl Iterator<Item = &Arc<Product>> {
        self.products().filter(move |product| glob.is_match(&product.name))
    }

    /// Products that may be meant by a name that is none: those of an API or a Terraform resource of that name, else
    /// names one edit away.
    pub fn suggestions(&self, name: &str) -> Vec<&str> {
        let is_named = |product: &&Arc<Product>| {
            product.api.code == name || product.terraform.iter().any(|other| other == name)
        };
        let is_near = |product: &&Arc<Product>| strsim::osa_distance(&product.name, name) == 1;
        let mut meant: Vec<_> = self.products().filter(is_named).collect();
        if meant.is_empty() {
            meant.extend(self.products().filter(is_near));
        }
        meant.into_iter().map(|product| product.name.as_str()).collect()
    }

    /// The leaving statuses of each product that has some.
    pub fn leaving(&self) -> BTreeMap<Arc<str>, Vec<String>> {
        let leaving = self.products().filter(|product| !product.leaving.is_empty());
        leaving.map(|product| (product.name.as_str().into(), product.leaving.clone())).collect()
    }

    /// Gives every product the API that its name stands for now.
    fn relink(&mut self) {
        for product in std::mem::take(&mut self.products).into_values() {
            let api = product.api.name.clone();
            let product = Arc::unwrap_or_clone(product);
            self.link(product, &api);
        }
    }

    fn link<A>(&mut self, product: Product<A>, api: &str) {
        let Some(api) = self.apis.get(api).cloned() else { return };
        let regions_of = api.regions_of.as_ref().and_then(|name| self.apis.get(name)).cloned();
        let product = product.linked(api, regions_of);
        self.products.insert(product.name.clone(), Arc::new(product));
    }
}

#[cfg(test)]
mod tests;
