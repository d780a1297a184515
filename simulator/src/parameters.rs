//! The parameters of an operation, read strictly: what is not read is refused.

use std::collections::{BTreeMap, HashSet};
use std::sync::LazyLock;

use super::error::CloudError;
use super::product::{FilterList, Form, Meaning, Parameter, Refusals};
use super::request::Request;
use super::state::{Limits, Region, State};

/// `Tag.N` in one request. HBase documents no limit; 20 is that of NAS and KMS.
const MAX_TAGS: usize = 20;

/// What has not been read yet, and the codes to refuse it with.
pub(super) struct Parameters<'a> {
    left: BTreeMap<&'a str, &'a str>,
    refusals: &'a Refusals,
}

/// `Tag.N.Key` with or without `Tag.N.Value`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct TagFilter<'a> {
    pub key: &'a str,
    pub value: Option<&'a str>,
}

impl<'a> Parameters<'a> {
    /// Of an operation that refuses with the gateway's own codes.
    pub fn of(request: &'a Request) -> Self {
        static GATEWAY: LazyLock<Refusals> = LazyLock::new(Refusals::default);
        Self::with_refusals(request, &GATEWAY)
    }

    pub fn with_refusals(request: &'a Request, refusals: &'a Refusals) -> Self {
        Self { left: request.business().collect(), refusals }
    }

    pub fn refusals(&self) -> &'a Refusals {
        self.refusals
    }

    pub fn take(&mut self, name: &str) -> Option<&'a str> {
        self.left.remove(name)
    }

    /// A parameter that must be present and not empty.
    pub fn take_required(&mut self, name: &str) -> Result<&'a str, CloudError> {
        self.take(name).filter(|value| !value.is_empty()).ok_or_else(|| self.refusals.missing(name))
    }

    /// The region in `RegionId`, with its id.
    pub fn take_region<'s>(&mut self, state: &'s State) -> Result<(&'s str, &'s Region), CloudError> {
        let id = self.take_required("RegionId")?;
        let region = state.regions.get_key_value(id);
        let unknown = || self.refusals.unknown_region.error("The specified region does not exist.");
        region.map(|(id, region)| (id.as_str(), region)).ok_or_else(unknown)
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
            self.refusals.invalid(name, &format!("it is a number from {} to {}", range.start(), range.end()))
        })
    }

    /// The values of a described parameter, each once; none when it is absent and has no default.
    pub fn take_values(
        &mut self,
        name: &str,
        described: &Parameter,
        limits: &Limits,
    ) -> Result<Option<Vec<String>>, CloudError> {
        let values = match described.form {
            Form::Plain => self.take(name).map(|value| vec![value.to_owned()]),
            Form::Comma => self.take(name).map(|value| value.split(',').map(str::to_owned).collect()),
            Form::JsonArray => self.take_json(name)?,
            Form::Numbered => self.take_numbered(name),
        };
        self.check_values(name, described, values, limits)
    }

    fn check_values(
        &self,
        name: &str,
        described: &Parameter,
        values: Option<Vec<String>>,
        limits: &Limits,
    ) -> Result<Option<Vec<String>>, CloudError> {
        if described.required && values.iter().flatten().all(String::is_empty) {
            return Err(self.refusals.missing(name));
        }
        let Some(values) = values else { return Ok(described.default.clone().map(|value| vec![value])) };
        self.check_count(name, described, values.len(), limits)?;
        if has_duplicate(values.iter().map(String::as_str)) {
            return Err(self.refusals.duplicate_id.error(format!("A value of {name} occurs twice.")));
        }
        if let Some(value) = values.iter().find(|value| !described.allows(value)) {
            let invalid = described.invalid.as_ref().unwrap_or(&self.refusals.invalid);
            return Err(invalid.about(name, format!("The parameter {name} cannot be {value:?}.")));
        }
        Ok(Some(values))
    }

    fn check_count(
        &self,
        name: &str,
        described: &Parameter,
        count: usize,
        limits: &Limits,
    ) -> Result<(), CloudError> {
        let set = (described.is == Meaning::Id).then_some(limits.max_resource_ids).flatten();
        let max = set.or(described.max).unwrap_or(usize::MAX);
        let too_many = described.too_many.as_ref().unwrap_or(&self.refusals.too_many_ids);
        match count > max {
            true => Err(too_many.error(format!("There are more than {max} values of {name}."))),
            false => Ok(()),
        }
    }

    fn take_json(&mut self, name: &str) -> Result<Option<Vec<String>>, CloudError> {
        let parse = |text| {
            serde_json::from_str(text).map_err(|_| self.refusals.invalid(name, "it is a JSON array of texts"))
        };
        self.left.remove(name).map(parse).transpose()
    }

    /// `ResourceId.1`, `ResourceId.2` and so on.
    fn take_numbered(&mut self, name: &str) -> Option<Vec<String>> {
        let values: Vec<_> =
            (1..).map_while(|n| self.take(&format!("{name}.{n}"))).map(str::to_owned).collect();
        Some(values).filter(|values| !values.is_empty())
    }

    /// `Filter.1.Key`, `Filter.1.Value.1` and so on: the values by key.
    pub fn take_filter(
        &mut self,
        described: &FilterList,
        limits: &Limits,
    ) -> Result<BTreeMap<String, Vec<String>>, CloudError> {
        let mut given = BTreeMap::new();
        for n in 1.. {
            let name = format!("Filter.{n}");
            let Some(key) = self.take(&format!("{name}.Key")) else { break };
            self.check_filter(&name, key, described)?;
            if given.insert(key, self.take_numbered(&format!("{name}.Value"))).is_some() {
                return Err(self.refusals.invalid(&format!("{name}.Key"), "it occurs twice"));
            }
        }
        let mut checked = BTreeMap::new();
        for (key, parameter) in &described.keys {
            let values = given.remove(key.as_str()).flatten();
            let values = self.check_values(key, parameter, values, limits)?;
            checked.extend(values.map(|values| (key.clone(), values)));
        }
        Ok(checked)
    }

    fn check_filter(&mut self, name: &str, key: &str, described: &FilterList) -> Result<(), CloudError> {
        if !described.keys.contains_key(key) {
            return Err(self.refusals.invalid(&format!("{name}.Key"), "there is no such filter"));
        }
        match self.take(&format!("{name}.MatchType")) == described.match_type.as_deref() {
            true => Ok(()),
            false => Err(self.refusals.invalid(&format!("{name}.MatchType"), "the filter does not have it")),
        }
    }

    /// `Tag.1.Key`, `Tag.1.Value` and so on, each key once.
    pub fn take_tag_filters(
        &mut self,
        word: &str,
        limits: &Limits,
    ) -> Result<Vec<TagFilter<'a>>, CloudError> {
        let filters: Vec<_> = (1..).map_while(|n| self.take_tag_filter(&format!("{word}.{n}"))).collect();
        let max = limits.max_tags.unwrap_or(MAX_TAGS);
        if filters.len() > max {
            return Err(self.refusals.too_many_tags.error(format!("There are more than {max} tags.")));
        }
        if filters.iter().any(|filter| filter.key.is_empty()) {
            return Err(self.refusals.empty_tag_key.error("A tag key is empty."));
        }
        if has_duplicate(filters.iter().map(|filter| filter.key)) {
            return Err(self.refusals.duplicate_tag_key.error("A tag key occurs twice."));
        }
        Ok(filters)
    }

    fn take_tag_filter(&mut self, name: &str) -> Option<TagFilter<'a>> {
        let key = self.take(&format!("{name}.Key"))?;
        Some(TagFilter { key, value: self.take(&format!("{name}.Value")) })
    }

    /// Refuses what the operation does not know. The cloud may ignore it; then a misspelled filter lists everything.
    pub fn finish(self) -> Result<(), CloudError> {
        let Some(name) = self.left.keys().next() else { return Ok(()) };
        let message = format!(
            "The operation has no parameter {name}, or the one with the number before it is missing."
        );
        Err(self.refusals.unknown_parameter.about(name, message))
    }
}

