//! Problems under key paths.

use std::time::Duration;

use globset::{Glob, GlobSet, GlobSetBuilder};

use super::Problem;
use super::sources::Sources;

/// In one list.
const MAX_GLOBS: usize = 10_000;

/// Collects problems under key paths.
pub(super) struct Checker<'a> {
    pub sources: &'a Sources,
    pub problems: &'a mut Vec<Problem>,
}

impl Checker<'_> {
    pub fn wrong(&mut self, path: impl Into<String>, text: impl Into<String>) {
        let path = path.into();
        let origin = self.sources.origin(&path);
        self.problems.push(Problem { origin, path, text: text.into() });
    }

    pub fn unless(&mut self, right: bool, path: &str, text: &str) {
        if !right {
            self.wrong(path, text);
        }
    }

    /// A list that is longer is a slip, or takes more time than it can be worth.
    pub fn at_most<T>(&mut self, path: &str, list: &[T], most: usize) {
        if list.len() > most {
            self.wrong(path, format!("has {} entries, must have at most {most}", list.len()));
        }
    }

    /// A longer time is a slip, and more than clocks can be moved by.
    pub fn short_enough(&mut self, path: &str, time: Duration, most: Duration) {
        if time > most {
            let most = humantime::format_duration(most);
            self.wrong(path, format!("must be at most {most}"));
        }
    }

    /// What `text` names in the table of all that it may be.
    pub fn one_of<T: Copy>(&mut self, path: &str, text: &str, all: &[(&str, T)]) -> Option<T> {
        let named = all.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
        if named.is_none() {
            let names: Vec<_> = all.iter().map(|(name, _)| *name).collect();
            self.wrong(path, format!("must be one of {}, not {text:?}", names.join(", ")));
        }
        named
    }

    pub fn globs(&mut self, path: &str, patterns: &[String]) -> GlobSet {
        self.at_most(path, patterns, MAX_GLOBS);
        let mut set = GlobSetBuilder::new();
        for (index, pattern) in patterns.iter().enumerate() {
            match glob(pattern) {
                Ok(glob) => _ = set.add(glob),
                Err(problem) => self.wrong(format!("{path}[{index}]"), problem),
            }
        }
        set.build().unwrap_or_else(|error| {
            self.wrong(path, error.kind().to_string());
            GlobSet::empty()
        })
    }

    /// What `check` makes of each of `files`, which stand in a list at `path`.
    pub fn each<F, T>(
        &mut self,
        path: &str,
        files: Vec<F>,
        mut check: impl FnMut(&mut Self, &str, F) -> T,
    ) -> Vec<T> {
        let checked = files.into_iter().enumerate();
        checked.map(|(index, file)| check(self, &format!("{path}[{index}]"), file)).collect()
    }

    /// A single glob, whose key path is that of the value.
    pub fn globs_at(&mut self, path: &str, pattern: &str) -> GlobSet {
        let globs = glob(pattern).and_then(|glob| {
            GlobSetBuilder::new().add(glob).build().map_err(|error| error.kind().to_string())
        });
        globs.unwrap_or_else(|problem| {
            self.wrong(path, problem);
            GlobSet::empty()
        })
    }
}

/// A glob, or what is wrong with it. `[…]` stands for one byte, so a class with longer characters would fit nothing.
pub(super) fn glob(pattern: &str) -> Result<Glob, String> {
    let class = |rest: &str| rest.split(']').next().is_some_and(|class| !class.is_ascii());
    if pattern.split('[').skip(1).any(class) {
        return Err("contains non-ASCII characters in […]: use {…,…} instead".to_owned());
    }
    Glob::new(pattern).map_err(|error| error.kind().to_string())
}
