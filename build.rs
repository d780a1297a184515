//! Tells the program what it was built from: the revision (from git, or `TAG_EXPORTER_REVISION`) and the compiler.
#![expect(
    clippy::disallowed_methods,
    reason = "cargo passes its settings to a build script by the environment"
)]

use std::env;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=TAG_EXPORTER_REVISION");
    println!("cargo::rerun-if-changed=.git/HEAD");
    let revision = env::var("TAG_EXPORTER_REVISION").ok();
    let revision = revision.or_else(|| first_line("git", &["rev-parse", "--short=12", "HEAD"]));
    let rustc = env::var("RUSTC").ok().and_then(|rustc| first_line(&rustc, &["--version"]));
    let rustc = rustc.as_deref().and_then(|line| line.split(' ').nth(1));
    println!("cargo::rustc-env=TAG_EXPORTER_REVISION={}", revision.as_deref().unwrap_or("unknown"));
    println!("cargo::rustc-env=TAG_EXPORTER_RUSTC={}", rustc.unwrap_or("unknown"));
}

fn first_line(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.lines().next().filter(|_| output.status.success()).map(str::to_owned)
}
