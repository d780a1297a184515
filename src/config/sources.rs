//! Where the configuration comes from.

use std::collections::BTreeMap;

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
    /// Where the value at `path` comes from: the flag, the variable, or the file.
    pub(super) fn origin(&self, path: &str) -> Option<String> {
        if self.flags.iter().any(|(flag, _)| *flag == path) {
            let name = path.replace("config_file", "config.file").replace('_', "-");
            return Some(format!("--{name}"));
        }
        let variable = format!("{PREFIX}__{}", path.to_uppercase().replace('.', "__"));
        let file = self.file.as_ref().map(|(name, _)| name.clone());
        self.environment.keys().find(|name| name.eq_ignore_ascii_case(&variable)).cloned().or(file)
    }
}
