//! What a listing proves, given what was known and doubted before. Pure.
//!
//! Every doubt ends: a listing that stays as it is is believed after the times below, whatever the cloud answers.

use std::collections::BTreeMap;
use std::hash::Hasher as _;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use siphasher::sip::SipHasher13;

use super::diff::{Side, merge};
use super::doubts::has_passed;
use super::{CountDoubt, Doubts, Failure, Inventory, Listing, Reason, Resource, Shrunk, Unread};

/// A missing resource that nothing proves gone leaves when another listing at least this much later lacks it too.
pub const MISSING_LEAVES_AFTER: Duration = Duration::from_secs(5 * 60);
/// A short listing is believed once this many collections have read the same ids and the same count…
pub const SAME_READINGS: u32 = 3;
/// …over at least this long,
pub const SAME_READINGS_TAKE: Duration = Duration::from_secs(15 * 60);
/// or once every listing has been short for this long.
pub const SHORT_FOR_GOOD_AFTER: Duration = Duration::from_secs(60 * 60);
/// A target with fewer known resources may lose any number of them at once.
pub const MIN_SUSPICIOUS: usize = 5;
/// So many more listings that lost too much must agree,
pub const SUSPICIOUS_AGREE: u32 = 2;
/// each at least this much later than the one before.
pub const SUSPICIOUS_APART: Duration = Duration::from_secs(5 * 60);

/// The resources to be known after `listing`, or why it is not believed; and what it leaves open.
pub(super) fn weigh(
    before: &Inventory,
    listing: &Listing,
    at: Timestamp,
) -> (Result<Arc<[Resource]>, Failure>, Doubts) {
    let known = before.known.as_ref().map_or(&[][..], |known| &known.resources);
    let mut weighing = Weighing { known, listing, at, doubts: before.doubts.clone() };
    let kept = weighing.kept();
    let resources = kept.map(|kept| joined(before, listing, &kept, at));
    (resources, weighing.doubts)
}

struct Weighing<'a> {
    known: &'a [Resource],
    listing: &'a Listing,
    at: Timestamp,
    doubts: Doubts,
}

