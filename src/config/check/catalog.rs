//! `[catalog]`: product files of the user's own.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cloud::catalog::{Catalog, Fault};
use crate::config::checker::Checker;
use crate::config::{Problem, file};

const MAX_FILES: usize = 200;
const MAX_BYTES: u64 = 64 << 10;
const KEY: &str = "catalog.path";

/// The built-in catalog with the files of the configured folder: products, and APIs in its folder `api`.
pub(super) fn catalog(checker: &mut Checker<'_>, file: &file::Catalog, foreign_hosts: bool) -> Arc<Catalog> {
    let builtin = Catalog::builtin();
    if file.path.as_os_str().is_empty() {
        return builtin;
    }
    let folder = folder(checker, &file.path);
    let files = match files(&folder) {
        Ok(files) => files,
        Err(problem) => {
            checker.wrong(KEY, problem);
            return builtin;
        }
    };
    match builtin.with(&files, foreign_hosts) {
        Ok(catalog) => Arc::new(catalog),
        Err(faults) => {
            let problem = |Fault { file, path, text }| Problem {
                origin: Some(folder.join(file).display().to_string()),
                path,
                text,
            };
            checker.problems.extend(faults.into_iter().map(problem));
            builtin
        }
    }
}

/// A relative path is one from the configuration file.
fn folder(checker: &Checker<'_>, path: &Path) -> PathBuf {
    let file = checker.sources.file.as_ref().map(|(name, _)| Path::new(name));
    file.and_then(Path::parent).map_or_else(|| path.to_owned(), |parent| parent.join(path))
}

/// Names and texts, sorted by name.
fn files(folder: &Path) -> Result<Vec<(String, String)>, String> {
    let mut names = names(folder, "")?;
    if folder.join("api").is_dir() {
        names.extend(self::names(&folder.join("api"), "api/")?);
    }
    if names.len() > MAX_FILES {
        return Err(format!("has {} files, the maximum is {MAX_FILES}", names.len()));
    }
    names.sort();
    let read = |name: String| match text(&folder.join(&name)) {
        Ok(text) => Ok((name, text)),
        Err(problem) => Err(format!("{name}: {problem}")),
    };
    names.into_iter().map(read).collect()
}

