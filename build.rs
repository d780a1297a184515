//! Tells the program what it was built from: the revision (from git, or `TAG_EXPORTER_REVISION`) and the compiler. Lists
//! the catalog's files for it, so that a new product is a new file and nothing else.
#![expect(
    clippy::disallowed_methods,
    reason = "cargo passes its settings to a build script by the environment"
)]

use std::path::Path;
use std::process::Command;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-env-changed=TAG_EXPORTER_REVISION");
    println!("cargo::rerun-if-changed=.git/HEAD");
    let revision = env::var("TAG_EXPORTER_REVISION").ok();
    let revision = revision.or_else(|| first_line("git", &["rev-parse", "--short=12", "HEAD"]));
    let rustc = env::var("RUSTC").ok().and_then(|rustc| first_line(&rustc, &["--version"]));
    let rustc = rustc.as_deref().and_then(|line| line.split(' ').nth(1));
    println!("cargo::rustc-env=TAG_EXPORTER_REVISION={}", revision.as_deref().unwrap_or("unknown"));
    println!("cargo::rustc-env=TAG_EXPORTER_RUSTC={}", rustc.unwrap_or("unknown"));
    let files = [catalog_files("api", "api/")?, catalog_files("products", "")?].concat();
    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    fs::write(Path::new(&out).join("catalog.rs"), format!("&[{files}]"))
}

/// The names and texts of a folder of the catalog, as expressions.
fn catalog_files(folder: &str, prefix: &str) -> io::Result<String> {
    let root = env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?;
    let folder = Path::new(&root).join("src/cloud/catalog").join(folder);
    println!("cargo::rerun-if-changed={}", folder.display());
    let entries = fs::read_dir(&folder)?.collect::<io::Result<Vec<_>>>()?;
    let mut paths: Vec<_> = entries.iter().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    let row = |path: &std::path::PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        format!("({:?}, include_str!({:?})),\n", format!("{prefix}{name}"), path)
    };
    Ok(paths.iter().map(row).collect())
}

fn first_line(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.lines().next().filter(|_| output.status.success()).map(str::to_owned)
}