impl Parameter {
    fn allows(&self, value: &str) -> bool {
        let listed = self.lists.is_empty() || self.lists.contains_key(value);
        listed && (self.values.is_empty() || self.values.iter().any(|known| known == value))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn resource_id() -> Parameter {
        Parameter { is: Meaning::Id, form: Form::Numbered, max: Some(50), ..Parameter::default() }
    }

    fn ids(parameters: &[(&str, &str)], max_resource_ids: usize) -> String {
        let limits = Limits { max_resource_ids: Some(max_resource_ids), ..Limits::default() };
        let request = Request::from_parameters("GET", parameters);
        match Parameters::of(&request).take_values("ResourceId", &resource_id(), &limits) {
            Ok(ids) => ids.unwrap_or_default().join(" "),
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
    fn values_are_read_as_they_are_written() {
        let read = |form, parameters: &[(&str, &str)]| {
            let request = Request::from_parameters("GET", parameters);
            let described = Parameter { form, ..Parameter::default() };
            Parameters::of(&request)
                .take_values("Ids", &described, &Limits::default())
                .map_err(|error| error.code)
        };
        let both = Ok(Some(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(read(Form::JsonArray, &[("Ids", r#"["a","b"]"#)]), both);
        assert_eq!(read(Form::Comma, &[("Ids", "a,b")]), both);
        assert_eq!(read(Form::Numbered, &[("Ids.1", "a"), ("Ids.2", "b")]), both);
        assert_eq!(read(Form::Plain, &[("Ids", "a,b")]), Ok(Some(vec!["a,b".to_owned()])));
        assert_eq!(read(Form::JsonArray, &[("Ids", "[]")]), Ok(Some(Vec::new())));
        assert_eq!(read(Form::JsonArray, &[("Ids", "a")]), Err("InvalidParameter.Ids".to_owned()));
        assert_eq!(read(Form::Plain, &[]), Ok(None));
    }

    #[test]
    fn tag_filters_keep_an_empty_value_apart_from_none() {
        let filters = [("Tag.1.Key", "env"), ("Tag.1.Value", ""), ("Tag.2.Key", "team")];
        let request = Request::from_parameters("GET", &filters);
        let read = Parameters::of(&request).take_tag_filters("Tag", &Limits::default()).unwrap();
        assert_eq!(read, [TagFilter { key: "env", value: Some("") }, TagFilter { key: "team", value: None }]);
    }

    #[test]
    fn tag_filters_that_cannot_be_meant_are_refused() {
        let code = |parameters: &[(&str, &str)]| {
            let request = Request::from_parameters("GET", parameters);
            Parameters::of(&request).take_tag_filters("Tag", &Limits::default()).unwrap_err().code
        };
        assert_eq!(code(&[("Tag.1.Key", "")]), "InvalidParameter.TagKey");
        assert_eq!(code(&[("Tag.1.Key", "a"), ("Tag.2.Key", "a")]), "Duplicate.TagKey");
    }

    #[test]
    fn what_is_left_is_refused() {
        for left in ["ResourceType", "ResourceId.2", "Tag.1.Value", "regionId"] {
            let request = Request::from_parameters("GET", &[(left, "x")]);
            let mut parameters = Parameters::of(&request);
            parameters.take_values("ResourceId", &resource_id(), &Limits::default()).unwrap();
            parameters.take_tag_filters("Tag", &Limits::default()).unwrap();
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
