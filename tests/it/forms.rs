//! How products of every shape are listed: the requests that are sent, and what is made of the answers.

use alicloud_tag_exporter::cloud::catalog::Catalog;
use alicloud_tag_exporter::cloud::discovery::TagSource;

use crate::script::listed;

const API: &str = r#"
    code = "acme"
    version = "2020-01-01"
    requests_per_second = 2.0
    [endpoints]
    public_pattern = "acme.{region}.aliyuncs.com"
    regions = ["r1"]
"#;

/// A product whose listing goes on with `listing`, and has `[tags]` with `tags` where that is given.
pub fn catalog(top: &str, listing: &str, tags: Option<&str>) -> Catalog {
    catalog_of(API, top, listing, tags)
}

fn catalog_of(api: &str, top: &str, listing: &str, tags: Option<&str>) -> Catalog {
    let tags = tags
        .map(|tags| format!("[tags]\naction = \"ListTags\"\nitems = \"Tags\"\nids_per_request = 4\n{tags}"));
    let product = format!(
        r#"
        name = "acme-thing"
        api = "acme"
        resource_type = "ACS::Acme::Thing"
        {top}
        [resources]
        action = "ListThings"
        items = "Things"
        id = ["Id"]
        name = []
        status = []
        resource_group_id = []
        created_at = []
        {listing}
        {}"#,
        tags.unwrap_or_default()
    );
    let files = [("api/acme.toml".to_owned(), api.to_owned()), ("thing.toml".to_owned(), product)];
    Catalog::default().with(&files, false).unwrap()
}

pub const NUMBERED: &str = r#"
    parameters = { RegionId = "{region}" }
    paging = { style = "page-number", page_size = 2, total = "Total" }
    inline_tags = "Tags"
    lookup = { parameters = { Id = "{id}" }, not_found = ["Thing.NotFound"] }
"#;
pub const PLAIN: &str = r#"
    paging = { style = "none" }
    inline_tags = "Tags"
"#;

/// Lists with the catalog's choice of the tag source.
async fn auto(catalog: &Catalog, previous: &[&str], script: &str) -> String {
    listed(catalog, TagSource::Auto, previous, script).await
}

#[tokio::test]
async fn variants_are_listed_apart_each_with_a_count_of_its_own() {
    let listing = format!("variants = [{{ Type = \"a\" }}, {{ Type = \"b\" }}]{NUMBERED}");
    let catalog = catalog("", &listing, None);
    let script = r#"
        > ListThings PageNumber=1 PageSize=2 RegionId=r1 Type=a
        < 200 {"Total":3,"Things":[{"Id":"i-1"},{"Id":"i-2"}]}
        > ListThings PageNumber=2 PageSize=2 RegionId=r1 Type=a
        < 200 {"Total":3,"Things":[{"Id":"i-3","Tags":[{"Key":"k","Value":"v"}]}]}
        > ListThings PageNumber=1 PageSize=2 RegionId=r1 Type=b
        < 200 {"Total":1,"Things":[{"Id":"i-4"}]}
    "#;
    assert_eq!(auto(&catalog, &[], script).await, "i-1, i-2, i-3 k=v, i-4");
}

#[tokio::test]
async fn a_resource_is_gone_only_when_it_is_gone_from_every_variant() {
    let listing = format!("variants = [{{ Type = \"a\" }}, {{ Type = \"b\" }}]{NUMBERED}");
    let catalog = catalog("", &listing, None);
    let listing = r#"
        > ListThings PageNumber=1 PageSize=2 RegionId=r1 Type=a
        < 200 {"Total":0}
        > ListThings PageNumber=1 PageSize=2 RegionId=r1 Type=b
        < 200 {"Total":0}
        > ListThings Id=i-1 PageNumber=1 PageSize=2 RegionId=r1 Type=a
        < 404 {"Code":"Thing.NotFound"}
        > ListThings Id=i-1 PageNumber=1 PageSize=2 RegionId=r1 Type=b
    "#;
    let there = format!("{listing}< 200 {{\"Total\":1,\"Things\":[{{\"Id\":\"i-1\"}}]}}");
    assert_eq!(auto(&catalog, &["i-1"], &there).await, "i-1");
    let gone = format!("{listing}< 200 {{\"Total\":0}}");
    assert_eq!(auto(&catalog, &["i-1"], &gone).await, " (gone: i-1)");
}

