//! Where the configuration comes from.

use std::collections::BTreeMap;

use super::Problem;
use super::file::SECTIONS;

/// What the names of variables begin with.
pub(super) const PREFIX: &str = "TAG_EXPORTER";

/// A file, the environment and flags; the later come before the earlier.
#[derive(Debug, Default)]
pub struct Sources {
    /// The file's name, for messages, and its text; `None` to do without a file.
    pub file: Option<(String, String)>,
    pub environment: BTreeMap<String, String>,
    /// From the command line: key paths and values that come before all else.
    pub flags: Vec<(&'static str, String)>,
}

impl Sources {
    /// Variables that look like one of a key, and are not read: `TAG_EXPORTER_COLLECT_INTERVAL`.
    pub(super) fn misspelt(&self) -> Vec<Problem> {
        let paths: Vec<_> = SECTIONS
            .iter()
            .flat_map(|(section, keys)| keys.iter().map(move |key| format!("{section}.{key}")))
            .collect();
        let meant = |name: &String| {
            let rest = name.strip_prefix(PREFIX)?.strip_prefix('_').filter(|rest| !rest.starts_with('_'))?;
            let path = paths.iter().find(|path| letters(path).eq_ignore_ascii_case(&letters(rest)))?;
            let text = format!("is not read: the variable is {}", variable(path));
            Some(Problem { origin: Some(name.clone()), path: path.clone(), text })
        };
        self.environment.keys().filter_map(meant).collect()
    }

    /// Where the value at `path` comes from: the flag, the variable, or the file.
    pub(super) fn origin(&self, path: &str) -> Option<String> {
        if self.flags.iter().any(|(flag, _)| *flag == path) {
            let name = path.replace("config_file", "config.file").replace('_', "-");
            return Some(format!("--{name}"));
        }
        let variable = variable(path);
        let file = self.file.as_ref().map(|(name, _)| name.clone());
        self.environment.keys().find(|name| name.eq_ignore_ascii_case(&variable)).cloned().or(file)
    }
}

/// The variable for the value at `path`.
fn variable(path: &str) -> String {
    format!("{PREFIX}__{}", path.to_uppercase().replace('.', "__"))
}

fn letters(name: &str) -> String {
    name.replace(['_', '.'], "")
}
