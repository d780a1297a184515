//! Logging to stderr: this program at the configured level, its libraries at `warn`.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::config::Log;

/// Starts logging. Control characters are escaped: a tag cannot colour a terminal or forge a line.
pub fn start(log: &Log) {
    let filter = EnvFilter::new(format!("warn,alicloud_tag_exporter={}", log.level));
    let log_to_stderr = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // They would go to stderr through a macro that panics once nobody reads it.
        .log_internal_errors(false)
        .with_ansi(std::io::stderr().is_terminal());
    match log.json {
        true => log_to_stderr.json().init(),
        false => log_to_stderr.init(),
    }
}
