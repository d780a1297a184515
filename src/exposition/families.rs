//! The metric families of a target: what was seen in the cloud, and how seeing went.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Family, Kind, Samples, TargetView};
use crate::inventory::{Inventory, REASONS, Resource};
use crate::policy::{State, Verdict};

/// What was seen in the cloud.
pub const SUBJECT: &[Family] = &[
    gauge(
        "alicloud_resource_info",
        "1 for each resource, labelled with what describes it. State at the last successful collection.",
        info,
    ),
    gauge(
        "alicloud_resource_tag",
        "1 for each tag of each resource. State at the last successful collection.",
        tag,
    ),
    gauge(
        "alicloud_resource_tags",
        "Number of tags of the resource, 0 if it is untagged. State at the last successful collection.",
        tags,
    ),
    gauge(
        "alicloud_resource_created_timestamp_seconds",
        "Unix time of the resource's creation. State at the last successful collection.",
        created,
    ),
    gauge(
        "alicloud_resource_tags_last_changed_timestamp_seconds",
        "Unix time of the last change of the resource's tags that was seen. State at the last successful collection.",
        tags_last_changed,
    ),
    gauge(
        "alicloud_resource_required_tag_violation",
        "1 if the resource violates the rule for the required key, 0 if not. State at the last successful collection.",
        violation,
    ),
    gauge(
        "alicloud_resource_required_tag_violation_info",
        "1 for each violated rule, with the reason. State at the last successful collection.",
        violation_info,
    ),
    gauge(
        "alicloud_resources",
        "Number of resources by compliance with the tagging rules. State at the last successful collection.",
        resources,
    ),
    gauge(
        "alicloud_tag_key_resources",
        "Number of resources that carry the tag key. State at the last successful collection.",
        tag_key_resources,
    ),
];

/// How the target's collections went.
pub const STATUS: &[Family] = &[
    gauge("alicloud_tag_exporter_target", "1 for each configured target.", |_, samples| {
        samples.add_bare(1.0)
    }),
    gauge(
        "alicloud_tag_exporter_collection_success",
        "1 if the last collection worked, 0 if it failed.",
        |view, samples| {
            if let Some(attempt) = &view.inventory.last_attempt {
                samples.add_bare(flag(attempt.failure.is_none()));
            }
        },
    ),
    gauge(
        "alicloud_tag_exporter_collection_last_success_timestamp_seconds",
        "Unix time of the end of the last collection that worked.",
        |view, samples| {
            if let Some(known) = &view.inventory.known {
                samples.add_bare(seconds(known.ended));
            }
        },
    ),
    gauge(
        "alicloud_tag_exporter_collection_duration_seconds",
        "Duration of the last collection.",
        |view, samples| {
            if let Some(attempt) = &view.inventory.last_attempt {
                samples.add_bare(attempt.took.as_secs_f64());
            }
        },
    ),
    counter("alicloud_tag_exporter_collections_total", "Collections that ended.", |view, samples| {
        samples.add_bare(view.counters.collections as f64)
    }),
    counter(
        "alicloud_tag_exporter_collection_failures_total",
        "Collections that failed, by reason.",
        |view, samples| {
            for (reason, count) in REASONS.iter().zip(view.counters.failures) {
                samples.add([("reason", *reason)], count as f64);
            }
        },
    ),
    gauge(
        "alicloud_tag_exporter_snapshot_stale",
        "1 from a failed collection, or a restart, until the next collection that works; 0 otherwise.",
        |view, samples| {
            let Inventory { known, last_attempt } = view.inventory;
            match last_attempt {
                Some(attempt) => samples.add_bare(flag(attempt.failure.is_some())),
                None if known.is_some() => samples.add_bare(1.0),
                None => {}
            }
        },
    ),
    gauge(
        "alicloud_tag_exporter_listing_count_mismatch",
        "1 if the last listing had another number of resources than the cloud counted, 0 if not.",
        |view, samples| {
            if let Some(known) = &view.inventory.known {
                samples.add_bare(flag(known.count_mismatch));
            }
        },
    ),
    counter(
        "alicloud_tag_exporter_tag_changes_total",
        "Changes of tags of resources that stayed.",
        |view, samples| {
            let changes = &view.counters.changes;
            for (change, count) in
                [("added", changes.added), ("modified", changes.modified), ("removed", changes.removed)]
            {
                samples.add([("change", change)], count as f64);
            }
        },
    ),
    counter(
        "alicloud_tag_exporter_resource_changes_total",
        "Resources that came or went.",
        |view, samples| {
            let changes = &view.counters.changes;
            for (change, count) in [("appeared", changes.appeared), ("disappeared", changes.disappeared)] {
                samples.add([("change", change)], count as f64);
            }
        },
    ),
    gauge("alicloud_tag_exporter_series_dropped", "Series that are left out, by reason.", |view, samples| {
        samples.add([("reason", "max_series")], view.cut.dropped as f64)
    }),
];

