//! How the target's collections went.

use super::compliance::rollups_dropped;
use super::{counter, flag, gauge};
use crate::clock::seconds;
use crate::inventory::Reason;
use crate::inventory::diff::ChangeKind;
use crate::publication::exposition::{Family, Samples, TargetView};

/// How the target's collections went.
pub const STATUS: &[Family] = &[
    gauge("alicloud_tag_exporter_target", "One series per configured target; always 1.", |_, samples| {
        samples.add_bare(1.0)
    }),
    gauge(
        "alicloud_tag_exporter_collection_success",
        "1 if the last collection succeeded, 0 if it failed.",
        |view, samples| {
            if let Some(attempt) = &view.inventory.last_attempt {
                samples.add_bare(flag(attempt.failure.is_none()));
            }
        },
    ),
    gauge(
        "alicloud_tag_exporter_collection_last_success_timestamp_seconds",
        "Unix time at which the last successful collection ended.",
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
    counter(
        "alicloud_tag_exporter_collections_total",
        "Completed collections, including failed ones.",
        |view, samples| samples.add_bare(view.counters.collections as f64),
    ),
    counter(
        "alicloud_tag_exporter_collection_failures_total",
        "Failed collections by reason.",
        |view, samples| {
            for (reason, count) in Reason::ALL.iter().zip(view.counters.failures) {
                samples.add([("reason", reason.name())], count as f64);
            }
        },
    ),
    gauge(
        "alicloud_tag_exporter_snapshot_stale",
        "1 from a failed collection or a restart until the next success, otherwise 0.",
        |view, samples| {
            if view.inventory.last_attempt.is_some() || view.inventory.known.is_some() {
                samples.add_bare(flag(!view.inventory.is_current()));
            }
        },
    ),
    gauge(
        "alicloud_tag_exporter_listing_count_mismatch",
        "1 if the listed count differs from the API's TotalCount, otherwise 0.",
        |view, samples| {
            if let Some(known) = &view.inventory.known {
                samples.add_bare(flag(known.count_mismatch));
            }
        },
    ),
    gauge(
        "alicloud_tag_exporter_unreadable_resources",
        "Number of resources whose tags could not be read.",
        |view, samples| {
            if let Some(known) = view.shown {
                samples.add_bare(known.unreadable() as f64);
            }
        },
    ),
    counter(
        "alicloud_tag_exporter_tag_changes_total",
        "Tag changes on existing resources.",
        |view, samples| {
            changes(view, samples, ChangeKind::is_of_a_tag);
        },
    ),
    counter(
        "alicloud_tag_exporter_resource_changes_total",
        "Resources that appeared or disappeared.",
        |view, samples| {
            changes(view, samples, |kind| !kind.is_of_a_tag());
        },
    ),
    gauge(
        "alicloud_tag_exporter_series_dropped",
        "Series left out because of a limit, by reason.",
        |view, samples| {
            samples.add([("reason", "max_series")], view.cut.dropped as f64);
            samples.add([("reason", "rollup")], rollups_dropped(view) as f64);
        },
    ),
];

/// The counters of the kinds of changes that are `wanted`.
fn changes(view: &TargetView<'_>, samples: &mut Samples<'_>, wanted: fn(ChangeKind) -> bool) {
    for kind in ChangeKind::ALL.into_iter().filter(|kind| wanted(*kind)) {
        samples.add([("change", kind.word())], view.counters.changes.number(kind) as f64);
    }
}
