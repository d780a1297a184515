//! The compliance metrics.

use std::collections::{BTreeMap, BTreeSet};

use super::flag;
use crate::inventory::Resource;
use crate::policy::{Reason, State, Verdict};
use crate::publication::exposition::{Samples, TagLabel, TargetView};

/// Combinations of rollup values of one target with their own series; the rest is summed.
const MAX_ROLLUPS: usize = 1000;
/// The value of every rollup label for the other combinations.
const OTHER: &str = "__other__";

/// A series for each required key that is asked of a resource: which ones there are does not depend on the tags.
pub(super) fn violation(view: &TargetView<'_>, samples: &mut Samples<'_>) {
    for (resource, verdict) in judged(view) {
        for key in verdict.required.iter() {
            let required = |reason: Reason| !matches!(reason, Reason::Forbidden | Reason::TooManyTags);
            let violated = verdict.counting().any(|broken| broken.key == *key && required(broken.reason));
            samples.add([("resource_id", &*resource.id), ("key", &**key)], flag(violated));
        }
    }
}

pub(super) fn violation_info(view: &TargetView<'_>, samples: &mut Samples<'_>) {
    for (resource, verdict) in judged(view) {
        for violation in verdict.counting() {
            let reason = violation.reason.name();
            let labels = [("resource_id", &*resource.id), ("key", &*violation.key), ("reason", reason)];
            samples.add(labels, 1.0);
        }
    }
}

/// How many resources are in each state, for each combination of rollup values.
pub(super) fn resources(view: &TargetView<'_>, samples: &mut Samples<'_>) {
    if view.shown.is_none() {
        return;
    }
    let names: Vec<_> = view.options.rollup_labels.iter().map(|label| label.name.as_str()).collect();
    for (values, numbers) in rollups(view) {
        let rollup = || names.iter().copied().zip(values.iter().copied());
        for (state, number) in State::ALL.iter().zip(numbers) {
            samples.add([("state", state.name())].into_iter().chain(rollup()), number as f64);
        }
    }
}

/// Series of [`resources`] that are left out.
pub(super) fn rollups_dropped(view: &TargetView<'_>) -> usize {
    if view.options.rollup_labels.is_empty() {
        return 0;
    }
    counted(view).len().saturating_sub(MAX_ROLLUPS) * State::ALL.len()
}

/// How many resources are in each state, in the order of [`State::ALL`].
type Numbers = [u64; State::ALL.len()];
/// By the values of the rollup labels.
type Rollups<'a> = BTreeMap<Vec<&'a str>, Numbers>;

/// The combinations with the most resources, and the others as one. Without resources there is one of empty values: a
/// number that is known to be 0 is exported.
fn rollups<'a>(view: &TargetView<'a>) -> Rollups<'a> {
    let labels = &view.options.rollup_labels;
    let mut all = counted(view);
    if all.is_empty() {
        all.insert(vec![""; labels.len()], Numbers::default());
    }
    if all.len() <= MAX_ROLLUPS {
        return all;
    }
    let mut by_size: Vec<_> = all.iter().map(|(values, numbers)| (total(numbers), values.clone())).collect();
    by_size.sort_by(|(one, first), (other, second)| other.cmp(one).then_with(|| first.cmp(second)));
    let kept: BTreeSet<_> = by_size.into_iter().take(MAX_ROLLUPS).map(|(_, values)| values).collect();
    let mut rollups = Rollups::new();
    for (values, numbers) in all {
        let values = if kept.contains(&values) { values } else { vec![OTHER; labels.len()] };
        let sums = rollups.entry(values).or_default();
        sums.iter_mut().zip(numbers).for_each(|(sum, number)| *sum += number);
    }
    rollups
}

fn counted<'a>(view: &TargetView<'a>) -> Rollups<'a> {
    let labels: &'a [TagLabel] = &view.options.rollup_labels;
    let mut all = Rollups::new();
    for (resource, verdict) in judged(view) {
        let values = labels.iter().map(|label| label.value(&resource.tags)).collect();
        let numbers = all.entry(values).or_default();
        for (state, number) in State::ALL.iter().zip(numbers) {
            *number += u64::from(verdict.state == *state);
        }
    }
    all
}

fn total(numbers: &Numbers) -> u64 {
    numbers.iter().sum()
}

fn judged<'a>(view: &TargetView<'a>) -> impl Iterator<Item = (&'a Resource, &'a Verdict)> + use<'a> {
    let resources: &'a [Resource] = view.shown.map_or(&[], |known| &known.resources);
    resources.iter().zip(&view.judgement.verdicts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{Inventory, Known, Tags, Target, tags_of};
    use crate::policy::{Rules, judge};
    use crate::publication::exposition::{Counters, Cut, Options};
    use jiff::Timestamp;

    fn resource(number: usize, owner: usize) -> Resource {
        Resource {
            id: format!("hb-{number:05}").into(),
            name: "".into(),
            resource_group_id: "".into(),
            status: "".into(),
            created_at: None,
            tags: tags_of([("owner", &format!("{owner:05}"))]),
            system_tags: Tags::default(),
            unread: None,
        }
    }

    /// Looks at a target with these resources, rolled up by owner.
    fn with_view(resources: Vec<Resource>, look: impl FnOnce(&TargetView<'_>)) {
        let (target, now) = (Target::new("a", "r", "hbase"), Timestamp::UNIX_EPOCH);
        let label = TagLabel { name: "tag_owner".into(), keys: vec!["owner".into()] };
        let options = Options { rollup_labels: vec![label], ..Options::default() };
        let judgement = judge(&target, &resources, &Rules::default(), now);
        let known = Known { resources: resources.into(), started: now, ended: now, count_mismatch: false };
        look(&TargetView {
            target: &target,
            resource_type: "",
            inventory: &Inventory::default(),
            shown: Some(&known),
            judgement: &judgement,
            tags_changed_at: &BTreeMap::new(),
            counters: &Counters::default(),
            cut: Cut::default(),
            options: &options,
        });
    }

    #[test]
    fn combinations_past_the_bound_are_one_together_and_no_resource_is_lost() {
        // The last owners have two resources each, so they stay.
        let owners = (0..MAX_ROLLUPS + 5).chain([MAX_ROLLUPS + 3, MAX_ROLLUPS + 4]);
        let resources: Vec<_> = owners.enumerate().map(|(number, owner)| resource(number, owner)).collect();
        let number = resources.len();
        with_view(resources, |view| {
            let rollups = rollups(view);
            assert_eq!(rollups.values().map(total).sum::<u64>() as usize, number);
            assert_eq!(rollups.len(), MAX_ROLLUPS + 1);
            assert_eq!(total(&rollups[&vec![OTHER]]), 5);
            assert_eq!(total(&rollups[&vec!["01004"]]), 2);
            assert_eq!(rollups_dropped(view), 5 * State::ALL.len());
        });
    }

    #[test]
    fn a_target_without_resources_exports_zeros() {
        with_view(Vec::new(), |view| {
            assert_eq!(rollups(view), Rollups::from([(vec![""], [0, 0, 0, 0])]));
        });
    }
}
