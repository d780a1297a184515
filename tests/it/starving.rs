//! Readers, operators and a cloud that would stop the exporter, or let it starve.

use std::time::{Duration, Instant};

use alicloud_tag_exporter::config::{Sources, load_without_accounts};
use reqwest::Method;
use simulator::{Fault, FaultRule, synthetic};
use tokio::net::TcpStream;
use tokio::process::Command;
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
    let limits = std::fs::read_to_string(format!("/proc/{id}/limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().nth(4).unwrap(), "1", "its memory could be dumped");
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

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_that_its_deadline_ends_says_what_it_was_waiting_for() {
    let mut state = synthetic(1, 3, 2);
    let slow = Fault::Slow(Duration::from_millis(500));
    let throttle = Fault::Throttle { retry_after_ms: Some(900) };
    state.faults.push(FaultRule { action: Some("DescribeInstances".to_owned()), ..FaultRule::of(slow) });
    state.faults.push(FaultRule { action: Some("ListTagResources".to_owned()), ..FaultRule::of(throttle) });
    let settings = [("collect.deadline", "1s"), ("api.max_attempts", "5")];
    let daemon = Daemon::start_with(&settings, state, "").await;
    let tags = daemon.until("/tags", |_, text| text.contains(r#""status":"failed""#)).await;
    assert!(tags.contains(r#""reason":"throttled""#), "{tags}");
    assert!(tags.contains("the collection did not end within 1s"), "{tags}");
}

#[test]
fn a_configuration_without_measure_is_refused_at_once_with_every_number() {
    let exemptions = "[[policy.exemptions]]\nresource_id = \"x\"\n".repeat(10_001);
    let rules: String =
        (0..1_001).map(|number| format!("[[policy.required_tags]]\nkey = \"k{number}\"\n")).collect();
    let text = format!(
        "collect = {{ interval = \"1000000y\", max_staleness = \"1000000y\", concurrency = 100000000000 }}
         api = {{ requests_per_second = 1e10, request_timeout = \"1y\", max_attempts = 1000 }}
         web = {{ max_connections = 9223372036854775807 }}
         metrics = {{ max_series = 9223372036854775807 }}
         state = {{ history_retention = \"1000000y\" }}
         shard = {{ total = 4294967295 }}
         [policy]
         grace_period = \"1000000y\"
         {exemptions}
         {rules}"
    );
    let began = Instant::now();
    let file = Some(("test".to_owned(), text));
    let problems = load_without_accounts(&Sources { file, ..Sources::default() }).unwrap_err().to_string();
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    for expected in [
        "collect.interval: must be at most 30days",
        "collect.max_staleness: must be at most ",
        "collect.concurrency: must be 1 to 1024",
        "api.requests_per_second: must be 0, or 0.01 to 10000",
        "api.request_timeout: must be at most 10m",
        "api.max_attempts: must be 1 to 100",
        "web.max_connections: must be 1 to 1000000",
        "metrics.max_series: must be at most 100000000",
        "state.history_retention: must be at most ",
        "shard.total: must be 1 to 1024",
        "policy.grace_period: must be at most ",
        "policy.exemptions: has 10001 entries, must have at most 10000",
        "policy.required_tags: has 1001 entries, must have at most 1000",
    ] {
        assert!(problems.contains(expected), "{expected} is not in:\n{problems}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_past_the_open_files_take_neither_health_nor_the_log() {
    let (_cloud, address) = program::cloud(synthetic(1, 1, 1)).await;
    let folder = tempfile::tempdir().unwrap();
    let config = format!(
        "api = {{ endpoint = \"http://{address}\", requests_per_second = 5000.0 }}
         [[accounts]]
         name = \"test\"
         regions = [\"cn-hangzhou\"]"
    );
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 64; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_alicloud-tag-exporter")]);
    let program = Program::start_by(command, folder.path(), &config).await;
    program.until("/readyz", |text| text == "ready\n").await;
    let mut idle = Vec::new();
    for _ in 0..200 {
        idle.push(TcpStream::connect(program.address.trim_start_matches("http://")).await.unwrap());
    }
    for _ in 0..20 {
        // Over a connection of its own, which has to be accepted first.
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let began = Instant::now();
        let answer = client.get(format!("{}/healthz", program.address)).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    }
    let (code, log) = program.stop().await;
    assert_eq!(code, Some(0));
    assert!(log.matches("cannot accept connections").count() <= 1, "{log}");
}
