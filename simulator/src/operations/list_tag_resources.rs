//! The tag listing of any product, ListTagResources nearly everywhere: the tags of the named resources, or of those
//! that have the named tags.

use crate::error::CloudError;
use crate::product::{Facts, SizeLimits};

use super::call::Call;
use super::wanted::{Located, Wanted};

/// Resources without tags are not in the answer, nor are ids that nobody has, unless the product fails for them.
pub fn answer(call: &Call<'_>) -> Result<String, CloudError> {
    let rows = call.state.limits.tag_rows;
    let mut parameters = call.parameters();
    let regions = call.take_regions(&mut parameters)?;
    let wanted = Wanted::take(&mut parameters, call)?;
    let page = call.take_page(&mut parameters, SizeLimits { default: rows, max: None })?;
    parameters.finish()?;
    if call.listing.described.needs_ids_or_tags && !wanted.names_ids_or_tags() {
        let message = "Either ResourceId or Tag must be specified.";
        return Err(call.product.refusals.no_ids_or_tags.error(message));
    }
    call.check_right()?;
    let found = match call.is_denied() {
        true => Vec::new(),
        false => wanted.select(&regions, |resource| &resource.tags),
    };
    wanted.check_known(&found)?;
    let rows: Vec<_> = found.iter().flat_map(|found| rows_of(call, found)).collect();
    call.answer(page, rows.into_iter())
}

/// One row for each tag; or one for all of them, with the tags inside.
fn rows_of<'a>(call: &Call<'a>, &(region, resource): &Located<'a>) -> Vec<Facts<'a>> {
    let facts = Facts { region, resource: Some(resource), ..Facts::default() };
    if call.listing.described.tags.is_some() {
        let is_tagged = !resource.tags.is_empty();
        return is_tagged.then_some(Facts { tags: Some(&resource.tags), ..facts }).into_iter().collect();
    }
    resource.tags.iter().map(|(key, value)| Facts { key, value, ..facts }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::operations::ask;
    use crate::{Region, Resource, State};

    /// hb-1 has 25 tags, hb-2 has two, hb-3 none.
    fn state() -> State {
        let many = (0..25).map(|n| (format!("key-{n:02}"), "v"));
        let clusters = [
            Resource::new("hb-1").with_tags(many),
            Resource::new("hb-2").with_tags([("key-00", ""), ("负责人", "张 三")]),
            Resource::new("hb-3"),
        ];
        State::new([("cn-hangzhou", Region::new("Hangzhou", clusters))])
    }

    fn list(parameters: &[(&str, &str)]) -> Result<Value, String> {
        let all: Vec<_> =
            [("RegionId", "cn-hangzhou")].into_iter().chain(parameters.iter().copied()).collect();
        ask(&state(), "ListTagResources", &all)
    }

    fn rows(answer: &Value) -> Vec<String> {
        let rows = answer["TagResources"]["TagResource"].as_array().unwrap().iter();
        rows.map(|row| format!("{} {}", row["ResourceId"], row["TagKey"]).replace('"', "")).collect()
    }

    #[test]
    fn pages_join_to_all_tags_of_the_named_clusters() {
        let ids = [
            ("ResourceId.1", "hb-1"),
            ("ResourceId.2", "hb-2"),
            ("ResourceId.3", "hb-3"),
            ("ResourceId.4", "gone"),
        ];
        let first = list(&ids).unwrap();
        let token = first["NextToken"].as_str().unwrap();
        assert!(token.ends_with('\n'));
        let second = list(&[&ids[..], &[("NextToken", token)]].concat()).unwrap();
        assert_eq!(second["NextToken"], "");
        assert_eq!((rows(&first).len(), rows(&second).len()), (20, 7));
        assert_eq!(rows(&second)[5..], ["hb-2 key-00", "hb-2 负责人"]);
    }

    #[test]
    fn filters_narrow_the_clusters_and_not_their_tags() {
        let empty = [("Tag.1.Key", "key-00"), ("Tag.1.Value", "")];
        assert_eq!(rows(&list(&empty).unwrap()), ["hb-2 key-00", "hb-2 负责人"]);
        let both = [&empty[..], &[("ResourceId.1", "hb-1")]].concat();
        assert!(rows(&list(&both).unwrap()).is_empty());
    }

    #[test]
    fn a_token_is_good_for_the_same_request_only() {
        let first = list(&[("ResourceId.1", "hb-1")]).unwrap();
        let token = first["NextToken"].as_str().unwrap();
        for (id, token) in [("hb-2", token), ("hb-1", token.trim()), ("hb-1", "made up"), ("hb-1", "5\n")] {
            let code = list(&[("ResourceId.1", id), ("NextToken", token)]).unwrap_err();
            assert_eq!(code, "InvalidNextToken", "{id} {token:?}");
        }
        assert!(list(&[("ResourceId.1", "hb-1"), ("NextToken", "")]).is_ok());
    }

    #[test]
    fn a_request_for_everything_is_refused() {
        assert_eq!(list(&[]).unwrap_err(), "MissingParameter.ResourceIdOrTag");
        assert_eq!(list(&[("ResourceType", "INSTANCE")]).unwrap_err(), "InvalidParameter.Unknown");
        let many: Vec<_> = (1..=51).map(|n| (format!("ResourceId.{n}"), format!("hb-{n}"))).collect();
        let many: Vec<_> = many.iter().map(|(name, id)| (name.as_str(), id.as_str())).collect();
        assert_eq!(list(&many).unwrap_err(), "NumberExceed.ResourceIds");
        assert!(list(&many[..50]).is_ok());
    }
}
