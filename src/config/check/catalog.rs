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
