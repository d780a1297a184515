//! The regions in which a product is offered.

use std::sync::Arc;

use serde_json_borrow::Value;

use super::decode::{items, text_at};
use crate::cloud::api::ApiError;
use crate::cloud::catalog::RegionListing;
use crate::cloud::client::Client;

/// A region as the cloud's list tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundRegion {
    pub id: String,
    /// The host that is named for it, not judged yet.
    pub told_host: Option<String>,
}

impl FoundRegion {
    /// The id, and the host.
    pub fn listed(&self) -> (Arc<str>, Option<String>) {
        (self.id.as_str().into(), self.told_host.clone())
    }
}

/// Every region, sorted by id. A list that names none is an error: nothing would be left to list.
pub async fn regions(client: &Client, listing: &RegionListing) -> Result<Vec<FoundRegion>, ApiError> {
    client.call(&listing.action, listing.parameters.clone(), |answer| read(listing, answer)).await
}

fn read(listing: &RegionListing, answer: &Value<'_>) -> Result<Vec<FoundRegion>, String> {
    let mut found = Vec::new();
    for row in items(answer, &listing.items)? {
        let id = text_at(row, &listing.id).filter(|id| is_region(id));
        let id = id.ok_or_else(|| format!("a row of {} without a region id", listing.items))?.to_owned();
        let told_host = listing.endpoint.as_ref().and_then(|path| text_at(row, path)).map(str::to_owned);
        found.push(FoundRegion { id, told_host });
    }
    found.sort_by(|one, other| one.id.cmp(&other.id));
    found.dedup_by(|one, other| one.id == other.id);
    match found.is_empty() {
        true => Err("it names no region".to_owned()),
        false => Ok(found),
    }
}

fn is_region(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cloud::catalog::Catalog;

    fn found(rows: serde_json::Value) -> Result<Vec<String>, String> {
        let catalog = Catalog::builtin();
        let listing = catalog.product("hbase").unwrap().api.regions.as_ref().unwrap();
        let text = json!({ "Regions": { "Region": rows } }).to_string();
        let found = read(listing, &serde_json::from_str(&text).unwrap())?;
        Ok(found.into_iter().map(|region| format!("{} {:?}", region.id, region.told_host)).collect())
    }

    #[test]
    fn regions_are_read_with_their_hosts_each_once() {
        let rows = json!([
            {"RegionId": "cn-shanghai", "RegionEndpoint": "hbase.aliyuncs.com"},
            {"RegionId": "cn-beijing"},
            {"RegionId": "cn-shanghai"},
        ]);
        let expected = ["cn-beijing None", "cn-shanghai Some(\"hbase.aliyuncs.com\")"];
        assert_eq!(found(rows).unwrap(), expected);
    }

    #[test]
    fn a_list_that_names_no_region_or_something_else_is_an_error() {
        assert!(found(json!([])).is_err());
        assert!(found(json!([{"RegionId": "cn hangzhou"}])).is_err());
        assert!(found(json!([{"LocalName": "x"}])).is_err());
        assert!(found(json!(null)).is_err());
    }
}
