//! `products`: what the catalog can list, as a table, as JSON, or as the RAM policy that is needed for it.

use std::collections::BTreeSet;
use std::io::{self, Write};

use clap::ValueEnum;
use serde_json::{Value, json};

use crate::cloud::catalog::{Catalog, Paging, Product, TagsFrom};
use crate::config::Config;

#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct Options {
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// For people at a terminal.
    #[default]
    Table,
    /// One document.
    Json,
    /// The RAM policy with the permissions that the configured products need; of all products without a configuration.
    RamPolicy,
}

/// Prints the whole catalog, or the permissions that `config` needs.
pub fn print(config: Option<&Config>, format: Format, out: &mut dyn Write) -> io::Result<()> {
    let builtin = Catalog::builtin();
    let catalog = config.map_or(&builtin, |config| &config.catalog);
    match format {
        Format::Table => table(catalog, out),
        Format::Json => {
            let products: Vec<_> = catalog.products().map(|product| described(product)).collect();
            writeln!(out, "{:#}", json!({ "products": products }))
        }
        Format::RamPolicy => writeln!(out, "{}", policy(&permissions(catalog, config))),
    }
}

const HEADER: [&str; 6] = ["PRODUCT", "API", "LISTED WITH", "TAGS FROM", "SCOPE", "RAM ACTIONS"];

fn table(catalog: &Catalog, out: &mut dyn Write) -> io::Result<()> {
    let rows: Vec<_> = catalog.products().map(|product| row(product)).collect();
    let header = HEADER.map(str::to_owned);
    let width = |column: usize| rows.iter().chain([&header]).map(|row| row[column].len()).max();
    let widths: Vec<_> = (0..HEADER.len() - 1).map(|column| width(column).unwrap_or_default()).collect();
    for row in [&header].into_iter().chain(&rows) {
        for (cell, width) in row.iter().zip(&widths) {
            write!(out, "{cell:width$}  ")?;
        }
        writeln!(out, "{}", row[HEADER.len() - 1])?;
    }
    Ok(())
}

fn row(product: &Product) -> [String; 6] {
    [
        product.name.clone(),
        format!("{} {}", product.api.code, product.api.version),
        product.resources.action.clone(),
        tags_from(product).to_owned(),
        scope(product).to_owned(),
        product.permissions().join(" "),
    ]
}

fn described(product: &Product) -> Value {
    let resources = &product.resources;
    json!({
        "name": product.name,
        "api": product.api.code,
        "version": product.api.version,
        "resource_type": product.resource_type,
        "terraform": product.terraform,
        "scope": scope(product),
        "listed_with": resources.action,
        "pages": pages(&resources.paging),
        "tags_from": tags_from(product),
        "count": resources.paging.total().is_some(),
        "lookup": resources.lookup.is_some(),
        "creation_time": !resources.created_at.is_empty(),
        "ram_actions": product.permissions(),
        "unverified": product.unverified,
    })
}

fn pages(paging: &Paging) -> &'static str {
    match paging {
        Paging::PageNumber { .. } => "by number",
        Paging::NextToken { .. } => "by token",
        Paging::None {} => "none",
    }
}

/// In the words of `tag_source`.
fn tags_from(product: &Product) -> &'static str {
    match product.tags_from(None) {
        TagsFrom::Inline => "inline",
        TagsFrom::ListTagResources => "list-tag-resources",
    }
}

fn scope(product: &Product) -> &'static str {
    if product.api.is_global() { "global" } else { "regional" }
}

/// Those of the configured products, or of all where nothing is configured.
fn permissions(catalog: &Catalog, config: Option<&Config>) -> BTreeSet<String> {
    let Some(config) = config else {
        return catalog.products().flat_map(|product| product.permissions()).collect();
    };
    let of_account = config.accounts.iter().flat_map(|account| {
        account.products.iter().flat_map(|product| {
            let finds_regions = account.finds_regions_of(product);
            product.least_permissions(account.tag_source.of(product), finds_regions)
        })
    });
    of_account.collect()
}

fn policy(actions: &BTreeSet<String>) -> String {
    let statement = json!({ "Effect": "Allow", "Action": actions, "Resource": "*" });
    format!("{:#}", json!({ "Version": "1", "Statement": [statement] }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Sources, load};

    fn printed(config: Option<&str>, format: Format) -> String {
        let config = config.map(|text| {
            let file = Some(("test".to_owned(), format!("[[accounts]]\nname = \"a\"\n{text}")));
            load(&Sources { file, ..Sources::default() }).unwrap()
        });
        let mut out = Vec::new();
        print(config.as_ref(), format, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_table_and_the_document_have_every_product() {
        let table = printed(None, Format::Table);
        let products = Catalog::builtin().products().count();
        assert_eq!(table.lines().count(), products + 1);
        let redis = table.lines().find(|line| line.starts_with("redis ")).unwrap();
        let words: Vec<_> = redis.split_whitespace().collect();
        let expected = ["redis", "r-kvstore", "2015-01-01", "DescribeInstances", "inline", "regional"];
        assert_eq!(words[..6], expected);
        let document: Value = serde_json::from_str(&printed(None, Format::Json)).unwrap();
        let described = document["products"].as_array().unwrap();
        assert_eq!(described.len(), products);
        let kafka = described.iter().find(|product| product["name"] == "kafka").unwrap();
        assert_eq!((&kafka["count"], &kafka["pages"]), (&json!(false), &json!("none")));
        assert_eq!(kafka["ram_actions"], json!(["alikafka:ListInstance"]));
    }

    #[test]
    fn the_policy_has_the_least_permissions_for_what_is_configured() {
        let granted = |text: &str| {
            let policy: Value = serde_json::from_str(&printed(Some(text), Format::RamPolicy)).unwrap();
            policy["Statement"][0]["Action"].clone()
        };
        for (text, expected) in [
            (r#"regions = ["cn-hangzhou"]"#, json!(["hbase:DescribeInstances", "hbase:ListTagResources"])),
            (
                "regions = [\"all\"]\ntag_source = \"inline\"",
                json!(["hbase:DescribeInstances", "hbase:DescribeRegions"]),
            ),
            (
                "regions = [\"cn-hangzhou\"]\nproducts = [\"redis\", \"rds\", \"cen\"]",
                json!([
                    "cen:DescribeCens",
                    "kvstore:DescribeInstances",
                    "rds:DescribeDBInstances",
                    "rds:ListTagResources"
                ]),
            ),
            (
                "regions = [\"cn-hangzhou\"]\nproducts = [\"hologres\"]",
                json!([
                    "hologram:ListInstances",
                    "resourcecenter:GetResourceCenterServiceStatus",
                    "resourcecenter:SearchResources"
                ]),
            ),
        ] {
            assert_eq!(granted(text), expected, "{text}");
        }
    }
}
