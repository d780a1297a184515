//! Any configuration is loaded, or its problems told.
#![no_main]

use alicloud_tag_exporter::config::{Sources, load, load_without_accounts};
use libfuzzer_sys::fuzz_target;

// The first line of the input is a variable and its value, the rest the file.
fuzz_target!(|input: &str| {
    // Files that a configuration names are read: this machine's are none of the input.
    if input.to_lowercase().contains("file") {
        return;
    }
    let (variable, text) = input.split_once('\n').unwrap_or_default();
    let (name, value) = variable.split_once('=').unwrap_or_default();
    let environment = [(format!("TAG_EXPORTER__{name}"), value.to_owned())].into();
    let sources =
        Sources { file: Some(("fuzz".to_owned(), text.to_owned())), environment, flags: Vec::new() };
    for loaded in [load(&sources), load_without_accounts(&sources)] {
        if let Err(problems) = loaded {
            assert!(!problems.0.is_empty(), "refused without a reason");
            assert!(problems.to_string().is_ascii() || !input.is_ascii());
        }
    }
});
