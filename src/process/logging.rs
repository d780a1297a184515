//! The log: to stderr, of this program; its libraries only warn.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::config::Log;

/// Starts the log of the process. Text in it is escaped: a tag cannot paint a terminal or forge a line.
pub fn start(log: &Log) {
    let filter = EnvFilter::new(format!("warn,alicloud_tag_exporter={}", log.level));
    let log_to_stderr = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // They would be told on stderr, by a macro that panics when nobody reads it any more.
        .log_internal_errors(false)
        .with_ansi(std::io::stderr().is_terminal());
    match log.json {
        true => log_to_stderr.json().init(),
        false => log_to_stderr.init(),
    }
}