type Render = fn(&TargetView<'_>, &mut Samples<'_>);

const fn gauge(name: &'static str, help: &'static str, samples: Render) -> Family {
    Family { name, kind: Kind::Gauge, help, samples }
}

const fn counter(name: &'static str, help: &'static str, samples: Render) -> Family {
    Family { name, kind: Kind::Counter, help, samples }
}

fn info(view: &TargetView<'_>, samples: &mut Samples<'_>) {
    for resource in shown(view) {
        let fixed = [
            ("resource_id", &*resource.id),
            ("resource_type", view.resource_type),
            ("resource_name", &*resource.name),
            ("resource_group_id", &*resource.resource_group_id),
        ];
        let tag_labels = &view.options.tag_labels;
        let tags = tag_labels.iter().map(|l| (&*l.name, resource.tags.get(&l.key).unwrap_or_default()));
        samples.add(fixed.into_iter().chain(tags), 1.0);
    }
}

fn tag(view: &TargetView<'_>, samples: &mut Samples<'_>) {
    if !view.options.resource_tag {
        return;
    }
    for resource in &shown(view)[..view.cut.resources] {
        for (key, value) in resource.tags.iter() {
            if view.options.include_keys.is_match(&**key) {
                samples.add([("resource_id", &*resource.id), ("key", key), ("value", value)], 1.0);
            }
        }
    }
}

fn tags(view: &TargetView<'_>, samples: &mut Samples<'_>) {
    for resource in shown(view) {
        samples.add([("resource_id", &*resource.id)], resource.tags.len() as f64);
    }
}

fn created(view: &TargetView<'_>, samples: &mut Samples<'_>) {
    for resource in shown(view) {
        if let Some(at) = resource.created_at {
            samples.add([("resource_id", &*resource.id)], seconds(at));
        }
    }
}

fn tags_last_changed(view: &TargetView<'_>, samples: &mut Samples<'_>) {
    for resource in shown(view) {
        if let Some(at) = view.tags_changed_at.get(&resource.id) {
            samples.add([("resource_id", &*resource.id)], seconds(*at));
        }
    }
}

/// A series for each rule that applies: which ones there are does not depend on the tags.
fn violation(view: &TargetView<'_>, samples: &mut Samples<'_>) {
    for (resource, verdict) in judged(view).filter(|(_, verdict)| verdict.applies) {
        for rule in &view.options.required_tags {
            let violated = counts(verdict) && verdict.violations.iter().any(|v| v.key == rule.key);
            samples.add([("resource_id", &*resource.id), ("key", &*rule.key)], flag(violated));
        }
    }
}

fn violation_info(view: &TargetView<'_>, samples: &mut Samples<'_>) {
    for (resource, verdict) in judged(view).filter(|(_, verdict)| counts(verdict)) {
        for violation in &verdict.violations {
            let labels = [
                ("resource_id", &*resource.id),
                ("key", &*violation.key),
                ("reason", violation.reason.name()),
            ];
            samples.add(labels, 1.0);
        }
    }
}

fn resources(view: &TargetView<'_>, samples: &mut Samples<'_>) {
    if view.shown.is_none() {
        return;
    }
    for state in State::ALL {
        let number = view.judgement.verdicts.iter().filter(|verdict| verdict.state == state).count();
        samples.add([("state", state.name())], number as f64);
    }
}

fn tag_key_resources(view: &TargetView<'_>, samples: &mut Samples<'_>) {
    let mut numbers = BTreeMap::<&str, u64>::new();
    for (key, _) in shown(view).iter().flat_map(|resource| resource.tags.iter()) {
        *numbers.entry(key).or_default() += 1;
    }
    for (key, number) in numbers {
        samples.add([("key", key)], number as f64);
    }
}

fn shown<'a>(view: &TargetView<'a>) -> &'a [Resource] {
    view.shown.map_or(&[], |known| &known.resources)
}

fn judged<'a>(view: &TargetView<'a>) -> impl Iterator<Item = (&'a Resource, &'a Verdict)> {
    shown(view).iter().zip(&view.judgement.verdicts)
}

/// The violations of a pending or exempt resource do not count.
fn counts(verdict: &Verdict) -> bool {
    verdict.state == State::Violating
}

fn flag(set: bool) -> f64 {
    f64::from(u8::from(set))
}

/// Unix time in seconds, to the millisecond.
fn seconds(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}
