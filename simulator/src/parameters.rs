//! The parameters of an operation, read strictly: what is not read is refused.

use std::collections::{BTreeMap, HashSet};

use super::error::CloudError;
use super::request::Request;
use super::state::{Limits, Region, State};

/// What has not been read yet.
pub(super) struct Parameters<'a> {
    left: BTreeMap<&'a str, &'a str>,
}

/// `Tag.N.Key` with or without `Tag.N.Value`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct TagFilter<'a> {
    pub key: &'a str,
    pub value: Option<&'a str>,
}

impl<'a> Parameters<'a> {
    pub fn of(request: &'a Request) -> Self {
        Self { left: request.business().collect() }
    }

    pub fn take(&mut self, name: &str) -> Option<&'a str> {
        self.left.remove(name)
    }

    /// The region in `RegionId`, with its id.
    pub fn take_region<'s>(&mut self, state: &'s State) -> Result<(&'a str, &'s Region), CloudError> {
        let id = self
            .take("RegionId")
            .filter(|id| !id.is_empty())
            .ok_or_else(|| CloudError::missing("RegionId"))?;
        let region = state.regions.get(id).ok_or_else(unknown_region)?;
        Ok((id, region))
    }

    /// A whole number within a range, or the default when it is absent.
    pub fn take_number(
        &mut self,
        name: &str,
        range: std::ops::RangeInclusive<usize>,
        default: usize,
    ) -> Result<usize, CloudError> {
        let Some(text) = self.take(name) else { return Ok(default) };
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| {
            CloudError::invalid(name, &format!("it is a number from {} to {}", range.start(), range.end()))
        })
    }

    /// `ResourceId.1`, `ResourceId.2` and so on, each id once.
    pub fn take_resource_ids(&mut self, limits: &Limits) -> Result<Vec<&'a str>, CloudError> {
        let ids: Vec<_> = (1..).map_while(|n| self.take(&format!("ResourceId.{n}"))).collect();
        if ids.len() > limits.max_resource_ids {
            let message = format!("There are more than {} values of ResourceId.", limits.max_resource_ids);
            return Err(CloudError::bad("NumberExceed.ResourceIds", message));
        }
        if has_duplicate(ids.iter().copied()) {
            return Err(CloudError::bad("Duplicate.ResourceId", "A ResourceId occurs twice."));
        }
        Ok(ids)
    }

    /// `Tag.1.Key`, `Tag.1.Value` and so on, each key once.
    pub fn take_tag_filters(&mut self, limits: &Limits) -> Result<Vec<TagFilter<'a>>, CloudError> {
        let filters: Vec<_> = (1..).map_while(|n| self.take_tag_filter(n)).collect();
        if filters.len() > limits.max_tags {
            return Err(CloudError::bad(
                "NumberExceed.Tags",
                format!("There are more than {} tags.", limits.max_tags),
            ));
        }
        if filters.iter().any(|filter| filter.key.is_empty()) {
            return Err(CloudError::bad("InvalidParameter.TagKey", "A tag key is empty."));
        }
        if has_duplicate(filters.iter().map(|filter| filter.key)) {
            return Err(CloudError::bad("Duplicate.TagKey", "A tag key occurs twice."));
        }
        Ok(filters)
    }

    fn take_tag_filter(&mut self, n: usize) -> Option<TagFilter<'a>> {
        let key = self.take(&format!("Tag.{n}.Key"))?;
        Some(TagFilter { key, value: self.take(&format!("Tag.{n}.Value")) })
    }

    /// Refuses what the operation does not know. The cloud may ignore it; then a misspelled filter lists everything.
    pub fn finish(self) -> Result<(), CloudError> {
        match self.left.keys().next() {
            None => Ok(()),
            Some(name) => Err(CloudError::bad(
                "InvalidParameter.Unknown",
                format!(
                    "The operation has no parameter {name}, or the one with the number before it is missing."
                ),
            )),
        }
    }
}

impl TagFilter<'_> {
    fn fits(&self, tags: &BTreeMap<String, String>) -> bool {
        tags.get(self.key).is_some_and(|value| self.value.is_none_or(|wanted| wanted == value))
    }

    pub fn all_fit(filters: &[Self], tags: &BTreeMap<String, String>) -> bool {
        filters.iter().all(|filter| filter.fits(tags))
    }
}

fn has_duplicate<'a>(mut values: impl Iterator<Item = &'a str>) -> bool {
    let mut seen = HashSet::new();
    !values.all(|value| seen.insert(value))
}

fn unknown_region() -> CloudError {
    CloudError::new(404, "InvalidRegionId.NotFound", "The specified region does not exist.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(parameters: &[(&str, &str)], max_resource_ids: usize) -> String {
        let limits = Limits { max_resource_ids, ..Limits::default() };
        let request = Request::from_parameters("GET", parameters);
        match Parameters::of(&request).take_resource_ids(&limits) {
            Ok(ids) => ids.join(" "),
            Err(error) => error.code,
        }
    }

    #[test]
    fn numbered_ids_are_read_in_their_order_and_counted() {
        let three = [("ResourceId.2", "b"), ("ResourceId.1", "c"), ("ResourceId.3", "a")];
        assert_eq!(ids(&three, 3), "c b a");
        assert_eq!(ids(&three, 2), "NumberExceed.ResourceIds");
        assert_eq!(ids(&[("ResourceId.1", "a"), ("ResourceId.2", "a")], 3), "Duplicate.ResourceId");
    }

    #[test]
    fn tag_filters_keep_an_empty_value_apart_from_none() {
        let filters = [("Tag.1.Key", "env"), ("Tag.1.Value", ""), ("Tag.2.Key", "team")];
        let request = Request::from_parameters("GET", &filters);
        let read = Parameters::of(&request).take_tag_filters(&Limits::default()).unwrap();
        assert_eq!(read, [TagFilter { key: "env", value: Some("") }, TagFilter { key: "team", value: None }]);
    }

    #[test]
    fn tag_filters_that_cannot_be_meant_are_refused() {
        let code = |parameters: &[(&str, &str)]| {
            let request = Request::from_parameters("GET", parameters);
            Parameters::of(&request).take_tag_filters(&Limits::default()).unwrap_err().code
        };
        assert_eq!(code(&[("Tag.1.Key", "")]), "InvalidParameter.TagKey");
        assert_eq!(code(&[("Tag.1.Key", "a"), ("Tag.2.Key", "a")]), "Duplicate.TagKey");
    }

    #[test]
    fn what_is_left_is_refused() {
        for left in ["ResourceType", "ResourceId.2", "Tag.1.Value", "regionId"] {
            let request = Request::from_parameters("GET", &[(left, "x")]);
            let mut parameters = Parameters::of(&request);
            parameters.take_resource_ids(&Limits::default()).unwrap();
            parameters.take_tag_filters(&Limits::default()).unwrap();
            assert_eq!(parameters.finish().unwrap_err().code, "InvalidParameter.Unknown", "{left}");
        }
    }

    #[test]
    fn a_number_outside_its_range_is_refused() {
        let page_size = |text| {
            let request = Request::from_parameters("GET", &[("PageSize", text)]);
            Parameters::of(&request).take_number("PageSize", 1..=100, 10)
        };
        assert_eq!(page_size("100").unwrap(), 100);
        for text in ["0", "101", "-1", "ten", ""] {
            assert_eq!(page_size(text).unwrap_err().code, "InvalidParameter.PageSize", "{text}");
        }
        let request = Request::from_parameters("GET", &[]);
        assert_eq!(Parameters::of(&request).take_number("PageSize", 1..=100, 10).unwrap(), 10);
    }
}
