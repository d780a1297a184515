//! How products differ, each difference shown by a small product that is made up for it.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Operation, ask_version, list};
use crate::request::Request;
use crate::{Product, Region, Resource, State, add_synthetic};

/// The parts of a description that most tests leave as they are.
struct Sketch {
    name: &'static str,
    rows: &'static str,
    top: &'static str,
    resources: &'static str,
    row: &'static str,
    tags: &'static str,
    example: Value,
}

impl Default for Sketch {
    fn default() -> Self {
        Self {
            name: "box",
            rows: "Boxes.Box",
            top: "",
            resources: "",
            row: r#"BoxId = "{id}""#,
            tags: r#"
                action = "ListTagResources"
                rows = "TagResources"
                row = { ResourceId = "{id}", TagKey = "{key}", TagValue = "{value}" }"#,
            example: json!({
                "RequestId": "1", "TotalCount": 1, "PageSize": 10, "NextToken": "x",
                "Boxes": { "Box": [{
                    "BoxId": "b-1", "Status": "Running", "Number": 5, "Made": 1_592_837_465_784_u64,
                    "Digits": "1592837465784", "Kind": "small", "Where": "cn-beijing",
                    "Tags": { "Tag": [{ "TagKey": "k", "TagValue": "v" }] }
                }] }
            }),
        }
    }
}

impl Sketch {
    fn product(&self) -> Result<Product, String> {
        let Self { name, rows, top, resources, row, tags, .. } = self;
        let tags = if tags.is_empty() { String::new() } else { format!("[tags]\n{tags}") };
        let description = format!(
            "sources = [\"https://example.com\"]\napi = \"box\"\nversion = \"2001-02-03\"\n{top}\n[resources]\n\
             action = \"ListBoxes\"\nrows = \"{rows}\"\n{resources}\n[resources.row]\n{row}\n{tags}"
        );
        let tags = json!({
            "RequestId": "1", "NextToken": "x",
            "TagResources": [{
                "ResourceId": "b-1", "TagKey": "k", "TagValue": "v", "Tag": [{ "Key": "k", "Value": "v" }]
            }]
        });
        let regions =
            json!({ "RequestId": "1", "PageNumber": 1, "TotalCount": 1, "Regions": [{ "Id": "moon" }] });
        let example = json!({ "resources": self.example, "tags": tags, "regions": regions });
        Product::parse(name, &description, &example.to_string())
    }

    /// A cloud with five boxes b-0 to b-4 in one of two regions, each with two tags.
    fn state(&self) -> State {
        let mut state = State::new(["cn-hangzhou", "cn-shanghai"].map(|id| (id, Region::new(id, []))));
        let product = self.product().unwrap();
        let boxes = (0..5).map(|n| Resource::new(&format!("b-{n}")).with_tags([("a", "1"), ("b", "2")]));
        let boxes = boxes.collect();
        let region = if product.global { &mut state.global } else { hangzhou(&mut state) };
        region.resources.insert(self.name.to_owned(), boxes);
        state.products.insert(self.name.to_owned(), Arc::new(product));
        state
    }
}

fn hangzhou(state: &mut State) -> &mut Region {
    state.regions.get_mut("cn-hangzhou").unwrap()
}

fn ask_box(state: &State, action: &str, parameters: &[(&str, &str)]) -> Result<Value, String> {
    ask_version(state, "2001-02-03", action, parameters)
}

/// The listing of Hangzhou.
fn boxes(state: &State, parameters: &[(&str, &str)]) -> Result<Value, String> {
    ask_box(state, "ListBoxes", &[&[("RegionId", "cn-hangzhou")], parameters].concat())
}

/// The tag listing of Hangzhou.
fn tags(state: &State, parameters: &[(&str, &str)]) -> Result<Value, String> {
    ask_box(state, "ListTagResources", &[&[("RegionId", "cn-hangzhou")], parameters].concat())
}