/// The regular files that end in `.toml`; anything else is passed over.
fn names(folder: &Path, prefix: &str) -> Result<Vec<String>, String> {
    let cannot = |error| format!("cannot read {}: {error}", folder.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(cannot)? {
        let entry = entry.map_err(cannot)?;
        let is_file = fs::metadata(entry.path()).is_ok_and(|metadata| metadata.is_file());
        let Ok(name) = entry.file_name().into_string() else { continue };
        if is_file && name.ends_with(".toml") && !name.starts_with('.') {
            names.push(format!("{prefix}{name}"));
        }
    }
    Ok(names)
}

fn text(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    let read = fs::File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_string(&mut text));
    read.map_err(|error| format!("cannot be read: {error}"))?;
    match text.len() as u64 > MAX_BYTES {
        true => Err(format!("is longer than {} KiB", MAX_BYTES >> 10)),
        false => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use tempfile::TempDir;

    use super::*;
    use crate::config::{Config, Sources, load};

    const API: &str = r#"
        code = "acme"
        version = "2020-01-01"
        requests_per_second = 2.0
        [endpoints]
        public_pattern = "acme.{region}.aliyuncs.com"
        vpc_pattern = "acme-vpc.{region}.aliyuncs.com"
        regions = ["cn-beijing", "cn-hangzhou"]
        no_vpc_host = ["cn-beijing"]
    "#;

    fn product(name: &str) -> String {
        format!(
            r#"
            name = "{name}"
            api = "acme"
            resource_type = "ACS::Acme::Thing"
            leaving = ["Gone"]
            [resources]
            action = "ListThings"
            paging = {{ style = "none" }}
            items = "Things"
            id = ["Id"]
            name = []
            status = []
            resource_group_id = []
            created_at = []
            inline_tags = "Tags"
            "#
        )
    }

    /// A folder with a product folder `own`, and the configuration `more` that is loaded beside it.
    struct Folder(TempDir);

    impl Folder {
        fn new() -> Self {
            let folder = Self(tempfile::tempdir().unwrap());
            fs::create_dir_all(folder.0.path().join("own/api")).unwrap();
            folder.write("api/acme.toml", API);
            folder.write("disk.toml", &product("acme-disk"));
            folder.write("image.toml", &product("acme-image"));
            folder
        }

        fn write(&self, name: &str, text: &str) {
            fs::write(self.0.path().join("own").join(name), text).unwrap();
        }

        fn load(&self, more: &str) -> Result<Config, String> {
            let name = self.0.path().join("config.toml").display().to_string();
            let file = Some((name, format!("catalog = {{ path = \"own\" }}\n{more}")));
            load(&Sources { file, ..Sources::default() }).map_err(|problems| {
                let folder = format!("{}/", self.0.path().display());
                problems.to_string().replace(&folder, "")
            })
        }

        /// The targets of the only account, or what is wrong.
        fn targets(&self, products: &str, regions: &str, more: &str) -> String {
            let account =
                format!("{more}\n[[accounts]]\nname = \"a\"\nproducts = {products}\nregions = {regions}");
            let config = match self.load(&account) {
                Ok(config) => config,
                Err(problems) => return problems,
            };
            let account = &config.accounts[0];
            let mut text = String::new();
            for product in &account.products {
                let _ = write!(text, "{}:{} ", product.name, account.regions_of(product).join(","));
            }
            text.trim_end().to_owned()
        }
    }

    #[test]
    fn globs_stand_for_products_of_the_whole_catalog_each_once() {
        let folder = Folder::new();
        for (products, expected) in [
            (r#"["acme-*"]"#, "acme-disk:cn-hangzhou acme-image:cn-hangzhou"),
            (r#"["acme-image", "acme-*"]"#, "acme-image:cn-hangzhou acme-disk:cn-hangzhou"),
            (r#"["{acme-*,hbase}"]"#, "acme-disk:cn-hangzhou acme-image:cn-hangzhou hbase:cn-hangzhou"),
            (r#"["x-*"]"#, "config.toml: accounts[0].products[0]: no product matches \"x-*\""),
            (
                r#"["acme"]"#,
                "config.toml: accounts[0].products[0]: unknown product \"acme\", did you mean acme-disk, acme-image?",
            ),
            (
                r#"["hbsae"]"#,
                "config.toml: accounts[0].products[0]: unknown product \"hbsae\", did you mean hbase?",
            ),
            (
                r#"["cassandra"]"#,
                "config.toml: accounts[0].products[0]: unknown product \"cassandra\"; `alicloud-tag-exporter \
                 products` lists the known ones",
            ),
            (
                r#"["alicloud_kvstore_instance"]"#,
                "config.toml: accounts[0].products[0]: unknown product \"alicloud_kvstore_instance\", did you mean redis?",
            ),
            (r#"["hbase", "hbase"]"#, "config.toml: accounts[0].products[1]: is a duplicate"),
        ] {
            assert_eq!(folder.targets(products, r#"["cn-hangzhou"]"#, ""), expected, "{products}");
        }
    }

    #[test]
    fn a_glob_passes_over_regions_without_the_product_and_a_name_does_not() {
        let folder = Folder::new();
        let regions = r#"["cn-hangzhou", "cn-shanghai"]"#;
        let only = folder.targets(r#"["acme-d*", "hbase"]"#, regions, "");
        assert_eq!(only, "acme-disk:cn-hangzhou hbase:cn-hangzhou,cn-shanghai");
        let named = "config.toml: accounts[0].products[0]: acme-disk is not offered in cn-shanghai";
        assert_eq!(folder.targets(r#"["acme-disk", "a*e-*"]"#, regions, ""), named);
        let own = "api = { endpoint = \"http://127.0.0.1:9\" }";
        assert_eq!(folder.targets(r#"["acme-disk"]"#, regions, own), "acme-disk:cn-hangzhou,cn-shanghai");
        assert_eq!(folder.targets(r#"["acme-disk"]"#, r#"["all"]"#, ""), "acme-disk:cn-beijing,cn-hangzhou");
        assert_eq!(folder.targets(r#"["hbase"]"#, r#"["all"]"#, ""), "hbase:");
    }

    #[test]
    fn a_product_without_a_host_inside_the_vpc_is_reported() {
        let folder = Folder::new();
        let vpc = "api = { network = \"vpc\" }";
        let regions = r#"["cn-beijing", "cn-hangzhou"]"#;
        let named = "config.toml: accounts[0].products[0]: acme has no host inside a VPC in cn-beijing";
        assert_eq!(folder.targets(r#"["acme-disk"]"#, regions, vpc), named);
        assert_eq!(folder.targets(r#"["a*e-disk"]"#, regions, vpc), "acme-disk:cn-hangzhou");
    }

    #[test]
    fn a_global_product_is_one_target_of_its_account_whatever_the_regions() {
        let folder = Folder::new();
        let global = "code = \"acme\"\nversion = \"1\"\nrequests_per_second = 2\nscope = \"global\"\n\
                      endpoints = { public_pattern = \"acme.aliyuncs.com\" }";
        folder.write("api/acme.toml", global);
        for regions in [r#"["cn-hangzhou", "cn-shanghai"]"#, r#"["all"]"#] {
            assert_eq!(folder.targets(r#"["acme-disk"]"#, regions, ""), "acme-disk:global");
        }
        let vpc = folder.targets(r#"["acme-disk"]"#, r#"["all"]"#, "api = { network = \"vpc\" }");
        assert!(vpc.ends_with("acme has no host inside a VPC in global"), "{vpc}");
    }

    #[test]
    fn a_mistake_in_a_file_is_reported_with_its_name_and_key_path() {
        let folder = Folder::new();
        folder.write("disk.toml", &product("acme-disk").replace("ListThings", "DeleteThings"));
        folder.write("api/acme.toml", &API.replace("acme.{region}.aliyuncs.com", "acme.example.com"));
        folder.write("notes.txt", "colour = 1");
        let account = "[[accounts]]\nname = \"a\"\nregions = [\"cn-hangzhou\"]";
        assert_eq!(
            folder.load(account).unwrap_err(),
            "own/api/acme.toml: endpoints.public_pattern: is not a host under .aliyuncs.com\n\
             own/disk.toml: resources.action: must begin with Describe, Get, List, Query or Search"
        );
        folder.write("disk.toml", &product("acme-disk"));
        let own = format!("api = {{ endpoint = \"http://127.0.0.1:9\" }}\n{account}");
        folder.load(&own).unwrap();
    }

    #[test]
    fn files_are_limited_in_size_and_number() {
        let account = "[[accounts]]\nname = \"a\"\nregions = [\"cn-hangzhou\"]";
        let folder = Folder::new();
        folder.write("big.toml", &format!("# {}", "x".repeat(64 << 10)));
        let problem = folder.load(account).unwrap_err();
        assert_eq!(problem, "config.toml: catalog.path: big.toml: is longer than 64 KiB");
        let folder = Folder::new();
        for number in 0..198 {
            folder.write(&format!("{number}.toml"), "");
        }
        let problem = folder.load(account).unwrap_err();
        assert_eq!(problem, "config.toml: catalog.path: has 201 files, the maximum is 200");
        let folder = Folder::new();
        fs::remove_dir_all(folder.0.path().join("own")).unwrap();
        let problem = folder.load(account).unwrap_err();
        assert!(problem.starts_with("config.toml: catalog.path: cannot read own: "), "{problem}");
    }

    #[test]
    fn the_leaving_statuses_of_own_products_are_those_of_the_rules() {
        let folder = Folder::new();
        let config = folder.load("[[accounts]]\nname = \"a\"\nregions = [\"cn-hangzhou\"]").unwrap();
        assert_eq!(config.rules.leaving["acme-disk"], ["Gone"]);
        assert_eq!(config.rules.leaving["hbase"], ["DELETING"]);
        let rules = "[[policy.required_tags]]\nkey = \"owner\"\n[[policy.required_tags]]\nkey = \"owner\"\n\
                     applies_to = { status = [\"STATUS\"] }\n[[accounts]]\nname = \"a\"\nregions = [\"cn-hangzhou\"]";
        assert!(folder.load(&rules.replace("STATUS", "Gone")).is_ok());
        assert!(folder.load(&rules.replace("STATUS", "Running")).unwrap_err().contains("is unreachable"));
    }
}