impl<'a> Weighing<'a> {
    /// The known resources that the listing lacks and that stay all the same.
    fn kept(&mut self) -> Result<Vec<&'a Resource>, Failure> {
        let missing = self.missing();
        let unproved: Vec<_> =
            missing.iter().copied().filter(|gone| !self.listing.gone.contains(&gone.id)).collect();
        let is_short = self.listing.difference.is_some_and(|difference| difference > 0);
        self.doubts.count = is_short.then(|| self.counted());
        if let Some(count) = &self.doubts.count {
            let is_accepted = count.accepted == Some(count.difference);
            let find = |id: &Arc<str>| unproved.binary_search_by(|resource| resource.id.cmp(id));
            self.doubts.missing.retain(|id, _| find(id).is_ok());
            return if is_accepted { Ok(unproved) } else { Err(self.short()) };
        }
        let since: BTreeMap<_, _> =
            unproved.iter().map(|gone| (Arc::clone(&gone.id), self.missing_since(&gone.id))).collect();
        let kept = self.unsettled(missing.len(), unproved, &since);
        self.doubts.missing = match &kept {
            Ok(kept) => kept.iter().map(|gone| (Arc::clone(&gone.id), since[&gone.id])).collect(),
            Err(_) => since,
        };
        kept
    }

    fn missing(&self) -> Vec<&'a Resource> {
        let mut missing = Vec::new();
        merge(
            self.known,
            &self.listing.resources,
            |resource| &*resource.id,
            |side| {
                if let Side::Left(gone) = side {
                    missing.push(gone);
                }
            },
        );
        missing
    }

    /// Those of `unproved` that stay for now, when the listing is as long as its count.
    fn unsettled(
        &mut self,
        missing: usize,
        unproved: Vec<&'a Resource>,
        since: &BTreeMap<Arc<str>, Timestamp>,
    ) -> Result<Vec<&'a Resource>, Failure> {
        let lost_too_much = self.listing.resources.is_empty() || 2 * missing > self.known.len();
        if unproved.is_empty() || self.known.len() < MIN_SUSPICIOUS || !lost_too_much {
            self.doubts.shrunk = None;
            let has_left = |gone: &Resource| {
                self.listing.is_confirmed || has_passed(MISSING_LEAVES_AFTER, since[&gone.id], self.at)
            };
            return Ok(unproved.into_iter().filter(|gone| !has_left(gone)).collect());
        }
        let shrunk = self.shrunk();
        if shrunk.agreed < SUSPICIOUS_AGREE {
            self.doubts.shrunk = Some(shrunk);
            return Err(self.suspicious(missing));
        }
        self.doubts.shrunk = None;
        Ok(unproved.into_iter().filter(|gone| since[&gone.id] > shrunk.since).collect())
    }

    /// A clock that was set back leaves no doubt in the future.
    fn missing_since(&self, id: &Arc<str>) -> Timestamp {
        self.doubts.missing.get(id).map_or(self.at, |since| self.at.min(*since))
    }

    fn counted(&self) -> CountDoubt {
        let (at, ids) = (self.at, ids(&self.listing.resources));
        let difference = self.listing.difference.unwrap_or_default();
        let new = CountDoubt { since: at, difference, ids, same_since: at, readings: 1, accepted: None };
        let Some(before) = &self.doubts.count else { return new };
        let mut doubt = CountDoubt { since: at.min(before.since), accepted: before.accepted, ..new };
        if (before.difference, before.ids) == (difference, ids) {
            doubt.same_since = at.min(before.same_since);
            doubt.readings = before.readings.saturating_add(1);
        }
        let is_steady =
            doubt.readings >= SAME_READINGS && has_passed(SAME_READINGS_TAKE, doubt.same_since, at);
        let is_believed = is_steady || has_passed(SHORT_FOR_GOOD_AFTER, doubt.since, at);
        if is_believed {
            doubt.accepted = Some(difference);
        }
        doubt
    }

    fn shrunk(&self) -> Shrunk {
        let Some(before) = &self.doubts.shrunk else {
            return Shrunk { since: self.at, last: self.at, agreed: 0 };
        };
        let (since, last) = (self.at.min(before.since), self.at.min(before.last));
        match has_passed(SUSPICIOUS_APART, last, self.at) {
            true => Shrunk { since, last: self.at, agreed: before.agreed + 1 },
            false => Shrunk { since, last, agreed: before.agreed },
        }
    }

    fn short(&self) -> Failure {
        let listed = self.listing.resources.len();
        let counted = listed as i64 + self.listing.difference.unwrap_or_default();
        let message = format!(
            "the cloud counts {counted} resources but lists {listed}; the listing is accepted if it stays the same in \
             {SAME_READINGS} collections over {} minutes",
            SAME_READINGS_TAKE.as_secs() / 60
        );
        Failure { reason: Reason::Inconsistent, message }
    }

    fn suspicious(&self, missing: usize) -> Failure {
        let message = format!(
            "{missing} of {} resources are missing at once; the listing is accepted if {SUSPICIOUS_AGREE} more, at \
             least {} minutes apart, agree",
            self.known.len(),
            SUSPICIOUS_APART.as_secs() / 60
        );
        Failure { reason: Reason::Suspicious, message }
    }
}

/// Must stay the same in all versions: it is stored.
fn ids(resources: &[Resource]) -> u64 {
    let mut hasher = SipHasher13::new();
    for resource in resources {
        hasher.write(resource.id.as_bytes());
        hasher.write_u8(0);
    }
    hasher.finish()
}

/// The listed resources and those that are kept, where tags that could not be read are the last known ones.
fn joined(before: &Inventory, listing: &Listing, kept: &[&Resource], at: Timestamp) -> Arc<[Resource]> {
    if kept.is_empty() && listing.unreadable.is_empty() {
        return Arc::clone(&listing.resources);
    }
    let known = before.known.as_ref().map(|known| &known.resources);
    let listed = listing.resources.iter().map(|resource| match listing.unreadable.contains(&resource.id) {
        true => unread(resource, known.map_or(&[], |known| known), at),
        false => resource.clone(),
    });
    let mut all: Vec<_> = listed.chain(kept.iter().map(|kept| (*kept).clone())).collect();
    all.sort_by(|one, other| one.id.cmp(&other.id));
    match known {
        Some(known) if **known == *all => Arc::clone(known),
        _ => all.into(),
    }
}

fn unread(resource: &Resource, known: &[Resource], at: Timestamp) -> Resource {
    let before = known.binary_search_by(|other| other.id.cmp(&resource.id)).ok().map(|found| &known[found]);
    let new = Unread { since: at, never_read: before.is_none() };
    let unread = Some(before.and_then(|before| before.unread).unwrap_or(new));
    let tags = |of: fn(&Resource) -> &super::Tags| before.map(of).cloned().unwrap_or_default();
    Resource {
        tags: tags(|resource| &resource.tags),
        system_tags: tags(|resource| &resource.system_tags),
        unread,
        ..resource.clone()
    }
}

#[cfg(test)]
mod tests;
