//! The regions of one product in one account, over successive answers of the cloud. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::doubts::has_passed;

/// A region leaves when two answers lack it that lie at least this far apart.
pub const REGION_LEAVES_AFTER: Duration = Duration::from_secs(600);

/// What is known of the regions of a scope.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Regions {
    /// Whether the cloud has answered since the start. Before, the regions are those that are remembered.
    pub is_answered: bool,
    pub by_id: BTreeMap<Arc<str>, Region>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Region {
    /// The host that the cloud returned for it, not validated yet.
    pub told_host: Option<String>,
    /// The time of the first answer without it.
    pub missing_since: Option<Timestamp>,
}

impl Regions {
    /// What is known after an answer at `now` that lists these ids, each with the host that is named for it.
    #[must_use]
    pub fn answered(
        &self,
        listed: impl IntoIterator<Item = (Arc<str>, Option<String>)>,
        now: Timestamp,
    ) -> Self {
        let listed =
            listed.into_iter().map(|(id, told_host)| (id, Region { told_host, missing_since: None }));
        let mut by_id: BTreeMap<_, _> = listed.collect();
        for (id, region) in &self.by_id {
            let since = region.missing_since.unwrap_or(now);
            if !by_id.contains_key(id) && !has_passed(REGION_LEAVES_AFTER, since, now) {
                by_id.insert(Arc::clone(id), Region { missing_since: Some(since), ..region.clone() });
            }
        }
        Self { is_answered: true, by_id }
    }

    /// Whether a region is missing from the last answer: the next search should come soon.
    pub fn is_in_doubt(&self) -> bool {
        self.by_id.values().any(|region| region.missing_since.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_795_500_000 + 60 * minute).unwrap()
    }

    fn answered(regions: &Regions, ids: &[&str], minute: i64) -> Regions {
        regions.answered(ids.iter().map(|id| (Arc::from(*id), None)), at(minute))
    }

    fn told(regions: &Regions) -> Vec<String> {
        let mark = |region: &Region| if region.missing_since.is_some() { "?" } else { "" };
        regions.by_id.iter().map(|(id, region)| format!("{id}{}", mark(region))).collect()
    }

    #[test]
    fn a_region_leaves_when_two_answers_ten_minutes_apart_lack_it() {
        let first = answered(&Regions::default(), &["r1", "r2"], 0);
        let short = answered(&first, &["r1"], 60);
        assert_eq!(told(&short), ["r1", "r2?"]);
        assert!(short.is_in_doubt());
        let soon = answered(&short, &["r1"], 69);
        assert_eq!(soon.by_id["r2"].missing_since, Some(at(60)));
        assert_eq!(told(&answered(&soon, &["r1"], 70)), ["r1"]);
    }

    #[test]
    fn a_region_that_is_back_is_in_no_doubt_and_starts_over_when_it_is_missing_again() {
        let short = answered(&answered(&Regions::default(), &["r1", "r2"], 0), &["r1"], 60);
        let back = answered(&short, &["r1", "r2"], 65);
        assert_eq!(told(&back), ["r1", "r2"]);
        assert_eq!(told(&answered(&back, &["r1"], 71)), ["r1", "r2?"]);
    }

    #[test]
    fn a_clock_that_was_set_back_proves_nothing() {
        let short = answered(&answered(&Regions::default(), &["r1", "r2"], 0), &["r1"], 60);
        assert_eq!(told(&answered(&short, &["r1"], 10)), ["r1", "r2?"]);
    }
}
