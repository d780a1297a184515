//! Any JSON of the cloud is read or refused; no row is lost, and a listing is empty only when it says so.
#![no_main]

use std::time::Duration;

use alicloud_tag_exporter::cloud::api::classify;
use alicloud_tag_exporter::cloud::catalog::Catalog;
use alicloud_tag_exporter::cloud::discovery::decode::{described, tagged};
use alicloud_tag_exporter::inventory::Interner;
use libfuzzer_sys::fuzz_target;
use serde_json_borrow::Value;

fuzz_target!(|body: &[u8]| {
    for status in [400, 403, 404, 429, 500, 503] {
        let (kind, _) = classify(status, Some(Duration::from_secs(1)), body);
        let _ = format!("{kind:?}");
    }
    let Ok(answer) = serde_json::from_slice::<Value<'_>>(body) else { return };
    let interner = Interner::seeded(&[]);
    for product in Catalog::builtin().products() {
        let listed = list(&answer, product.resources.items.names());
        if let Ok(page) = described(&product.resources, "cn-hangzhou", &answer, &interner) {
            assert_eq!(page.rows.len(), listed.unwrap_or_default());
            assert!(listed.is_some() || page.total == Some(0), "an empty listing of nothing");
        }
        let Some(tags) = product.tags.as_ref().filter(|tags| tags.nested.is_none()) else { continue };
        if let Ok(page) = tagged(tags, &answer, &interner) {
            assert_eq!(Some(page.rows.len()), list(&answer, tags.items.names()));
        }
    }
});

/// How many items the list at a path has, if there is one.
fn list(answer: &Value<'_>, path: &[String]) -> Option<usize> {
    let found = path.iter().try_fold(answer, |value, name| value.as_object()?.get(name))?;
    Some(found.as_array()?.len())
}
