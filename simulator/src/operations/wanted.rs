//! Which resources a request is about.

use std::collections::BTreeMap;

use crate::error::CloudError;
use crate::parameters::{Parameters, TagFilter};
use crate::product::{Meaning, Parameter, Product};
use crate::resources::Resource;
use crate::state::Region;

use super::call::Call;

/// A resource with the id of its region.
pub type Located<'a> = (&'a str, &'a Resource);

/// What a request narrows a listing by. Nothing given fits all.
pub struct Wanted<'a> {
    product: &'a Product,
    narrowed: Vec<Narrowed<'a>>,
    tags: Vec<TagFilter<'a>>,
}

/// A parameter or a filter with its values.
struct Narrowed<'a> {
    by: &'a Parameter,
    values: Vec<String>,
    /// An id must match as a whole.
    is_exact: bool,
}

impl<'a> Wanted<'a> {
    /// Reads and checks every parameter that the listing's description names.
    pub fn take(parameters: &mut Parameters<'a>, call: &Call<'a>) -> Result<Self, CloudError> {
        let (described, limits) = (&call.listing.described, &call.state.limits);
        let mut narrowed = Vec::new();
        for (name, by) in &described.parameters {
            let values = parameters.take_values(name, by, limits)?;
            narrowed.extend(values.map(|values| Narrowed::new(by, values, call)));
        }
        if let Some(filter) = &described.filter {
            let given = parameters.take_filter(filter, limits)?;
            narrowed.extend(
                given.into_iter().map(|(key, values)| Narrowed::new(&filter.keys[&key], values, call)),
            );
        }
        let tags = match &described.tag_filter {
            Some(word) => parameters.take_tag_filters(word, limits)?,
            None => Vec::new(),
        };
        Ok(Self { product: call.product, narrowed, tags })
    }

    pub fn names_ids_or_tags(&self) -> bool {
        self.ids().is_some() || !self.tags.is_empty()
    }

    /// Whether `true` is the value of the parameter with this meaning.
    pub fn says(&self, meaning: Meaning) -> bool {
        self.narrowed.iter().any(|given| given.by.is == meaning && given.values == ["true"])
    }

    /// The resources that fit, those with named ids in the order of the ids.
    pub fn select<'s>(
        &self,
        regions: &[(&'s str, &'s Region)],
        tags: impl Fn(&Resource) -> &BTreeMap<String, String>,
    ) -> Vec<Located<'s>> {
        let fits = |(region, resource): &Located<'s>| {
            self.narrowed.iter().all(|given| given.fits(region, resource, self.product))
                && TagFilter::all_fit(&self.tags, tags(resource))
        };
        let candidates = regions.iter().flat_map(|(id, region)| self.candidates(id, region));
        candidates.filter(fits).collect()
    }

    fn candidates<'s>(&self, id: &'s str, region: &'s Region) -> Vec<Located<'s>> {
        let all = region.of(self.product.name());
        match self.ids() {
            Some(ids) => ids.iter().filter_map(|wanted| Some((id, all.get(wanted)?))).collect(),
            None => all.iter().map(|resource| (id, resource)).collect(),
        }
    }

    fn ids(&self) -> Option<&[String]> {
        let ids = self.narrowed.iter().find(|given| given.by.is == Meaning::Id && given.is_exact)?;
        Some(&ids.values)
    }

    /// Some products fail for an id that nobody has; a tag listing then fails for the whole batch.
    pub fn check_known(&self, found: &[Located<'_>]) -> Result<(), CloudError> {
        for given in self.narrowed.iter().filter(|given| given.by.is == Meaning::Id) {
            let Some(unknown) = &given.by.unknown else { continue };
            let is_missing = |id: &&String| !found.iter().any(|(_, resource)| resource.id() == id.as_str());
            if let Some(id) = given.values.iter().find(is_missing) {
                return Err(unknown.error(format!("The specified resource {id} does not exist.")));
            }
        }
        Ok(())
    }
}

/// Whether a listing's described parameters accept the request: where several products share an operation, the one
/// that does is meant.
pub fn accepts(call: &Call<'_>) -> bool {
    Wanted::take(&mut call.parameters(), call).is_ok()
}

impl<'a> Narrowed<'a> {
    fn new(by: &'a Parameter, values: Vec<String>, call: &Call<'_>) -> Self {
        let given = |(name, value): &(String, String)| call.request.get(name) == Some(value);
        Self { by, values, is_exact: by.exact_with.as_ref().is_none_or(given) }
    }

    fn fits(&self, region: &str, resource: &Resource, product: &Product) -> bool {
        match self.by.is {
            Meaning::Nothing | Meaning::ShowTags | Meaning::DryRun => true,
            Meaning::Id if !self.is_exact => self.values.iter().any(|part| resource.id().contains(part)),
            Meaning::Id => self.names(resource.id()),
            Meaning::Name => self.names(&resource.name),
            Meaning::Region => self.names(region),
            Meaning::ResourceGroup => self.names(&resource.resource_group_id),
            Meaning::Variant => self.lists(product.variant_of(resource)),
        }
    }

    fn names(&self, text: &str) -> bool {
        self.values.iter().any(|value| value == text)
    }

    fn lists(&self, variant: &str) -> bool {
        self.values.iter().any(|value| match self.by.lists.get(value) {
            Some(variants) => variants.iter().any(|listed| listed == variant),
            None => value == variant,
        })
    }
}
