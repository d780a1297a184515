use super::*;

const API: &str = r#"
    code = "acme"
    version = "2020-01-01"
    requests_per_second = 2.0
    [endpoints]
    public_pattern = "acme.{region}.aliyuncs.com"
    vpc_pattern = "acme-vpc.{region}.aliyuncs.com"
    regions = ["r1", "r2"]
"#;

const PRODUCT: &str = r#"
    name = "acme-thing"
    api = "acme"
    resource_type = "ACS::Acme::Thing"
    [resources]
    action = "DescribeThings"
    parameters = { RegionId = "{region}" }
    paging = { style = "page-number", page_size = 100, total = "TotalCount" }
    items = "Things"
    id = ["Id"]
    name = []
    status = []
    resource_group_id = []
    created_at = []
    inline_tags = "Tags"
    lookup = { parameters = { Id = "{id}" } }
    [tags]
    action = "ListTagResources"
    items = "TagResources"
    ids_per_request = 50
"#;

fn with(files: &[(&str, &str)]) -> Result<Catalog, Vec<Fault>> {
    let files: Vec<_> = files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    Catalog::builtin().with(&files, false)
}

fn faults(product: &str, api: &str) -> String {
    let faults =
        with(&[("api/acme.toml", api), ("thing.toml", product)]).map_or_else(|faults| faults, |_| vec![]);
    let line = |Fault { file, path, text }| format!("{file}: {path}: {text}");
    faults.into_iter().map(line).collect::<Vec<_>>().join("\n")
}

/// `text` with its first `old` replaced, which has to be there.
fn changed(text: &str, old: &str, new: &str) -> String {
    assert!(text.contains(old), "{old}");
    text.replacen(old, new, 1)
}

#[test]
fn hbase_is_in_the_catalog() {
    let catalog = Catalog::builtin();
    let hbase = catalog.product("hbase").unwrap();
    assert_eq!(hbase.actions(), ["DescribeInstances", "ListTagResources", "DescribeRegions"]);
    assert_eq!(hbase.resources.items.names(), ["Instances", "Instance"]);
    assert_eq!((hbase.api.endpoints.public.len(), hbase.api.endpoints.regions.len()), (26, 26));
    assert_eq!(catalog.leaving()["hbase"], ["DELETING"]);
}

/// The names that users know.
#[test]
fn the_catalog_has_forty_six_products_with_apis_of_their_own_and_six_through_resource_center() {
    let catalog = Catalog::builtin();
    let (other, own): (Vec<_>, Vec<_>) =
        catalog.products().partition(|product| product.api.code == "resourcecenter");
    let names: Vec<_> = other.iter().map(|product| product.name.as_str()).collect();
    assert_eq!(names, ["ack-cluster", "elasticsearch", "hologres", "oss-bucket", "rocketmq", "sls-project"]);
    assert!(own.len() >= 46, "{}", own.len());
    let files = BUILTIN.iter().filter(|(file, _)| !file.starts_with("api/"));
    for (file, text) in files {
        let name = file.strip_suffix(".toml").unwrap();
        let product = catalog.product(name).unwrap_or_else(|| panic!("{file} is not of its product"));
        assert!(text.contains("https://"), "{file} names no source");
        assert!(!product.terraform.is_empty(), "{file}");
    }
}

#[test]
fn every_leaving_status_is_one_of_its_product() {
    let leaving = Catalog::builtin().leaving();
    for (name, statuses) in [
        ("eip", &["Releasing"] as &[_]),
        ("nlb", &["Deleting", "Deleted"]),
        ("redis", &["Released"]),
        ("emr", &["TERMINATING", "TERMINATED", "TERMINATED_WITH_ERRORS"]),
        ("acr-instance", &["DELETING", "DELETED"]),
        ("vpn-gateway", &["deleting"]),
    ] {
        assert_eq!(leaving[name], statuses, "{name}");
    }
    assert!(!leaving.contains_key("cdn-domain"));
}

#[test]
fn tags_stand_in_the_listing_wherever_it_has_them_but_for_hbase() {
    let catalog = Catalog::builtin();
    let listed: Vec<_> = catalog
        .products()
        .filter(|product| product.tags_from(None) == TagsFrom::ListTagResources)
        .map(|product| product.name.as_str())
        .collect();
    for name in ["cdn-domain", "dcdn-domain", "hbase", "kms-key", "rds"] {
        assert!(listed.contains(&name), "{name}");
    }
    let has_both = |name: &&&str| catalog.product(name).unwrap().resources.inline_tags.is_some();
    assert_eq!(listed.iter().filter(has_both).collect::<Vec<_>>(), [&"hbase"]);
}

