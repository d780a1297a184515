//! The inventory with its verdicts as one JSON document: what `/tags` answers, and what `audit` writes and reads
//! again. Pure.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};

use crate::inventory::{Failure, Inventory, Known, Resource, Status, Tags, Target, Unread};
use crate::policy::Verdict;

/// The document as it is written; the resources are sorted by account, region, product and id.
#[derive(Debug, Serialize)]
pub struct Snapshot<'a> {
    pub version: u64,
    pub generated_at: Timestamp,
    pub targets: Vec<TargetRow<'a>>,
    pub resources: Vec<ResourceRow<'a>>,
    /// `None` on the last page.
    pub next_cursor: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct TargetRow<'a> {
    #[serde(flatten)]
    pub target: &'a Target,
    /// The cloud's id of the account, where it is known.
    pub account_id: Option<&'a str>,
    pub status: Status,
    pub last_success: Option<Timestamp>,
    pub last_attempt: Option<Timestamp>,
    pub error: Option<&'a Failure>,
    /// `null` if it is unknown.
    pub resources: Option<usize>,
    /// The listing is not as long as the cloud's count.
    pub count_mismatch: bool,
}

#[derive(Debug, Serialize)]
pub struct ResourceRow<'a> {
    #[serde(flatten)]
    pub target: &'a Target,
    pub resource_type: &'a str,
    pub resource_id: &'a str,
    pub resource_name: &'a str,
    pub resource_group_id: &'a str,
    pub status: &'a str,
    pub created_at: Option<Timestamp>,
    /// `null` while they have never been read.
    pub tags: Option<&'a Tags>,
    pub system_tags: &'a Tags,
    /// From when on the tags could not be read; those above are older.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags_unknown_since: Option<Timestamp>,
    pub compliance: &'a Verdict,
}

impl<'a> TargetRow<'a> {
    /// `shown` is the visible part of `inventory`.
    pub fn of(target: &'a Target, status: Status, inventory: &'a Inventory, shown: Option<&Known>) -> Self {
        let attempt = inventory.last_attempt.as_ref();
        Self {
            target,
            account_id: None,
            status,
            last_success: inventory.known.as_ref().map(|known| known.ended),
            last_attempt: attempt.map(|attempt| attempt.ended),
            error: attempt.and_then(|attempt| attempt.failure.as_ref()),
            resources: shown.map(|known| known.resources.len()),
            count_mismatch: shown.is_some_and(|known| known.count_mismatch),
        }
    }
}

impl<'a> ResourceRow<'a> {
    pub fn of(
        target: &'a Target,
        resource_type: &'a str,
        resource: &'a Resource,
        compliance: &'a Verdict,
    ) -> Self {
        Self {
            target,
            resource_type,
            resource_id: &resource.id,
            resource_name: &resource.name,
            resource_group_id: &resource.resource_group_id,
            status: &resource.status,
            created_at: resource.created_at,
            tags: resource.has_known_tags().then_some(&resource.tags),
            system_tags: &resource.system_tags,
            tags_unknown_since: resource.unread.map(|unread| unread.since),
            compliance,
        }
    }
}

/// A document as it is read, without its verdicts: the reader judges again.
#[derive(Debug, Deserialize)]
pub struct Saved {
    pub targets: Vec<SavedTarget>,
    pub resources: Vec<SavedResource>,
    /// It must be there: a document without it may be a page of another kind.
    #[serde(deserialize_with = "Option::deserialize")]
    pub next_cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
pub struct SavedTarget {
    #[serde(flatten)]
    pub target: Target,
    pub status: Status,
    pub last_success: Option<Timestamp>,
    pub resources: Option<usize>,
    #[serde(default)]
    pub count_mismatch: bool,
}

/// A resource, and the target that it belongs to.
#[derive(Debug)]
pub struct SavedResource {
    pub target: Target,
    pub resource_type: String,
    pub resource: Resource,
}

impl<'de> Deserialize<'de> for SavedResource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Row {
            account: Arc<str>,
            region_id: Arc<str>,
            product: Arc<str>,
            resource_type: String,
            resource_id: Arc<str>,
            resource_name: Arc<str>,
            resource_group_id: Arc<str>,
            status: Arc<str>,
            created_at: Option<Timestamp>,
            #[serde(deserialize_with = "Option::deserialize")]
            tags: Option<Tags>,
            #[serde(default)]
            system_tags: Tags,
            tags_unknown_since: Option<Timestamp>,
        }
        let row = Row::deserialize(deserializer)?;
        let never_read = row.tags.is_none();
        let resource = Resource {
            unread: row.tags_unknown_since.map(|since| Unread { since, never_read }),
            id: row.resource_id,
            name: row.resource_name,
            resource_group_id: row.resource_group_id,
            status: row.status,
            created_at: row.created_at,
            tags: row.tags.unwrap_or_default(),
            system_tags: row.system_tags,
        };
        let target = Target { account: row.account, region_id: row.region_id, product: row.product };
        Ok(Self { target, resource_type: row.resource_type, resource })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::tags_of;
    use crate::policy::{Rules, judge};

    #[test]
    fn what_was_written_is_read_again() {
        let target = Target::new("prod", "cn-hangzhou", "hbase");
        let resource = Resource {
            id: "hb-1".into(),
            name: "\u{1b}[31m\0".into(),
            resource_group_id: "rg-1".into(),
            status: "ACTIVATION".into(),
            created_at: Some("2026-11-24T03:00:00Z".parse().unwrap()),
            tags: tags_of([("负责人", "\"</script>"), ("empty", "")]),
            system_tags: tags_of([("acs:x", "y")]),
            unread: Some(Unread { since: Timestamp::UNIX_EPOCH, never_read: false }),
        };
        let judgement =
            judge(&target, std::slice::from_ref(&resource), &Rules::default(), Timestamp::UNIX_EPOCH);
        let inventory = Inventory::default();
        let row = TargetRow::of(&target, Status::Pending, &inventory, None);
        let written = Snapshot {
            version: 1,
            generated_at: Timestamp::UNIX_EPOCH,
            targets: vec![row],
            resources: vec![ResourceRow::of(&target, "a type", &resource, &judgement.verdicts[0])],
            next_cursor: None,
        };
        let read: Saved = serde_json::from_str(&serde_json::to_string(&written).unwrap()).unwrap();
        assert_eq!((&read.targets[0].target, read.targets[0].status), (&target, Status::Pending));
        assert_eq!((&read.resources[0].target, &read.resources[0].resource), (&target, &resource));
        assert_eq!(read.resources[0].resource_type, "a type");
    }

    #[test]
    fn a_document_that_does_not_say_whether_more_comes_is_refused() {
        let read = |text| serde_json::from_str::<Saved>(text);
        assert!(read(r#"{"targets": [], "resources": []}"#).is_err());
        assert!(read(r#"{"targets": [], "resources": [], "next_cursor": null}"#).is_ok());
    }
}
