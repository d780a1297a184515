//! Exemptions, found by what they can match: thousands of them cost a resource no more than a few.

use std::collections::BTreeMap;
use std::sync::Arc;

use globset::{Glob, GlobSet, GlobSetBuilder};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::inventory::{Resource, Target};

/// Violations that do not count; all that is given must hold.
#[derive(Debug, Clone, Default)]
pub struct Exemption {
    pub resource_id: Option<GlobSet>,
    pub account: Option<GlobSet>,
    pub region: Option<GlobSet>,
    pub product: Option<GlobSet>,
    /// A tag of the resource: its key, or its key, `=` and its value.
    pub tag: Option<String>,
    /// The rules' keys; none = every rule.
    pub keys: Vec<String>,
    pub reason: Arc<str>,
    /// The last day, in UTC.
    pub until: Option<Date>,
}

/// In their order, of which the first counts that fits a violation and has not ended.
#[derive(Debug, Clone, Default)]
pub struct Exemptions {
    all: Vec<Exemption>,
    /// Every glob over resource ids, and the place of the exemption that each belongs to.
    ids: GlobSet,
    places: Vec<usize>,
    /// The places of those that ask for a tag and for no id, by the tag.
    by_tag: BTreeMap<String, Vec<usize>>,
    /// The places of those that ask for neither.
    others: Vec<usize>,
}

impl Exemptions {
    /// Of exemptions with the globs over ids of each, none where it asks for no id.
    pub fn new(exemptions: Vec<(Exemption, Vec<Glob>)>) -> Result<Self, globset::Error> {
        let mut found = Self::default();
        let mut ids = GlobSetBuilder::new();
        for (place, (exemption, globs)) in exemptions.into_iter().enumerate() {
            match (&exemption.resource_id, &exemption.tag) {
                (Some(_), _) => {
                    found.places.extend(globs.iter().map(|_| place));
                    globs.into_iter().for_each(|glob| _ = ids.add(glob));
                }
                (None, Some(tag)) => found.by_tag.entry(tag.clone()).or_default().push(place),
                (None, None) => found.others.push(place),
            }
            found.all.push(exemption);
        }
        Ok(Self { ids: ids.build()?, ..found })
    }

    pub fn all(&self) -> &[Exemption] {
        &self.all
    }

    /// Puts the places of those that `resource` may fall under into `places`, in their order.
    pub fn candidates(&self, resource: &Resource, places: &mut Vec<usize>) {
        self.ids.matches_into(&*resource.id, places);
        places.iter_mut().for_each(|glob| *glob = self.places[*glob]);
        places.extend(&self.others);
        if !self.by_tag.is_empty() {
            for (key, value) in resource.tags.iter() {
                let named = [key.to_string(), format!("{key}={value}")];
                places.extend(named.iter().filter_map(|tag| self.by_tag.get(tag)).flatten());
            }
        }
        places.sort_unstable();
        places.dedup();
    }
}

impl Exemption {
    /// Whether it holds for some resource of `target`, as long as it lasts.
    pub fn covers(&self, target: &Target) -> bool {
        fits(&self.account, &target.account)
            && fits(&self.region, &target.region_id)
            && fits(&self.product, &target.product)
    }

    /// Whether it holds for the rule `key` and a resource of a target that it covers.
    pub fn holds(&self, resource: &Resource, key: &str) -> bool {
        (self.keys.is_empty() || self.keys.iter().any(|covered| covered == key))
            && fits(&self.resource_id, &resource.id)
            && self.tag.as_ref().is_none_or(|tag| resource.tags.has(tag))
    }

    /// The first moment at which it does not hold any more: 24:00 UTC of its last day.
    pub fn end(&self) -> Option<Timestamp> {
        let day_after = self.until?.tomorrow().ok()?;
        TimeZone::UTC.to_timestamp(day_after.at(0, 0, 0, 0)).ok()
    }
}

/// Whether no globs are given, or one of them matches.
pub(super) fn fits(globs: &Option<GlobSet>, text: &str) -> bool {
    globs.as_ref().is_none_or(|globs| globs.is_match(text))
}