#[test]
fn an_api_or_a_terraform_resource_is_answered_with_its_products() {
    let catalog = Catalog::builtin();
    assert_eq!(catalog.suggestions("dds"), ["mongodb"]);
    assert_eq!(catalog.suggestions("alicloud_kvstore_instance"), ["redis"]);
    assert_eq!(catalog.suggestions("ecs").len(), 7);
    assert_eq!(catalog.suggestions("alicloud_cs_managed_kubernetes"), ["ack-cluster"]);
}

#[test]
fn the_ram_prefix_is_the_products_own() {
    let catalog = Catalog::builtin();
    for (name, permission) in [
        ("redis", "kvstore:DescribeInstances"),
        ("cen", "cen:DescribeCens"),
        ("api-gateway-group", "apigateway:DescribeApiGroups"),
        ("kafka", "alikafka:ListInstance"),
        ("ack-cluster", "cs:DescribeClustersV1"),
    ] {
        assert!(catalog.product(name).unwrap().permissions().contains(&permission.to_owned()), "{name}");
    }
}

#[test]
fn files_add_products_and_apis_and_replace_those_of_the_same_name() {
    let catalog = with(&[("api/acme.toml", API), ("thing.toml", PRODUCT)]).unwrap();
    let added = |product: &&Arc<Product>| Catalog::builtin().product(&product.name).is_none();
    let names: Vec<_> = catalog.products().filter(added).map(|product| product.name.as_str()).collect();
    assert_eq!(names, ["acme-thing"]);
    let own = changed(PRODUCT, "acme-thing", "hbase");
    let catalog = with(&[("api/acme.toml", API), ("thing.toml", &own)]).unwrap();
    assert_eq!(catalog.product("hbase").unwrap().api.code, "acme");
    assert_eq!(Catalog::builtin().product("hbase").unwrap().api.code, "hbase");
}

#[test]
fn an_api_that_is_replaced_is_that_of_the_products_before() {
    let own = changed(API, "\"acme\"", "\"hbase\"");
    let catalog = with(&[("api/hbase.toml", &own)]).unwrap();
    assert_eq!(catalog.product("hbase").unwrap().api.version, "2020-01-01");
}

#[test]
fn regions_may_be_those_of_another_api() {
    let api = changed(API, "regions = [\"r1\", \"r2\"]", "");
    let api = changed(&api, "code", "regions_of = \"hbase\"\ncode");
    let catalog = with(&[("api/acme.toml", &api), ("thing.toml", PRODUCT)]).unwrap();
    let thing = catalog.product("acme-thing").unwrap();
    assert_eq!((&*thing.api.code, &*thing.regions_api().code), ("acme", "hbase"));
    assert_eq!(thing.actions(), ["DescribeThings", "ListTagResources"]);
}

#[test]
fn what_is_wrong_with_a_product_is_named_with_its_file_and_key_path() {
    assert_eq!(faults(PRODUCT, API), "");
    let untagged = &PRODUCT[..PRODUCT.find("[tags]").unwrap()];
    for (old, new, expected) in [
        ("name = \"acme-thing\"", "name = \"acme-thing\"\ncolour = 1", "colour: unknown key, expected "),
        ("name = \"acme-thing\"", "", ": missing key `name`"),
        (
            "name = \"acme-thing\"",
            "name = \"Thing\"",
            "name: is not a valid product name (example: ecs-disk)",
        ),
        ("api = \"acme\"", "api = \"acmee\"", "api: unknown API \"acmee\""),
        ("ACS::Acme::Thing", "", "resource_type: is empty"),
        ("[\"Id\"]", "[]", "resources.id: is empty"),
        ("[\"Id\"]", "[\"a..b\"]", "resources.id[0]: is not a valid path (example: Instances.Instance)"),
        ("ids_per_request = 50", "ids_per_request = 0", "tags.ids_per_request: must be above 0"),
        ("ids_per_request = 50", "ids_per_request = -1", "tags.ids_per_request: "),
        (
            "DescribeThings",
            "DeleteThings",
            "resources.action: must begin with Describe, Get, List, Query or Search",
        ),
        (
            "ListTagResources",
            "TagResources",
            "tags.action: must begin with Describe, Get, List, Query or Search",
        ),
        ("{region}", "{zone}", "resources.parameters.RegionId: unknown placeholder {zone}"),
        ("{region}", "{id}", "resources.parameters.RegionId: unknown placeholder {id}"),
        ("{id}", "x", "resources.lookup.parameters: has no {id}"),
        ("page_size = 100", "page_size = 0", "resources.paging: page_size must be above 0"),
        (
            "page_size = 100",
            "page_size = 100, allowed_sizes = [30, 50]",
            "resources.paging: page_size is not one of allowed_sizes",
        ),
        ("page_size = 100", "page_size = 100, colour = 1", "resources.paging: unknown key, expected "),
        ("\"page-number\"", "\"pages\"", "resources.paging.style: unknown value `pages`"),
        ("[tags]", "ready = 1\n[tags]", "resources.ready: unknown key, expected "),
    ] {
        let report = faults(&changed(PRODUCT, old, new), API);
        assert!(report.starts_with(&format!("thing.toml: {expected}")), "{new}: {report}");
    }
    let report = faults(&changed(untagged, "inline_tags = \"Tags\"", ""), API);
    assert!(report.contains("thing.toml: tags: is missing"), "{report}");
    let inline = changed(PRODUCT, "inline_tags = \"Tags\"", "");
    let report = faults(&changed(&inline, "api =", "tags_from = \"inline\"\napi ="), API);
    assert!(report.contains("tags_from: is \"inline\", but resources.inline_tags is missing"), "{report}");
    assert!(faults("a = [", API).starts_with("thing.toml: : line 1: "), "{}", faults("a = [", API));
}

