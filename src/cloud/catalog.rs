//! How each product's resources and their tags are listed, as data: one `catalog/<product>.toml` a product.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::cloud::api::endpoint::Endpoints;

/// One product of the cloud.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// The product code, as in RAM policies, e.g. `hbase`.
    pub name: String,
    /// The version of the API, a date.
    pub version: String,
    /// The type of the resources, as the product's `ListTagResources` names it.
    pub resource_type: String,
    /// Our pace for one region and account, when the configuration gives none.
    pub requests_per_second: f64,
    pub resources: ResourceListing,
    pub tags: TagListing,
    pub regions: RegionListing,
    pub endpoints: Endpoints,
}

/// The operation that lists every resource, tagged or not.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceListing {
    pub action: String,
    /// Sent with each request; `{region}` in a value is replaced.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    pub paging: Paging,
    /// Where the rows stand in an answer.
    pub items: Path,
    /// Where a row's fields stand; the first that is there counts.
    pub id: Vec<Path>,
    pub name: Vec<Path>,
    pub status: Vec<Path>,
    pub resource_group_id: Vec<Path>,
    pub created_at: Vec<Path>,
    /// Where a row's tags stand, for products that have them there.
    pub inline_tags: Option<Path>,
    pub lookup: Option<Lookup>,
}

/// How a listing is cut into pages.
#[derive(Debug, Deserialize)]
#[serde(tag = "style", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Paging {
    /// `PageNumber` and `PageSize`; the answer has the number of all resources at `total`.
    PageNumber { page_size: usize, total: Path },
    /// `NextToken`, until the answer has none, with `MaxResults`; `total` where the product tells it.
    NextToken { max_results: usize, total: Option<Path> },
}

/// How the listing is asked for one id.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    pub parameter: String,
    /// The error codes that say that the id is not there.
    #[serde(default)]
    pub not_found: Vec<String>,
}

/// The operation that lists the tags of given resources, always paged by `NextToken`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TagListing {
    pub action: String,
    /// Sent with each request, e.g. `ResourceType`; `{region}` in a value is replaced.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    pub items: Path,
    /// Most `ResourceId.N` in one request.
    pub ids_per_request: usize,
}

/// The operation that lists the regions in which the product is offered. It is not paged.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegionListing {
    pub action: String,
    /// Sent with each request.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// The region whose host is asked; the answer is the same everywhere.
    pub ask_in: String,
    pub items: Path,
    pub id: Path,
    /// Where a row names the region's host.
    pub endpoint: Option<Path>,
}

/// The way to a value in an answer: names joined with dots.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "String")]
pub struct Path(Vec<String>);

impl From<String> for Path {
    fn from(text: String) -> Self {
        Self(text.split('.').map(str::to_owned).collect())
    }
}

impl Path {
    pub fn names(&self) -> &[String] {
        &self.0
    }
}

impl std::fmt::Display for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

impl Product {
    /// Every operation that is called for this product.
    pub fn actions(&self) -> [&str; 3] {
        [&self.resources.action, &self.tags.action, &self.regions.action]
    }
}

/// The products that this build knows, by name.
pub fn products() -> &'static BTreeMap<String, Product> {
    static PRODUCTS: LazyLock<BTreeMap<String, Product>> = LazyLock::new(|| {
        let parse = |text| toml::from_str::<Product>(text).expect("the catalog is tested");
        let products = FILES.iter().copied().map(parse);
        products.map(|product| (product.name.clone(), product)).collect()
    });
    &PRODUCTS
}

const FILES: &[&str] = &[include_str!("catalog/hbase.toml")];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hbase_is_in_the_catalog() {
        let hbase = &products()["hbase"];
        assert_eq!(hbase.actions(), ["DescribeInstances", "ListTagResources", "DescribeRegions"]);
        assert_eq!(hbase.resources.items.names(), ["Instances", "Instance"]);
        assert_eq!(hbase.endpoints.public.len(), 26);
    }

    /// Shapes of other products, from the survey of their APIs: the form must have room for them.
    #[test]
    fn products_of_other_shapes_fit_the_form() {
        let ecs = r#"
            name = "ecs"
            version = "2014-05-26"
            resource_type = "instance"
            requests_per_second = 2.0
            [resources]
            action = "DescribeInstances"
            parameters = { RegionId = "{region}" }
            paging = { style = "next-token", max_results = 100, total = "TotalCount" }
            items = "Instances.Instance"
            id = ["InstanceId"]
            name = ["InstanceName"]
            status = ["Status"]
            resource_group_id = ["ResourceGroupId"]
            created_at = ["CreationTime"]
            inline_tags = "Tags.Tag"
            [tags]
            action = "ListTagResources"
            parameters = { RegionId = "{region}", ResourceType = "instance" }
            items = "TagResources.TagResource"
            ids_per_request = 50
            [regions]
            action = "DescribeRegions"
            ask_in = "cn-hangzhou"
            items = "Regions.Region"
            id = "RegionId"
            [endpoints]
            public_pattern = "ecs.{region}.aliyuncs.com"
            vpc_pattern = "ecs-vpc.{region}.aliyuncs.com"
            public = {}
        "#;
        let alb = ecs
            .replace(r#"parameters = { RegionId = "{region}" }"#, "")
            .replace(r#"items = "Instances.Instance""#, r#"items = "LoadBalancers""#)
            .replace(r#""Tags.Tag""#, r#""Tags""#)
            .replace(r#"TagResources.TagResource"#, "TagResources");
        let rds = ecs.replace(r#"inline_tags = "Tags.Tag""#, "").replace(
            r#"style = "next-token", max_results = 100, total = "TotalCount""#,
            r#"style = "page-number", page_size = 100, total = "TotalRecordCount""#,
        );
        for text in [ecs, &alb, &rds] {
            toml::from_str::<Product>(text).unwrap();
        }
    }

    #[test]
    fn an_unknown_key_in_a_file_is_refused() {
        let text = format!("colour = 1\n{}", FILES[0]);
        assert!(toml::from_str::<Product>(&text).unwrap_err().to_string().contains("colour"));
    }
}