#[tokio::test]
async fn without_a_usable_lookup_or_count_what_is_missing_is_left_open() {
    let tokens = r#"
        paging = { style = "next-token", max_results = 2, size_parameter = "Limit" }
        inline_tags = "Tags"
    "#;
    let script = r#"
        > ListThings Limit=2
        < 200 {"Total":99,"Things":[{"Id":"i-1"}],"NextToken":"t=1"}
        > ListThings Limit=2 NextToken=t=1
        < 200 {"Total":99,"Things":[],"NextToken":""}
    "#;
    assert_eq!(auto(&catalog("", tokens, None), &["i-1", "i-2", "i-3"], script).await, "i-1");
}

#[tokio::test]
async fn a_lookup_that_says_neither_here_nor_gone_proves_nothing_and_stops_nothing() {
    for answer in [
        r#"200 {"Total":1,"Things":[{"Id":"i-9"}]}"#,
        r#"200 {"Total":7,"Things":[]}"#,
        r#"200 {}"#,
        r#"403 {"Code":"Forbidden.RAM"}"#,
        r#"503 {"Code":"ServiceUnavailable"}"#,
    ] {
        let script = format!(
            r#"
            > ListThings PageNumber=1 PageSize=2 RegionId=r1
            < 200 {{"Total":0}}
            > ListThings Id=i-1 PageNumber=1 PageSize=2 RegionId=r1
            < {answer}
        "#
        );
        assert_eq!(auto(&catalog("", NUMBERED, None), &["i-1"], &script).await, "", "{answer}");
    }
}

#[tokio::test]
async fn a_row_that_says_deleted_proves_it_and_no_row_proves_nothing() {
    let listing = r#"
        paging = { style = "next-token", max_results = 500, smaller = { max_results = 100, after = ["TooLarge"] } }
        inline_tags = "Tags"
        lookup = { parameters = { Ids = '["{id}"]' }, deleted = "Deleted" }
    "#;
    let catalog = catalog("", listing, None);
    let script = r#"
        > ListThings MaxResults=500
        < 400 {"Code":"TooLarge"}
        > ListThings MaxResults=100
        < 200 {"Things":[{"Id":"i-1"}]}
        > ListThings Ids=["a\"b"] MaxResults=100
        < 200 {"Things":[{"Id":"a\"b","Deleted":true}]}
    "#;
    assert_eq!(auto(&catalog, &["a\"b", "i-1"], script).await, "i-1 (gone: a\"b)");
    let script = r#"
        > ListThings MaxResults=500
        < 200 {"Things":[]}
        > ListThings Ids=["i-1"] MaxResults=500
        < 200 {"Things":[]}
    "#;
    assert_eq!(auto(&catalog, &["i-1"], script).await, "");
}

#[tokio::test]
async fn the_tag_source_is_the_catalogs_unless_the_user_chooses_another() {
    let both = catalog("", PLAIN, Some(""));
    let inline_first = catalog("tags_from = \"inline\"", PLAIN, Some(""));
    let list = "> ListThings\n< 200 {\"Things\":[{\"Id\":\"i-1\",\"Tags\":[{\"Key\":\"k\",\"Value\":\"inline\"}]}]}\n";
    let tags = "> ListTags ResourceId.1=i-1\n< 200 {\"Tags\":[{\"ResourceId\":\"i-1\",\"TagKey\":\"k\",\"TagValue\":\"listed\"}]}\n";
    let listed_tags = format!("{list}{tags}");
    for (catalog, source, script, expected) in [
        (&both, TagSource::Auto, &*listed_tags, "i-1 k=listed"),
        (&both, TagSource::Inline, list, "i-1 k=inline"),
        (&inline_first, TagSource::Auto, list, "i-1 k=inline"),
        (&inline_first, TagSource::ListTagResources, &*listed_tags, "i-1 k=listed"),
    ] {
        assert_eq!(listed(catalog, source, &[], script).await, expected, "{source:?}");
    }
}

const THREE: &str = "> ListThings\n< 200 {\"Things\":[{\"Id\":\"i-1\"},{\"Id\":\"i-2\"},{\"Id\":\"i-3\"}]}\n";