#[test]
fn what_is_wrong_with_an_api_is_named_with_its_file_and_key_path() {
    for (old, new, expected) in [
        ("code = \"acme\"", "code = \"\"", "code: is not a valid API code (example: r-kvstore)"),
        ("2.0", "0.0", "requests_per_second: must be at least 0.01"),
        ("2.0", "nan", "requests_per_second: must be at least 0.01"),
        ("regions = [\"r1\", \"r2\"]", "", "regions: is missing, "),
        ("code", "regions_of = \"acmee\"\ncode", "regions_of: unknown API \"acmee\""),
        ("code", "scope = \"global\"\ncode", "scope: is \"global\", but there are regions"),
        ("acme.{region}.aliyuncs.com", "acme.example.com", "endpoints.public_pattern: is not a host under"),
        ("acme-vpc.{region}.aliyuncs.com", "", "endpoints.vpc_pattern: is not a host under"),
        (
            "regions = [\"r1\"",
            "public = { r1 = \"evil.com#.aliyuncs.com\" }\nregions = [\"r1\"",
            "endpoints.public.r1: is not a host under",
        ),
        ("vpc_pattern", "vpc", "endpoints.vpc: unknown key, expected "),
    ] {
        let report = faults(PRODUCT, &changed(API, old, new));
        assert!(report.starts_with(&format!("api/acme.toml: {expected}")), "{new}: {report}");
        assert!(!report.contains("unknown API \"acme\""), "{report}");
    }
}

#[test]
fn a_host_of_ones_own_is_taken_where_that_is_allowed() {
    let api = changed(API, "acme.{region}.aliyuncs.com", "acme.example.com");
    let files = [("api/acme.toml".to_owned(), api)];
    assert!(Catalog::builtin().with(&files, false).is_err());
    assert!(Catalog::builtin().with(&files, true).is_ok());
}

#[test]
fn a_global_product_has_no_region_in_it() {
    let api = changed(API, "regions = [\"r1\", \"r2\"]", "");
    let api = changed(&api, "code", "scope = \"global\"\ncode").replace(".{region}", "");
    assert_eq!(
        faults(PRODUCT, &api),
        "thing.toml: resources.parameters.RegionId: cannot hold {region}: the API is global"
    );
    let product = changed(PRODUCT, "{region}", "cn-hangzhou");
    assert_eq!(faults(&product, &api), "");
    let product = changed(&product, "id = [", "region = [\"RegionId\"]\nid = [");
    assert_eq!(faults(&product, &api), "thing.toml: resources.region: cannot be given: the API is global");
}

#[test]
fn two_products_of_one_name_are_one_too_many() {
    let twice = with(&[("api/acme.toml", API), ("a.toml", PRODUCT), ("b.toml", PRODUCT)]);
    let fault =
        Fault { file: "b.toml".into(), path: "name".into(), text: "\"acme-thing\" is a duplicate".into() };
    assert_eq!(twice.unwrap_err(), [fault]);
}

