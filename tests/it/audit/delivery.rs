//! Where the report goes, and what happens when it cannot get there.

use std::fs;
use std::process::Stdio;

use simulator::Fault;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Child;

use super::{Bench, LIMIT, OWNER_AND_ENV, mixed};
use crate::support::BETWEEN_LOOKS;

fn names(bench: &Bench) -> Vec<String> {
    let entries = fs::read_dir(&bench.folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_replaced_by_the_whole_report() {
    let bench = Bench::new(mixed(), OWNER_AND_ENV).await;
    fs::write(bench.path("report.txt"), "old").unwrap();
    let ran = bench.audit(&["--output", "report.txt"]).await;
    assert_eq!((ran.code, &*ran.stdout), (1, ""));
    assert_eq!(fs::read_to_string(bench.path("report.txt")).unwrap(), bench.audit(&[]).await.stdout);
    assert_eq!(names(&bench), ["config.toml", "report.txt"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_followed_and_stays() {
    let bench = Bench::new(mixed(), OWNER_AND_ENV).await;
    fs::write(bench.path("report.txt"), "old").unwrap();
    std::os::unix::fs::symlink("report.txt", bench.path("latest")).unwrap();
    assert_eq!(bench.audit(&["--output", "latest"]).await.code, 1);
    assert!(bench.path("latest").is_symlink());
    assert!(fs::read_to_string(bench.path("report.txt")).unwrap().contains("hb-half"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unwritable_output_is_reported_before_anything_is_collected() {
    let bench = Bench::new(mixed(), OWNER_AND_ENV).await;
    for place in ["no/such/folder/report.txt", "."] {
        let ran = bench.audit(&["--output", place]).await;
        assert_eq!(ran.code, 3);
        assert!(ran.stderr.contains("cannot write the report to"), "{}", ran.stderr);
    }
    bench.cloud.edit(|state| assert_eq!(state.log.iter().count(), 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_makes_it_3() {
    let bench = Bench::new(mixed(), OWNER_AND_ENV).await;
    let ran = bench.audit(&["--output", "/dev/full"]).await;
    assert_eq!(ran.code, 3);
    assert!(ran.stderr.contains("cannot write the report to /dev/full"), "{}", ran.stderr);
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let ended =
        bench.command(&["--format", "json"]).stdout(full).spawn().unwrap().wait_with_output().await.unwrap();
    assert_eq!(ended.status.code(), Some(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_went_away_makes_it_3() {
    let bench = Bench::new(mixed(), OWNER_AND_ENV).await;
    let mut program = bench.command(&["--format", "json"]).spawn().unwrap();
    drop(program.stdout.take());
    let ended = tokio::time::timeout(LIMIT, program.wait_with_output()).await.unwrap().unwrap();
    assert_eq!(ended.status.code(), Some(3));
    let told = String::from_utf8(ended.stderr).unwrap();
    assert!(told.contains("cannot write the report to stdout"), "{told}");
}

fn send(signal: &str, program: &Child) {
    let id = program.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_stops_it_with_3_and_an_older_report_stays() {
    for signal in ["TERM", "INT"] {
        let bench = Bench::new(mixed(), OWNER_AND_ENV).await;
        fs::write(bench.path("report.txt"), "old").unwrap();
        bench.fail("cn-shanghai", Fault::Slow(LIMIT * 5));
        let mut program = bench.command(&["--output", "report.txt"]).stderr(Stdio::piped()).spawn().unwrap();
        let mut looks = tokio::time::interval(BETWEEN_LOOKS);
        let asked = async {
            while bench.cloud.edit(|state| state.log.iter().count() == 0) {
                looks.tick().await;
            }
        };
        tokio::time::timeout(LIMIT, asked).await.expect("it asked nothing");
        send(signal, &program);
        let ended = tokio::time::timeout(LIMIT, program.wait()).await.expect("it did not stop").unwrap();
        assert_eq!(ended.code(), Some(3), "{signal}");
        let mut told = String::new();
        program.stderr.take().unwrap().read_to_string(&mut told).await.unwrap();
        assert_eq!(told, "stopped before the report was written\n");
        assert_eq!(fs::read_to_string(bench.path("report.txt")).unwrap(), "old");
        assert_eq!(names(&bench), ["config.toml", "report.txt"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_stops_it_also_while_it_waits_for_stdin() {
    let bench = Bench::new(mixed(), OWNER_AND_ENV).await;
    let mut program = bench.command(&["--offline", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = program.stdin.take().unwrap();
    // More than a pipe holds, so that it is reading when this has been written.
    let written = tokio::time::timeout(LIMIT, stdin.write_all(&[b' '; 1 << 20])).await;
    written.expect("it does not read").unwrap();
    send("TERM", &program);
    let ended = tokio::time::timeout(LIMIT, program.wait()).await.expect("it did not stop").unwrap();
    assert_eq!(ended.code(), Some(3));
}
