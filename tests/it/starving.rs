//! Readers, operators and a cloud that would stop the exporter, or let it starve.

use std::time::Duration;

use reqwest::Method;
use simulator::synthetic;
use tokio::time::timeout;

use crate::program::{self, Program};
use crate::support::Daemon;

/// For an end that is not waited for by a signal's receiver: the hard end, and some time.
const END: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_nobody_reads_stops_no_collection_and_no_end() {
    let (_cloud, address) = program::cloud(synthetic(120, 1, 1)).await;
    let folder = tempfile::tempdir().unwrap();
    let regions: Vec<_> = (10..120).map(|number| format!("sim-region-{number}")).collect();
    let config = format!(
        "collect = {{ interval = \"1s\", concurrency = 64 }}
         api = {{ endpoint = \"http://{address}\", requests_per_second = 5000.0 }}
         log = {{ level = \"trace\", format = \"json\" }}
         [[accounts]]
         name = \"{}\"
         regions = {regions:?}",
        "long".repeat(60),
    );
    let mut program = Program::start_unread(folder.path(), &config).await;
    program.until("/readyz", |text| text == "ready\n").await;
    // Each says one line, and a pipe takes 64 KiB.
    let after_some = |text: &str| {
        let lines = text.lines().filter(|line| line.starts_with("alicloud_tag_exporter_collections_total"));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum::<u64>() > 600
    };
    let query = "/metrics?collect[]=alicloud_tag_exporter_collections_total";
    program.until(query, after_some).await;
    let id = program.process.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").arg(id).status().unwrap().success());
    let ended = timeout(END, program.process.wait()).await.expect("it did not end").unwrap();
    assert_eq!(ended.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parameter_is_taken_twenty_times_and_no_more() {
    let daemon = Daemon::start(synthetic(1, 3, 2), "").await;
    daemon.until_fresh().await;
    for (path, parameter) in
        [("/tags", "missing=x"), ("/tags", "tag=x"), ("/metrics", "collect[]=alicloud_resource_tag")]
    {
        let times = |number| format!("{path}?{}", vec![parameter; number].join("&"));
        assert_eq!(daemon.get(&times(20)).await.0, 200, "{parameter}");
        let (status, text) = daemon.get(&times(21)).await;
        assert_eq!(status, 400, "{parameter}");
        assert!(text.contains("is given more than 20 times"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_the_metrics_that_the_configuration_cannot_have_is_an_error() {
    let daemon = Daemon::start(synthetic(1, 3, 2), "").await;
    daemon.until_fresh().await;
    for (query, status) in [
        ("account=test", 200),
        ("account=tset", 400),
        ("product=hbase", 200),
        ("product=hbsae", 400),
        ("account=test&product=ecs-instance", 400),
        ("region_id=nowhere", 200),
    ] {
        assert_eq!(daemon.get(&format!("/metrics?{query}")).await.0, status, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_keep_right_ones_and_health_from_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("web.yml");
    let hash = bcrypt::hash("secret", 12).unwrap();
    std::fs::write(&path, format!("basic_auth_users: {{ alice: {hash} }}")).unwrap();
    let settings = [("web.config_file", path.to_str().unwrap()), ("web.max_connections", "8")];
    let daemon = Daemon::start_with(&settings, synthetic(1, 3, 2), "").await;
    let scrape = |password: &'static str| {
        let request = daemon.request(Method::GET, "/metrics").basic_auth("alice", Some(password));
        async { request.send().await.unwrap().status().as_u16() }
    };
    assert_eq!(scrape("secret").await, 200);
    let mut guesses = tokio::task::JoinSet::new();
    for number in 0..200 {
        let wrong = format!("wrong {number}");
        let request = daemon.request(Method::GET, "/metrics").basic_auth("alice", Some(wrong));
        guesses.spawn(async { request.send().await.unwrap().status().as_u16() });
    }
    let mut answers = Vec::new();
    while answers.len() < 20 {
        assert_eq!(scrape("secret").await, 200);
        answers.extend(guesses.join_next().await.map(Result::unwrap));
    }
    assert!(answers.iter().all(|status| [401, 503].contains(status)), "{answers:?}");
    assert!(answers.contains(&503), "the line has no end");
}