fn ids(answer: &Result<Value, String>) -> String {
    let rows = match answer {
        Ok(answer) => answer["Boxes"]["Box"].as_array().unwrap(),
        Err(code) => return code.clone(),
    };
    rows.iter().map(|row| row["BoxId"].as_str().unwrap()).collect::<Vec<_>>().join(" ")
}

fn first_row(state: &State) -> Value {
    boxes(state, &[]).unwrap()["Boxes"]["Box"][0].clone()
}

#[test]
fn a_listing_by_number_may_name_its_parameters_as_it_likes_and_allow_some_sizes_only() {
    let state = Sketch {
        resources: r#"paging = { by = "number", number = "PageNo", size = "Limit", default = 2, max = 4,
            sizes = [2, 4], total = "TotalCount" }"#,
        ..Sketch::default()
    }
    .state();
    assert_eq!(ids(&boxes(&state, &[("PageNo", "3")])), "b-4");
    assert_eq!(ids(&boxes(&state, &[("Limit", "4")])), "b-0 b-1 b-2 b-3");
    assert_eq!(boxes(&state, &[]).unwrap()["TotalCount"], 5);
    for (parameter, code) in [
        (("Limit", "3"), "InvalidParameter.Limit"),
        (("Limit", "5"), "InvalidParameter.Limit"),
        (("PageNumber", "1"), "InvalidParameter.Unknown"),
    ] {
        assert_eq!(boxes(&state, &[parameter]).unwrap_err(), code);
    }
}

#[test]
fn a_listing_by_token_has_a_total_of_all_or_of_the_page_or_one_that_means_nothing() {
    for (counts, total) in [("all", 5), ("page", 2), ("nothing", 0)] {
        let resources = format!(
            "paging = {{ by = \"token\", size = \"MaxResults\", default = 1, max = 2, total = \"TotalCount\",
            total_counts = \"{counts}\", omits_last_token = true }}"
        );
        let state = Sketch { resources: resources.leak(), ..Sketch::default() }.state();
        assert_eq!(ids(&boxes(&state, &[])), "b-0");
        let mut page = boxes(&state, &[("MaxResults", "2")]).unwrap();
        assert_eq!(page["TotalCount"], total);
        let mut seen = vec![ids(&Ok(page.clone()))];
        for _ in 0..2 {
            let token = page["NextToken"].as_str().unwrap().to_owned();
            page = boxes(&state, &[("MaxResults", "2"), ("NextToken", &token)]).unwrap();
            seen.push(ids(&Ok(page.clone())));
        }
        assert_eq!(seen, ["b-0 b-1", "b-2 b-3", "b-4"]);
        assert!(page.get("NextToken").is_none());
        assert_eq!(boxes(&state, &[("MaxResults", "3")]).unwrap_err(), "InvalidParameter.MaxResults");
        assert_eq!(boxes(&state, &[("NextToken", "x")]).unwrap_err(), "InvalidNextToken");
    }
}

#[test]
fn rows_and_counts_stand_where_they_stand_in_the_example() {
    let example = json!({
        "RequestId": "1",
        "Data": { "TotalCount": "1", "PageNumber": 1, "PageSize": 30, "Shown": 1, "Boxes": [{ "BoxId": "b-1" }] }
    });
    let resources = r#"paging = { by = "number", size = "PageSize", default = 2, max = 9, total = "Data.TotalCount",
        count = "Data.Shown" }"#;
    let sketch = Sketch { resources, rows: "Data.Boxes", example, ..Sketch::default() };
    let answer = boxes(&sketch.state(), &[("PageNumber", "3")]).unwrap();
    let data = json!({
        "TotalCount": "5", "PageNumber": 3, "PageSize": 2, "Shown": 1, "Boxes": [{ "BoxId": "b-4" }]
    });
    assert_eq!(answer, json!({ "RequestId": "id", "Data": data }));
}

#[test]
fn a_listing_without_pages_shows_everything_and_knows_no_page() {
    let state = Sketch::default().state();
    assert_eq!(ids(&boxes(&state, &[])), "b-0 b-1 b-2 b-3 b-4");
    assert_eq!(boxes(&state, &[("PageSize", "2")]).unwrap_err(), "InvalidParameter.Unknown");
}