#[tokio::test]
async fn a_batch_is_halved_down_to_the_id_that_is_refused() {
    let tags = Some("not_found = [\"Id.NotFound\"]\nid_parameter = \"Ids\"");
    let listing = format!("{PLAIN}lookup = {{ parameters = {{ Id = \"{{id}}\" }} }}");
    let halved = r#"
        > ListTags Ids.1=i-1 Ids.2=i-2 Ids.3=i-3
        < 404 {"Code":"Id.NotFound"}
        > ListTags Ids.1=i-1
        < 200 {"Tags":[{"ResourceId":"i-1","Key":"k","Value":"1"}]}
        > ListTags Ids.1=i-2 Ids.2=i-3
        < 404 {"Code":"Id.NotFound"}
        > ListTags Ids.1=i-2
        < 404 {"Code":"Id.NotFound"}
        > ListTags Ids.1=i-3
        < 200 {"Tags":[{"ResourceId":"i-3","Key":"k","Value":"3"}]}
        > ListThings Id=i-2
    "#;
    let catalog = catalog("", &listing, tags);
    let gone = format!("{THREE}{halved}< 200 {{\"Things\":[]}}");
    assert_eq!(auto(&catalog, &[], &gone).await, "i-1 k=1, i-3 k=3 (gone: i-2)");
    let there = format!("{THREE}{halved}< 200 {{\"Things\":[{{\"Id\":\"i-2\"}}]}}");
    assert_eq!(auto(&catalog, &[], &there).await, "i-1 k=1, i-2, i-3 k=3 (unreadable: i-2)");
}

#[tokio::test]
async fn a_code_of_the_product_says_that_there_were_too_many_ids() {
    let tags = Some("too_many = [\"SizeLimitExceeded.ResourceId\"]");
    for code in ["SizeLimitExceeded.ResourceId", "Acme.NumberExceed.ResourceIds"] {
        let script = format!(
            r#"{THREE}
            > ListTags ResourceId.1=i-1 ResourceId.2=i-2 ResourceId.3=i-3
            < 400 {{"Code":"{code}"}}
            > ListTags ResourceId.1=i-1
            < 200 {{"Tags":[]}}
            > ListTags ResourceId.1=i-2 ResourceId.2=i-3
            < 200 {{"Tags":[]}}
        "#
        );
        assert_eq!(auto(&catalog("", PLAIN, tags), &[], &script).await, "i-1, i-2, i-3");
    }
}

#[tokio::test]
async fn tags_of_ids_that_were_not_asked_for_are_asked_again_and_never_merged() {
    let tags = r#"
        > ListTags ResourceId.1=i-1 ResourceId.2=i-2 ResourceId.3=i-3
        < 200 {"Tags":[{"ResourceId":"i-4","Key":"k","Value":"v"},{"ResourceId":"i-1","Key":"k","Value":"v"}]}
    "#;
    let script = format!("{THREE}{tags}{tags}");
    assert_eq!(auto(&catalog("", PLAIN, Some("")), &[], &script).await, "i-1 k=v, i-2, i-3");
}

