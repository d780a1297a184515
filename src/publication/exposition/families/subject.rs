//! What was seen in the cloud.

use std::collections::BTreeMap;

use super::compliance::{resources, violation, violation_info};
use super::gauge;
use crate::clock::seconds;
use crate::inventory::{Keys, Resource};
use crate::publication::exposition::{Family, Samples, TargetView};

/// What was seen in the cloud.
pub const SUBJECT: &[Family] = &[
    gauge(
        "alicloud_resource_info",
        "One series per resource with its attributes; always 1. State at the last successful collection.",
        info,
    ),
    gauge(
        "alicloud_resource_tag",
        "One series per tag of each resource; always 1. State at the last successful collection.",
        tag,
    ),
    gauge(
        "alicloud_resource_tags",
        "Number of tags of the resource, 0 if it is untagged. State at the last successful collection.",
        tags,
    ),
    gauge(
        "alicloud_resource_created_timestamp_seconds",
        "Unix time at which the resource was created. State at the last successful collection.",
        created,
    ),
    gauge(
        "alicloud_resource_tags_last_changed_timestamp_seconds",
        "Unix time of the last observed tag change of the resource. State at the last successful collection.",
        tags_last_changed,
    ),
    gauge(
        "alicloud_resource_required_tag_violation",
        "1 if the resource violates the rule for the required key, otherwise 0. State at the last successful collection.",
        violation,
    ),
    gauge(
        "alicloud_resource_required_tag_violation_info",
        "One series per violation in effect, with its reason; always 1. State at the last successful collection.",
        violation_info,
    ),
    gauge(
        "alicloud_resources",
        "Number of resources by compliance state. State at the last successful collection.",
        resources,
    ),
    gauge(
        "alicloud_tag_key_resources",
        "Number of resources with the tag key. State at the last successful collection.",
        tag_key_resources,
    ),
];

fn info(view: &TargetView<'_>, samples: &mut Samples<'_>) {
    for resource in shown(view) {
        let fixed = [
            ("resource_id", &*resource.id),
            ("resource_type", view.resource_type),
            ("resource_name", &*resource.name),
            ("resource_group_id", &*resource.resource_group_id),
        ];
        let tag_labels = &view.options.tag_labels;
        let tags = tag_labels.iter().map(|label| (&*label.name, label.value(&resource.tags)));
        samples.add(fixed.into_iter().chain(tags), 1.0);
    }
}

fn tag(view: &TargetView<'_>, samples: &mut Samples<'_>) {
    if !view.options.resource_tag {
        return;
    }
    let mut included = Keys::of(&view.options.include_keys);
    for resource in &shown(view)[..view.cut.resources] {
        for (key, value) in resource.tags.iter() {
            if included.has(key) {
                samples.add([("resource_id", &*resource.id), ("key", key), ("value", value)], 1.0);
            }
        }
    }
}

fn tags(view: &TargetView<'_>, samples: &mut Samples<'_>) {
    for resource in shown(view).iter().filter(|resource| resource.unread.is_none()) {
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
