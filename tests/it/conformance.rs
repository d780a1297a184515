//! `docs/products.md` says of every product what the catalog says.

use std::fmt::Write as _;
use std::path::Path;

use alicloud_tag_exporter::cloud::catalog::{Catalog, Product, TagsFrom};

const HEAD: &str = "\
# Products

What can be listed, from the catalog's files in `src/cloud/catalog`, where the sources of each fact stand. Three tests
prove each row: the daemon lists the product exactly from the simulated cloud, on several pages and with hostile tags;
the models of the official SDK have every action, parameter and path; and the SDK's client lists the same. No test calls
the real cloud.

- **Tags from**: where tags are read under `tag_source = \"auto\"`. *either* means that `tag_source` may choose.
- **Count**: whether the cloud counts the resources, which proves a listing complete.
- **Lookup**: whether one ID can be asked for, which proves a resource gone. Without it, agreeing listings do.
- **Created**: whether the creation time is known. Without it, `policy.grace_period` runs from when a resource was first
  seen.
- **Regions**: `listed` by the cloud under `regions = [\"all\"]`, or those of the `catalog`; `global` products are listed
  once for each account.
- **RAM permissions**: all that may be needed. `alicloud-tag-exporter products --format ram-policy` prints the fewest for
  a configuration.

| Product | API | Resource type | Tags from | Count | Lookup | Created | Regions | RAM permissions |
|---|---|---|---|---|---|---|---|---|
";

const NOTES: &str = "
## What has no source

No listing depends on these. Statuses of resources that are being deleted are known for products only where a source
names them.

";

#[test]
fn the_table_of_products_is_that_of_the_catalog() {
    let expected = document();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/products.md");
    let fresh = Path::new(env!("CARGO_TARGET_TMPDIR")).join("products.md");
    std::fs::write(&fresh, &expected).unwrap();
    let text = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(text == expected, "docs/products.md is not up to date: copy {} over it", fresh.display());
}

fn document() -> String {
    let catalog = Catalog::builtin();
    let mut text = HEAD.to_owned();
    catalog.products().for_each(|product| row(&mut text, product));
    text.push_str(NOTES);
    for product in catalog.products().filter(|product| !product.unverified.is_empty()) {
        writeln!(text, "- `{}`: {}", product.name, product.unverified.join(" ")).unwrap();
    }
    text
}

fn row(text: &mut String, product: &Product) {
    let resources = &product.resources;
    let permissions: Vec<_> = product.permissions().iter().map(|one| format!("`{one}`")).collect();
    let cells = [
        format!("`{}`", product.name),
        format!("{} {}", product.api.code, product.api.version),
        format!("`{}`", product.resource_type),
        tags_from(product),
        yes(resources.paging.total().is_some()),
        yes(resources.lookup.is_some()),
        yes(!resources.created_at.is_empty()),
        regions(product).to_owned(),
        permissions.join(", "),
    ];
    writeln!(text, "| {} |", cells.join(" | ")).unwrap();
}

fn tags_from(product: &Product) -> String {
    let usual = match product.tags_from(None) {
        TagsFrom::Inline => "inline",
        TagsFrom::ListTagResources => "list-tag-resources",
    };
    let has_both = product.tags.is_some() && product.resources.inline_tags.is_some();
    if has_both { format!("{usual}, *either*") } else { usual.to_owned() }
}

fn yes(is_so: bool) -> String {
    if is_so { "yes" } else { "no" }.to_owned()
}

fn regions(product: &Product) -> &'static str {
    match &product.regions_api().regions {
        _ if product.api.is_global() => "global",
        Some(_) => "listed",
        None => "catalog",
    }
}
