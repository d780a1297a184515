//! The configuration is read again: by SIGHUP and by a request, right or wrong.

use reqwest::Client;
use simulator::synthetic;

use crate::program::{self, Program};

const OK: &str = "alicloud_tag_exporter_config_last_reload_successful";

fn config(cloud: std::net::SocketAddr, regions: &[&str], more: &str) -> String {
    format!(
        "collect = {{ interval = \"1h\" }}
         api = {{ endpoint = \"http://{cloud}\", requests_per_second = 5000.0 }}
         web = {{ enable_lifecycle = true }}
         [[accounts]]
         name = \"test\"
         regions = {regions:?}
         {more}"
    )
}

async fn post(program: &Program, origin: Option<&str>) -> (u16, String) {
    let request = Client::builder().no_proxy().build().unwrap().post(format!("{}/-/reload", program.address));
    let request = origin.into_iter().fold(request, |request, origin| request.header("origin", origin));
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_configuration_takes_effect_and_targets_that_stay_lose_nothing() {
    let (_cloud, address) = program::cloud(synthetic(3, 5, 2)).await;
    let folder = tempfile::tempdir().unwrap();
    let before = config(address, &["cn-hangzhou", "cn-shanghai"], "");
    // The first collection comes within ten seconds of a start, and the next one an hour later.
    let program = Program::start(folder.path(), &before.replace("\"1h\"", "\"1s\"")).await;
    program.until("/readyz", |text| text == "ready\n").await;

    let rules = "[[policy.required_tags]]\nkey = \"nobody-has-it\"";
    let after = config(address, &["cn-hangzhou", "cn-beijing"], rules);
    std::fs::write(folder.path().join("config.toml"), &after).unwrap();
    assert_eq!(post(&program, Some("http://evil.example")).await.0, 403);
    assert_eq!(post(&program, None).await, (200, "configuration reloaded\n".to_owned()));
    let tags = program.json("/tags").await;
    let status = |region: &str| {
        let targets = tags["targets"].as_array().unwrap();
        targets.iter().find(|target| target["region_id"] == region).map(|target| target["status"].clone())
    };
    assert_eq!(status("cn-hangzhou").unwrap(), "fresh");
    assert_eq!(status("cn-beijing").unwrap(), "pending");
    assert_eq!(status("cn-shanghai"), None);
    let metrics = program.get("/metrics").await;
    assert!(metrics.contains("region_id=\"cn-hangzhou\",product=\"hbase\",state=\"violating\"} 5\n"));
    assert!(!metrics.contains("cn-shanghai"));
    assert!(program.all("/tags/changes", "changes").await.is_empty());

    std::fs::write(folder.path().join("config.toml"), after.replace("regions", "region")).unwrap();
    let (status, text) = post(&program, None).await;
    assert_eq!(status, 500);
    assert!(text.contains("accounts[0].region: unknown key"), "{text}");
    let metrics = program.get("/metrics").await;
    assert!(metrics.contains(&format!("\n{OK} 0\n")) && metrics.contains("cn-beijing"));

    std::fs::write(folder.path().join("config.toml"), after.replace("nobody-has-it", "env")).unwrap();
    let id = program.process.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args(["-HUP", &id]).status().unwrap().success());
    let metrics = program.until("/metrics", |text| text.contains(&format!("\n{OK} 1\n"))).await;
    assert!(metrics.contains("key=\"env\"}") && !metrics.contains("nobody-has-it"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metrics_of_an_account_leave_with_it() {
    let (_cloud, address) = program::cloud(synthetic(1, 1, 1)).await;
    let folder = tempfile::tempdir().unwrap();
    let before = config(address, &["cn-hangzhou"], "");
    let program = Program::start(folder.path(), &before).await;
    let info = |account: &str| format!("alicloud_account_info{{account=\"{account}\",");
    program.until("/metrics", |text| text.contains(&info("test"))).await;
    let after = before.replace("name = \"test\"", "name = \"other\"");
    std::fs::write(folder.path().join("config.toml"), after).unwrap();
    assert_eq!(post(&program, None).await.0, 200);
    assert!(!program.get("/metrics").await.contains(&info("test")));
    program.until("/metrics", |text| text.contains(&info("other"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_can_ask_for_it_only_where_that_is_allowed() {
    let (_cloud, address) = program::cloud(synthetic(1, 1, 1)).await;
    let folder = tempfile::tempdir().unwrap();
    let closed = config(address, &["cn-hangzhou"], "").replace("enable_lifecycle = true", "");
    let program = Program::start(folder.path(), &closed).await;
    assert_eq!(post(&program, None).await.0, 403);
    assert!(program.get("/-/reload").await.contains("method_not_allowed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_effect_at_the_next_start_only_and_what_may_not_be_meant_is_logged() {
    let (_cloud, address) = program::cloud(synthetic(1, 1, 1)).await;
    let folder = tempfile::tempdir().unwrap();
    let doubtful = config(address, &["all"], "").replace("api = {", "api = { network = \"vpc\",");
    let program = Program::start(folder.path(), &doubtful).await;
    let after = doubtful.replace("enable_lifecycle = true", "enable_lifecycle = true, max_connections = 7");
    std::fs::write(folder.path().join("config.toml"), after).unwrap();
    assert_eq!(post(&program, None).await.0, 200);
    let (_, log) = program.stop().await;
    assert!(
        log.contains("web.max_connections has changed; the change takes effect at the next start"),
        "{log}"
    );
    assert!(log.contains("regions that this VPC cannot reach will fail"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes half a minute; `make test` runs it"]
async fn a_thousand_targets_that_stay_notice_nothing_of_reloads() {
    let (cloud, address) = program::cloud(synthetic(1_010, 1, 1)).await;
    let folder = tempfile::tempdir().unwrap();
    let regions: Vec<_> = (10..1_010).map(|number| format!("sim-region-{number}")).collect();
    let regions: Vec<_> = regions.iter().map(String::as_str).collect();
    let text =
        config(address, &regions, "").replace("interval = \"1h\"", "interval = \"1h\", concurrency = 64");
    let program = Program::start(folder.path(), &text).await;
    program.until("/readyz", |text| text == "ready\n").await;
    program.until("/tags?limit=1", |text| text.matches(r#""status":"fresh""#).count() == 1_000).await;
    cloud.edit(|state| state.log.clear());
    for _ in 0..3 {
        assert_eq!(post(&program, None).await, (200, "configuration reloaded\n".to_owned()));
    }
    let began = std::time::Instant::now();
    assert_eq!(post(&program, None).await.0, 200);
    assert_eq!(post(&program, None).await.0, 200);
    assert!(began.elapsed().as_secs_f64() > 0.9, "reloads are a second apart: {:?}", began.elapsed());
    let tags = program.get("/tags?limit=1").await;
    assert_eq!(tags.matches(r#""status":"fresh""#).count(), 1_000);
    let sent = cloud.edit(|state| state.log.iter().map(|one| one.action.clone()).collect::<Vec<_>>());
    assert_eq!(sent, [""; 0], "a target was started anew");
}