#[tokio::test]
async fn an_empty_listing_counts_only_once_the_permission_is_proved() {
    let listing = format!(
        "{PLAIN}permission_probe = {{ parameters = {{ DryRun = \"true\" }}, granted = \"DryRunOperation\" }}"
    );
    let catalog = catalog("", &listing, None);
    for (answer, expected) in [
        (r#"400 {"Code":"DryRunOperation"}"#, ""),
        (
            r#"403 {"Code":"Forbidden.RAM"}"#,
            "denied: ListThings in r1 was denied: Forbidden.RAM, missing RAM permission acme:ListThings",
        ),
        (
            r#"200 {"Things":[]}"#,
            "inconsistent: ListThings in r1 is inconsistent: the permission probe was not answered with \
             DryRunOperation",
        ),
    ] {
        let empty = "> ListThings\n< 200 {\"Things\":[]}\n> ListThings DryRun=true\n";
        assert_eq!(auto(&catalog, &[], &format!("{empty}< {answer}")).await, expected);
    }
    let script = "> ListThings\n< 200 {\"Things\":[{\"Id\":\"i-1\"}]}";
    assert_eq!(auto(&catalog, &[], script).await, "i-1");
}

#[tokio::test]
async fn rows_of_another_region_are_asked_again_and_never_merged() {
    let catalog = catalog("", &format!("{PLAIN}region = [\"RegionId\"]"), None);
    let mixed = "> ListThings\n< 200 {\"Things\":[{\"Id\":\"i-1\",\"RegionId\":\"r1\"},{\"Id\":\"i-2\",\"RegionId\":\"r2\"}]}\n";
    let right = "> ListThings\n< 200 {\"Things\":[{\"Id\":\"i-1\",\"RegionId\":\"r1\"}]}\n";
    let foreign = "> ListThings\n< 200 {\"Things\":[{\"Id\":\"i-2\",\"RegionId\":\"r2\"}]}\n";
    assert_eq!(auto(&catalog, &[], &format!("{mixed}{right}")).await, "i-1");
    // Where the cloud never changes its answer, the others are told all the same.
    assert_eq!(auto(&catalog, &[], &format!("{mixed}{mixed}")).await, "i-1 (differs by 1)");
    assert_eq!(auto(&catalog, &[], &format!("{foreign}{foreign}")).await, " (differs by 1)");
}

#[tokio::test]
async fn a_listing_that_disagrees_with_its_count_is_read_again_until_two_agree() {
    let page = |ids: &[&str]| {
        let rows: Vec<_> = ids.iter().map(|id| format!("{{\"Id\":\"{id}\"}}")).collect();
        let rows = rows.join(",");
        format!(
            "> ListThings PageNumber=1 PageSize=2 RegionId=r1\n< 200 {{\"Total\":2,\"Things\":[{rows}]}}\n\
             > ListThings PageNumber=2 PageSize=2 RegionId=r1\n< 200 {{\"Total\":2,\"Things\":[]}}\n"
        )
    };
    let catalog = catalog("", NUMBERED, None);
    assert_eq!(auto(&catalog, &[], &[page(&["a"]), page(&["a"])].concat()).await, "a (differs by 1)");
    let readings = ["a", "b", "c", "d"].map(|id| page(&[id])).concat();
    assert_eq!(auto(&catalog, &[], &readings).await, "d (differs by 1)");
}

#[tokio::test]
async fn an_error_code_in_an_answer_with_status_200_is_classified_as_any_other() {
    for (body, expected) in [
        (r#"{"Code":"Throttling.User"}"#, "throttled: ListThings in r1 was throttled: Throttling.User"),
        (
            r#"{"Code":"InternalError","Success":false,"Things":[]}"#,
            "unavailable: ListThings in r1 failed on the server side: InternalError",
        ),
        (r#"{"Code":200,"Success":true,"Things":[]}"#, ""),
        (r#"{"Code":"Whatever","Things":[]}"#, ""),
    ] {
        let script = format!("> ListThings\n< 200 {body}");
        assert_eq!(auto(&catalog("", PLAIN, None), &[], &script).await, expected, "{body}");
    }
}

#[tokio::test]
async fn a_service_that_is_not_ready_is_a_failure_and_no_empty_listing() {
    let top = "ready = { action = \"GetStatus\", expect = { Service = \"Enabled\", \"Initial.Status\" = \"Finished\" } }";
    let catalog = catalog(top, PLAIN, None);
    let list = "> ListThings\n< 200 {\"Things\":[]}";
    for (status, more, expected) in [
        (r#"{"Service":"Enabled","Initial":{"Status":"Finished"}}"#, list, ""),
        (
            r#"{"Service":"Enabled","Initial":{"Status":"Pending"}}"#,
            "",
            "not_ready: GetStatus in r1 reports that the service is not ready: Initial.Status is \"Pending\", not \
             \"Finished\"",
        ),
        (
            "{}",
            "",
            "not_ready: GetStatus in r1 reports that the service is not ready: Initial.Status is \"absent\", not \
             \"Finished\"",
        ),
    ] {
        let script = format!("> GetStatus\n< 200 {status}\n{more}");
        assert_eq!(auto(&catalog, &[], &script).await, expected);
    }
}

#[tokio::test]
async fn a_global_product_is_asked_without_a_region() {
    let api = API.replace("regions = [\"r1\"]", "").replace(".{region}", "");
    let api = format!("scope = \"global\"{api}");
    let listing = r#"
        paging = { style = "page-number", page_size = 2, total = "Total", number_parameter = "PageNo" }
        lookup = { parameters = { "Filter.1.Key" = "Id", "Filter.1.Value.1" = "{id}" } }
    "#;
    let catalog = catalog_of(&api, "", listing, Some("nested = \"Tag\"\nparameters = { PageSize = \"50\" }"));
    let script = r#"
        > ListThings PageNo=1 PageSize=2
        < 200 {"Total":"1","Things":[{"Id":"i-1"}]}
        > ListThings Filter.1.Key=Id Filter.1.Value.1=i-2 PageNo=1 PageSize=2
        < 200 {"Total":"0","Things":[]}
        > ListTags PageSize=50 ResourceId.1=i-1
        < 200 {"Tags":[{"ResourceId":"i-1","Tag":[{"Key":"k","Value":"v"}]}]}
    "#;
    assert_eq!(auto(&catalog, &["i-1", "i-2"], script).await, "i-1 k=v (gone: i-2)");
}