#[test]
fn a_value_has_the_type_that_it_has_in_the_example() {
    let row = r#"
        BoxId = "{id}"
        Status = "{status}"
        Number = "{status}"
        Made = "{created:%s}000"
        Digits = "{created:%s}000""#;
    let mut state = Sketch { row, ..Sketch::default() }.state();
    let first = hangzhou(&mut state).of_mut("box").get_mut("b-0").unwrap();
    first.status = "7".to_owned();
    first.extra.insert("Net.Address".to_owned(), json!("10.0.0.1"));
    let row = first_row(&state);
    assert_eq!((&row["Status"], &row["Number"]), (&json!("7"), &json!(7)));
    assert_eq!((&row["Made"], &row["Digits"]), (&json!(1_704_164_645_000_u64), &json!("1704164645000")));
    assert_eq!(row["Net"]["Address"], "10.0.0.1");
}

#[test]
fn inline_tags_stand_in_a_list_or_a_map_or_only_when_asked_for_or_nowhere() {
    let with = |resources| Sketch { resources, ..Sketch::default() }.state();
    let list = r#"tags = { at = "Tags.Tag", key = "TagKey", value = "TagValue" }"#;
    let expected = json!([{ "TagKey": "a", "TagValue": "1" }, { "TagKey": "b", "TagValue": "2" }]);
    assert_eq!(first_row(&with(list))["Tags"]["Tag"], expected);
    let map = with(r#"tags = { at = "Tags" }"#);
    assert_eq!(first_row(&map)["Tags"], json!({ "a": "1", "b": "2" }));
    let asked = with(
        r#"tags = { at = "Tags.Tag", key = "TagKey", value = "TagValue" }
        parameters = { FetchTags = { is = "show-tags", values = ["true", "false"] } }"#,
    );
    assert_eq!(first_row(&asked)["Tags"]["Tag"], json!([]));
    let answer = boxes(&asked, &[("FetchTags", "true")]).unwrap();
    assert_eq!(answer["Boxes"]["Box"][0]["Tags"]["Tag"], expected);
}

#[test]
fn a_resource_is_looked_up_in_the_form_that_the_product_has() {
    for (form, lookup) in [
        ("plain", &[("Ids", "b-3")] as &[_]),
        ("json-array", &[("Ids", r#"["b-3"]"#)]),
        ("comma", &[("Ids", "b-3")]),
        ("numbered", &[("Ids.1", "b-3")]),
    ] {
        let resources = format!("parameters = {{ Ids = {{ is = \"id\", as = \"{form}\", max = 2 }} }}");
        let state = Sketch { resources: resources.leak(), ..Sketch::default() }.state();
        assert_eq!(ids(&boxes(&state, lookup)), "b-3", "{form}");
    }
    let array = r#"parameters = { Ids = { is = "id", as = "json-array", max = 2 } }"#;
    let state = Sketch { resources: array, ..Sketch::default() }.state();
    assert_eq!(ids(&boxes(&state, &[("Ids", "[]")])), "", "no id is none, not all");
    assert_eq!(ids(&boxes(&state, &[("Ids", r#"["gone"]"#)])), "");
    let many = boxes(&state, &[("Ids", r#"["a","b","c"]"#)]);
    assert_eq!(many.unwrap_err(), "NumberExceed.ResourceIds");
}

#[test]
fn a_filter_names_the_id_by_a_key_and_its_values() {
    let resources = r#"filter = { keys = { CenId = { is = "id" }, Name = { is = "name" } } }"#;
    let state = Sketch { resources, ..Sketch::default() }.state();
    let filter = |key, value| boxes(&state, &[("Filter.1.Key", key), ("Filter.1.Value.1", value)]);
    assert_eq!(ids(&filter("CenId", "b-2")), "b-2");
    assert_eq!(ids(&filter("Name", "b-4")), "b-4");
    assert_eq!(ids(&filter("Size", "1")), "InvalidParameter.Filter.1.Key");
}

#[test]
fn an_id_that_is_gone_is_an_error_where_the_product_says_so() {
    let resources = r#"parameters = { BoxId = { is = "id", unknown = "404 InvalidBoxId.NotFound" } }"#;
    let state = Sketch { resources, ..Sketch::default() }.state();
    assert_eq!(ids(&boxes(&state, &[("BoxId", "b-1")])), "b-1");
    assert_eq!(ids(&boxes(&state, &[("BoxId", "gone")])), "InvalidBoxId.NotFound");
}

#[test]
fn a_fuzzy_lookup_is_exact_only_when_asked_to_be() {
    let resources = r#"parameters = { KeyWord = { is = "id", exact_with = ["SearchMode", "EXACT"] },
        SearchMode = { values = ["LIKE", "EXACT"] } }"#;
    let mut state = Sketch { resources, ..Sketch::default() }.state();
    hangzhou(&mut state).of_mut("box").insert(Resource::new("b-10"));
    assert_eq!(ids(&boxes(&state, &[("KeyWord", "b-1")])), "b-1 b-10");
    assert_eq!(ids(&boxes(&state, &[("KeyWord", "b-1"), ("SearchMode", "EXACT")])), "b-1");
}

#[test]
fn a_parameter_can_be_required_with_one_value() {
    let resources = r#"parameters = { Owner = { required = true, values = ["self"] } }"#;
    let state = Sketch { resources, ..Sketch::default() }.state();
    assert_eq!(boxes(&state, &[]).unwrap_err(), "MissingOwner");
    assert_eq!(boxes(&state, &[("Owner", "all")]).unwrap_err(), "InvalidParameter.Owner");
    assert!(boxes(&state, &[("Owner", "self")]).is_ok());
}

#[test]
fn each_variant_is_a_listing_with_a_total_of_its_own() {
    let state = || {
        let mut state = Sketch {
            top: r#"variants = { otherwise = "replicate" }"#,
            resources: r#"paging = { by = "number", size = "PageSize", default = 30, max = 100, total = "TotalCount" }
                parameters = { Type = { is = "variant", default = "replicate", values = ["replicate", "sharding", "all"],
                    lists = { replicate = ["replicate"], sharding = ["sharding"], all = ["replicate", "sharding"] } },
                    BoxId = { is = "id" } }"#,
            row: "BoxId = \"{id}\"\nKind = \"{variant}\"",
            ..Sketch::default()
        }
        .state();
        let sharded = hangzhou(&mut state).of_mut("box").get_mut("b-1").unwrap();
        sharded.variant = Some("sharding".to_owned());
        state
    };
    for (kind, total) in [(&[] as &[_], 4), (&[("Type", "sharding")], 1), (&[("Type", "all")], 5)] {
        assert_eq!(boxes(&state(), kind).unwrap()["TotalCount"], total, "{kind:?}");
    }
    let sharded = boxes(&state(), &[("Type", "sharding"), ("BoxId", "b-1")]).unwrap();
    assert_eq!(sharded["Boxes"]["Box"][0]["Kind"], "sharding");
    assert_eq!(ids(&boxes(&state(), &[("BoxId", "b-1")])), "", "a lookup has the same default");
}

/// A tag listing with this beside what all have.
fn tag_listing(more: &str) -> &'static str {
    let all = "action = \"ListTagResources\"\nrows = \"TagResources\"";
    let row = "row = { ResourceId = \"{id}\", TagKey = \"{key}\", TagValue = \"{value}\" }";
    format!("{all}\n{row}\n{more}").leak()
}

#[test]
fn a_tag_listing_has_its_own_id_parameter_and_codes() {
    let tags_of = tag_listing(
        r#"parameters = { ResourceIds = { is = "id", as = "numbered", max = 2, required = true,
            unknown = "404 ResourceNotFound.Box", too_many = "400 SizeLimitExceeded.ResourceId" } }"#,
    );
    let state = Sketch { tags: tags_of, ..Sketch::default() }.state();
    let two = [("ResourceIds.1", "b-1"), ("ResourceIds.2", "b-4")];
    assert_eq!(tags(&state, &two).unwrap()["TagResources"].as_array().unwrap().len(), 4);
    let three = [&two[..], &[("ResourceIds.3", "b-0")]].concat();
    assert_eq!(tags(&state, &three).unwrap_err(), "SizeLimitExceeded.ResourceId");
    let gone = [("ResourceIds.1", "b-1"), ("ResourceIds.2", "gone")];
    assert_eq!(tags(&state, &gone).unwrap_err(), "ResourceNotFound.Box", "the whole batch fails");
    assert_eq!(tags(&state, &[("ResourceId.1", "b-1")]).unwrap_err(), "MissingResourceIds");
}

#[test]
fn a_tag_listing_has_pages_of_its_own_and_may_end_in_a_token_that_means_no_more() {
    let paging = r#"paging = { by = "token", size = "MaxResults", default = 4, max = 6, last_token = "-1" }"#;
    let mut state = Sketch { tags: tag_listing(paging), ..Sketch::default() }.state();
    let rows = |answer: &Value| answer["TagResources"].as_array().unwrap().len();
    assert_eq!(rows(&tags(&state, &[]).unwrap()), 4);
    let first = tags(&state, &[("MaxResults", "6")]).unwrap();
    let token = first["NextToken"].as_str().unwrap();
    let second = tags(&state, &[("MaxResults", "6"), ("NextToken", token)]).unwrap();
    assert_eq!((rows(&first), rows(&second), &second["NextToken"]), (6, 4, &json!("-1")));
    assert_eq!(tags(&state, &[("MaxResults", "7")]).unwrap_err(), "InvalidParameter.MaxResults");
    state.limits.tag_rows = Some(100);
    assert_eq!(rows(&tags(&state, &[]).unwrap()), 10);
}

#[test]
fn the_tags_of_a_resource_can_stand_inside_its_row() {
    let nested = r#"
        action = "DescribeTags"
        rows = "TagResources"
        row = { ResourceId = "{id}" }
        tags = { at = "Tag", key = "Key", value = "Value" }"#;
    let mut state = Sketch { tags: nested, ..Sketch::default() }.state();
    hangzhou(&mut state).of_mut("box").insert(Resource::new("untagged"));
    let answer = ask_box(&state, "DescribeTags", &[("RegionId", "cn-hangzhou")]).unwrap();
    assert_eq!(answer["TagResources"].as_array().unwrap().len(), 5);
    assert_eq!(answer["TagResources"][4]["ResourceId"], "b-4");
    assert_eq!(answer["TagResources"][4]["Tag"][1], json!({ "Key": "b", "Value": "2" }));
}

#[test]
fn what_a_product_cannot_list_is_no_operation() {
    let state = Sketch { tags: "", ..Sketch::default() }.state();
    for action in ["ListTagResources", "DescribeRegions", "ListTags"] {
        assert_eq!(ask_box(&state, action, &[]).unwrap_err(), "InvalidAction.NotFound");
    }
}

#[test]
fn a_region_listing_can_have_pages() {
    let top = r#"regions = { action = "DescribeRegions", rows = "Regions", row = { Id = "{region}" },
        paging = { by = "number", size = "PageSize", default = 1, max = 50, total = "TotalCount" } }"#;
    let state = Sketch { top, ..Sketch::default() }.state();
    let second = ask_box(&state, "DescribeRegions", &[("PageNumber", "2")]).unwrap();
    assert_eq!((&second["Regions"], &second["TotalCount"]), (&json!([{ "Id": "cn-shanghai" }]), &json!(2)));
}

#[test]
fn products_that_share_an_operation_are_told_apart_by_what_they_are_asked() {
    let of_type = |name: &'static str, kind: &str| Sketch {
        name,
        tags: tag_listing(&format!(
            "parameters = {{ ResourceType = {{ values = [\"{kind}\"], required = true, invalid = \"404 NoType\" }} }}"
        )),
        ..Sketch::default()
    };
    let mut state = of_type("box", "box").state();
    state.products.insert("lid".to_owned(), Arc::new(of_type("lid", "lid").product().unwrap()));
    hangzhou(&mut state).of_mut("lid").insert(Resource::new("l-1").with_tags([("c", "3")]));
    let of = |kind| tags(&state, &[("ResourceType", kind)]);
    assert_eq!(of("lid").unwrap()["TagResources"][0]["ResourceId"], "l-1");
    assert_eq!(of("box").unwrap()["TagResources"][0]["ResourceId"], "b-0");
    assert_eq!(of("jar").unwrap_err(), "NoType");
    assert_eq!(tags(&state, &[]).unwrap_err(), "MissingResourceType");
}

/// As in Resource Center: one operation for all types and all regions.
#[test]
fn one_search_lists_the_type_and_the_regions_that_its_filter_names() {
    let of_type = |name: &'static str, kind: &str| {
        Sketch {
        name,
        resources: format!(
            "region = \"filter\"\nfilter = {{ match_type = \"Equals\", keys = {{ RegionId = {{ is = \"region\" }}, \
             ResourceType = {{ values = [\"{kind}\"], required = true }} }} }}"
        )
        .leak(),
        row: "BoxId = \"{id}\"\nWhere = \"{region}\"",
        ..Sketch::default()
    }
    };
    let mut state = of_type("box", "ACS::Box").state();
    state.products.insert("lid".to_owned(), Arc::new(of_type("lid", "ACS::Lid").product().unwrap()));
    for (region, id) in [("cn-hangzhou", "l-1"), ("cn-shanghai", "l-2")] {
        state.regions.get_mut(region).unwrap().of_mut("lid").insert(Resource::new(id));
    }
    let lids = [
        ("Filter.1.Key", "ResourceType"),
        ("Filter.1.MatchType", "Equals"),
        ("Filter.1.Value.1", "ACS::Lid"),
    ];
    let in_shanghai =
        [("Filter.2.Key", "RegionId"), ("Filter.2.MatchType", "Equals"), ("Filter.2.Value.1", "cn-shanghai")];
    let search = |parameters: &[(&str, &str)]| ask_box(&state, "ListBoxes", parameters);
    assert_eq!(ids(&search(&lids)), "l-1 l-2");
    let answer = search(&[lids, in_shanghai].concat());
    assert_eq!(ids(&answer), "l-2");
    assert_eq!(answer.unwrap()["Boxes"]["Box"][0]["Where"], "cn-shanghai");
    assert_eq!(ids(&search(&[])), "MissingResourceType");
    assert_eq!(ids(&search(&[lids[0], lids[2]])), "InvalidParameter.Filter.1.MatchType");
}

#[test]
fn a_global_product_knows_no_region() {
    let state = Sketch { top: "global = true", ..Sketch::default() }.state();
    assert!(state.regions.values().all(|region| region.of("box").is_empty()));
    assert_eq!(ids(&ask_box(&state, "ListBoxes", &[])), "b-0 b-1 b-2 b-3 b-4");
    assert_eq!(ids(&boxes(&state, &[])), "InvalidParameter.Unknown");
    let tags = ask_box(&state, "ListTagResources", &[]).unwrap();
    assert_eq!(tags["TagResources"].as_array().unwrap().len(), 10);
}

#[test]
fn the_region_can_stand_in_the_name_of_the_host_only() {
    let sketch = Sketch { resources: "region = \"host\"", ..Sketch::default() };
    let mut state = sketch.state();
    let at = |state: &State, host: &str| {
        let common = [("Action", "ListBoxes"), ("Version", "2001-02-03")];
        let mut request = Request::from_parameters("POST", &common);
        request.host = host.to_owned();
        let Operation::List(product, kind) = Operation::of(state, &request).unwrap() else { panic!() };
        let answer = list(&product, kind, state, &request, "id");
        ids(&answer.map(|body| serde_json::from_str(&body).unwrap()).map_err(|error| error.code))
    };
    assert_eq!(at(&state, "box-vpc.cn-hangzhou.aliyuncs.com:80"), "b-0 b-1 b-2 b-3 b-4");
    assert_eq!(at(&state, "box.cn-shanghai.aliyuncs.com"), "");
    assert_eq!(at(&state, "127.0.0.1:8080"), "InvalidRegionId.NotFound");
    assert_eq!(ids(&boxes(&state, &[])), "b-0 b-1 b-2 b-3 b-4", "the classic SDK adds RegionId");
    state.regions.remove("cn-shanghai");
    assert_eq!(at(&state, "127.0.0.1:8080"), "b-0 b-1 b-2 b-3 b-4");
}

#[test]
fn a_missing_right_is_an_error_or_an_empty_list_that_a_dry_run_explains() {
    let mut refused = Sketch {
        top: "errors = { denied = \"400 NoPermission\" }",
        resources: "right = \"chest:ListBox\"",
        ..Sketch::default()
    }
    .state();
    refused.denied.insert("box:ListBoxes".to_owned());
    assert!(boxes(&refused, &[]).is_ok(), "the right has another name");
    refused.denied.extend(["chest:ListBox".to_owned(), "box:ListTagResources".to_owned()]);
    assert_eq!(boxes(&refused, &[]).unwrap_err(), "NoPermission");
    assert_eq!(tags(&refused, &[]).unwrap_err(), "NoPermission");

    let resources = r#"denied_is_empty = true
        parameters = { DryRun = { is = "dry-run" } }
        dry_run = { permitted = "400 DryRunOperation", denied = "403 Forbidden" }"#;
    let mut silent = Sketch { resources, ..Sketch::default() }.state();
    let dry_run = [("DryRun", "true")];
    assert_eq!(boxes(&silent, &dry_run).unwrap_err(), "DryRunOperation");
    silent.denied.insert("box:ListBoxes".to_owned());
    assert_eq!(ids(&boxes(&silent, &[])), "");
    assert_eq!(boxes(&silent, &dry_run).unwrap_err(), "Forbidden");
}

#[test]
fn a_product_refuses_with_its_own_codes() {
    let top = r#"
        [errors]
        invalid = "400 Illegal{parameter}"
        missing = "400 {parameter}.Missing"
        unknown_parameter = "400 UnsupportedParameter"
        unknown_region = "404 NoRegion"
        wrong_token = "400 NextToken.Illegal""#;
    let resources = r#"paging = { by = "token", size = "MaxResults", default = 1, max = 2 }"#;
    let state = Sketch { top, resources, ..Sketch::default() }.state();
    for (parameter, code) in [
        (("MaxResults", "3"), "IllegalMaxResults"),
        (("NextToken", "x"), "NextToken.Illegal"),
        (("Colour", "red"), "UnsupportedParameter"),
    ] {
        assert_eq!(boxes(&state, &[parameter]).unwrap_err(), code);
    }
    assert_eq!(ask_box(&state, "ListBoxes", &[]).unwrap_err(), "RegionId.Missing");
    assert_eq!(ask_box(&state, "ListBoxes", &[("RegionId", "moon")]).unwrap_err(), "NoRegion");
}

#[test]
fn made_up_resources_look_like_the_example() {
    let mut state = Sketch { row: "BoxId = \"{id}\"\nStatus = \"{status}\"", ..Sketch::default() }.state();
    add_synthetic(&mut state, "box", 3, 2);
    let made = state.regions["cn-shanghai"].of("box");
    assert_eq!((made.len(), state.regions["cn-hangzhou"].of("box").len()), (3, 8));
    let made = made.get("b-sim0100000002").unwrap();
    assert_eq!((made.status.as_str(), made.tags.len()), ("Running", 2));
}
