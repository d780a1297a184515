//! Lists the folders in `products/` for the program, so that a new product is a new folder and nothing else.

use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=products");
    let root = env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?;
    let entries = fs::read_dir(Path::new(&root).join("products"))?.collect::<io::Result<Vec<_>>>()?;
    let folders = entries.iter().filter(|entry| entry.path().is_dir());
    let mut names: Vec<_> = folders.map(|folder| folder.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    let rows: String = names.iter().map(|name| row(&root, name)).collect();
    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    fs::write(Path::new(&out).join("products.rs"), format!("&[{rows}]"))
}

/// Name, description and example, as an expression.
fn row(root: &str, name: &str) -> String {
    let file = |file| format!("include_str!({:?})", format!("{root}/products/{name}/{file}"));
    format!("({name:?}, {}, {}),\n", file("description.toml"), file("example.json"))
}