#[test]
fn a_name_that_is_none_gets_those_that_may_be_meant() {
    let catalog = with(&[("api/acme.toml", API), ("thing.toml", PRODUCT)]).unwrap();
    assert_eq!(catalog.suggestions("acme"), ["acme-thing"]);
    assert_eq!(catalog.suggestions("hbsae"), ["hbase"]);
    assert_eq!(catalog.suggestions("cassandra"), [""; 0]);
}

#[test]
fn permissions_are_derived_from_the_prefix_unless_they_are_listed() {
    let permissions = |product: &str| {
        let api = changed(API, "code", "ram_prefix = \"kacme\"\ncode");
        let catalog = with(&[("api/acme.toml", &api), ("thing.toml", product)]).unwrap();
        let thing = catalog.product("acme-thing").unwrap();
        (thing.permissions(), thing.permission("DescribeThings"), thing.permission("ListTagResources"))
    };
    let (all, listing, tags) = permissions(PRODUCT);
    assert_eq!(all, ["kacme:DescribeThings", "kacme:ListTagResources"]);
    assert_eq!((listing, tags), (None, None));
    let listed = "ram_actions = [\"kacme:ListThing\", \"kacme:ListTagResources\"]\napi =";
    let (all, listing, tags) = permissions(&changed(PRODUCT, "api =", listed));
    assert_eq!(all, ["kacme:ListThing", "kacme:ListTagResources"]);
    assert_eq!((listing.as_deref(), tags), (Some("kacme:ListThing"), None));
}

#[test]
fn tags_come_from_the_source_there_is_and_a_choice_counts_where_there_are_two() {
    use TagsFrom::*;
    let both = PRODUCT.to_owned();
    let inline = PRODUCT[..PRODUCT.find("[tags]").unwrap()].to_owned();
    let listed = changed(PRODUCT, "inline_tags = \"Tags\"", "");
    let inline_by_default = changed(PRODUCT, "api =", "tags_from = \"inline\"\napi =");
    for (product, wanted, expected) in [
        (&both, None, ListTagResources),
        (&both, Some(Inline), Inline),
        (&inline, None, Inline),
        (&inline, Some(ListTagResources), Inline),
        (&listed, None, ListTagResources),
        (&listed, Some(Inline), ListTagResources),
        (&inline_by_default, None, Inline),
        (&inline_by_default, Some(ListTagResources), ListTagResources),
    ] {
        let catalog = with(&[("api/acme.toml", API), ("thing.toml", product)]).unwrap();
        assert_eq!(
            catalog.product("acme-thing").unwrap().tags_from(wanted),
            expected,
            "{wanted:?} {product}"
        );
    }
}

/// Everything that some product of the cloud needs, in one.
#[test]
fn every_part_of_the_form_is_read() {
    let product = r#"
        name = "full"
        api = "acme"
        resource_type = "ACS::Acme::Full"
        leaving = ["Deleting", "9"]
        tags_from = "inline"
        ram_actions = ["acme:ListFull"]
        ready = { action = "GetServiceStatus", expect = { "Status.State" = "Enabled" } }
        fix = { action = "TagResources", id_parameter = "ResourceId.1", key_parameter = "Tag.1.Key", value_parameter = "Tag.1.Value" }
        [resources]
        action = "SearchFull"
        parameters = { "Filter.1.Key" = "ResourceType", Filters = '[{"Key":"CreatorType","Values":["User"]}]' }
        variants = [{ Type = "a" }, { Type = "b" }]
        paging = { style = "next-token", max_results = 500, total = "Total", smaller = { max_results = 100, after = ["InvalidParameter.MaxResults"] } }
        items = "Data.Full"
        id = ["Id", "OtherId"]
        name = ["Name"]
        status = ["Status"]
        resource_group_id = ["Group"]
        created_at = ["Created"]
        created_as = "epoch-ms"
        region = ["RegionId"]
        inline_tags = "Tags.Tag"
        inline_tags_as = "map"
        permission_probe = { parameters = { DryRun = "true" }, granted = "DryRunOperation" }
        [resources.lookup]
        parameters = { Ids = '["{id}"]', IncludeDeletedResources = "true" }
        not_found = ["InvalidId.NotFound"]
        deleted = "Deleted"
        [tags]
        action = "ListTagResources"
        parameters = { RegionId = "{region}", MaxResults = "50" }
        items = "TagResources"
        nested = "Tag"
        id_parameter = "ResourceIds"
        ids_per_request = 20
        not_found = ["InvalidResourceId.NotFound"]
        too_many = ["SizeLimitExceeded.ResourceId"]
        last_token = "-1"
    "#;
    assert_eq!(faults(product, API), "");
}
