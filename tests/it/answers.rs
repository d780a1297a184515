//! The answers as HTTP: what a client can rely on beside their content.

use std::collections::BTreeSet;
use std::io::Read as _;

use jiff::Timestamp;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use simulator::{Resource, State, synthetic};

use crate::support::Daemon;

const PATHS: [&str; 6] = ["/", "/metrics", "/tags", "/tags/changes", "/healthz", "/readyz"];

fn header(answer: &Response, name: &str) -> String {
    answer.headers()[name].to_str().unwrap().to_owned()
}

async fn error_code(answer: Response) -> String {
    assert_eq!(header(&answer, "content-type"), "application/json");
    let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    assert!(!body["error"]["message"].as_str().unwrap().is_empty());
    body["error"]["code"].as_str().unwrap().to_owned()
}

async fn tags(daemon: &Daemon, query: &str, if_none_match: &str) -> Response {
    let request = daemon.request(Method::GET, &format!("/tags{query}"));
    request.header("if-none-match", if_none_match).send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entity_tag_stands_for_the_version_and_the_query() {
    let daemon = Daemon::start_with(&[("collect.interval", "5s")], synthetic(1, 3, 2), "").await;
    daemon.until_fresh().await;
    let etag = header(&tags(&daemon, "", "\"other\"").await, "etag");
    assert!(etag.starts_with('"') && etag.ends_with('"'), "{etag} is not strong");
    for known in [etag.clone(), format!("\"other\", {etag}"), format!("W/{etag}"), "*".to_owned()] {
        let answer = tags(&daemon, "", &known).await;
        assert_eq!(answer.status(), StatusCode::NOT_MODIFIED, "{known}");
        assert_eq!(header(&answer, "etag"), etag);
        assert_eq!(answer.text().await.unwrap(), "");
    }
    for query in ["?limit=1", "?missing=env", "?tag=env", "?account=test"] {
        assert_eq!(tags(&daemon, query, &etag).await.status(), StatusCode::OK, "{query}");
    }
    let one = header(&tags(&daemon, "?tag=a&tag=b", "").await, "etag");
    assert_eq!(one, header(&tags(&daemon, "?tag=b&tag=a", "").await, "etag"));

    let version = daemon.json("/tags").await["version"].clone();
    daemon.until("/tags", |_, text| !text.contains(&format!("\"version\":{version},"))).await;
    let answer = tags(&daemon, "", &etag).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_ne!(header(&answer, "etag"), etag);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_found_or_not_allowed_is_answered_in_json() {
    let daemon = Daemon::start(synthetic(1, 3, 2), "").await;
    for path in ["/nothing", "/tags/", "/metrics/x", "//", "/TAGS"] {
        let answer = daemon.request(Method::GET, path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
        assert_eq!(error_code(answer).await, "not_found");
    }
    for path in PATHS {
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS, Method::TRACE] {
            let answer = daemon.request(method, path).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
            assert_eq!(header(&answer, "allow"), "GET, HEAD");
            assert_eq!(error_code(answer).await, "method_not_allowed");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_parameter_is_refused_and_named() {
    let daemon = Daemon::start(synthetic(1, 3, 2), "").await;
    for (query, named) in [
        ("/tags?limit=0", "limit must be between 1 and 10000"),
        ("/tags?limit=10001", "limit must be between 1 and 10000"),
        ("/tags?limit=", "limit must be between 1 and 10000"),
        ("/tags?limit=1&limit=2", "limit"),
        ("/tags?cursor=made-up", "cursor"),
        ("/tags?state=good", "state"),
        ("/tags?region=cn-hangzhou", "region"),
        ("/tags/changes?since=yesterday", "since"),
        ("/tags/changes?until=2026-11-24", "until"),
        ("/tags/changes?limit=-1", "limit must be between 1 and 10000"),
        ("/tags/changes?cursor=made-up", "cursor"),
        ("/tags/changes?tag=env", "tag"),
    ] {
        let (status, body) = daemon.get(query).await;
        assert_eq!(status, 400, "{query}");
        let error: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(error["error"]["code"], "invalid_parameter", "{query}");
        assert!(error["error"]["message"].as_str().unwrap().contains(named), "{query}: {body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn head_is_answered_as_get_without_a_body() {
    let daemon = Daemon::start_with(&[("collect.interval", "60s")], synthetic(1, 3, 2), "").await;
    daemon.until_fresh().await;
    for path in PATHS.into_iter().chain(["/nothing", "/tags?limit=0"]) {
        // A client that decodes an answer drops its length.
        let ask = |method| daemon.request(method, path).header("accept-encoding", "identity").send();
        let (get, head) = (ask(Method::GET).await.unwrap(), ask(Method::HEAD).await.unwrap());
        assert_eq!(head.status(), get.status(), "{path}");
        assert_eq!(header(&head, "content-type"), header(&get, "content-type"), "{path}");
        // The metrics tell of themselves, so that they differ from one request to the next.
        if path != "/metrics" {
            assert_eq!(header(&head, "content-length"), header(&get, "content-length"), "{path}");
        }
        assert_eq!(head.text().await.unwrap(), "", "{path}");
    }
}

fn ids(page: &Value) -> Vec<String> {
    let rows = page["resources"].as_array().unwrap().iter();
    rows.map(|row| row["resource_id"].as_str().unwrap().to_owned()).collect()
}

/// The first and the last cluster of each region go, and two come.
fn shift(state: &mut State, round: usize) {
    for region in state.regions.values_mut() {
        let listed: BTreeSet<_> = region.of("hbase").iter().map(|cluster| cluster.id().to_owned()).collect();
        for id in [listed.first().unwrap(), listed.last().unwrap()] {
            region.of_mut("hbase").remove(id);
        }
        for id in [format!("aa-{round}"), format!("zz-{round}")] {
            region.of_mut("hbase").insert(Resource::new(&id));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_that_are_read_across_versions_show_nothing_twice_and_skip_nothing_that_stayed() {
    let daemon = Daemon::start_with(&[("collect.interval", "1s")], synthetic(2, 20, 1), "").await;
    daemon.until_fresh().await;
    let mut steady: BTreeSet<_> = ids(&daemon.json("/tags").await).into_iter().collect();
    let (mut seen, mut path) = (Vec::new(), "/tags?limit=9".to_owned());
    let (mut version, mut round) = (0, 0);
    loop {
        let page = daemon.json(&path).await;
        assert!(page["version"].as_u64().unwrap() > version);
        version = page["version"].as_u64().unwrap();
        seen.extend(ids(&page));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/tags?limit=9&cursor={cursor}");
        round += 1;
        daemon.cloud.edit(|state| shift(state, round));
        daemon
            .until("/tags?resource_id=aa-1", |_, text| text.matches("\"status\":\"fresh\"").count() == 2)
            .await;
        let both = |_, text: &str| text.matches("\"resource_id\"").count() == 2;
        daemon.until(&format!("/tags?resource_id=zz-{round}"), both).await;
        let now: BTreeSet<_> = ids(&daemon.json("/tags").await).into_iter().collect();
        steady.retain(|id| now.contains(id));
    }
    assert!(round >= 4, "{round} pages");
    let distinct: BTreeSet<_> = seen.iter().cloned().collect();
    let shifting = |id: &&String| id.starts_with("aa-") || id.starts_with("zz-");
    assert_eq!(
        seen.iter().filter(|id| !shifting(id)).count(),
        distinct.iter().filter(|id| !shifting(id)).count()
    );
    assert!(steady.len() > 20, "{steady:?}");
    assert!(steady.is_subset(&distinct), "{:?}", steady.difference(&distinct));
}

/// One change of a tag in each region, one cluster that goes and one that comes.
async fn with_changes() -> (Daemon, Vec<Value>) {
    let daemon = Daemon::start_with(&[("collect.interval", "1s")], synthetic(2, 4, 2), "").await;
    daemon.until_fresh().await;
    daemon.cloud.edit(|state| {
        for region in state.regions.values_mut() {
            region.of_mut("hbase").iter_mut().next().unwrap().tags.insert("brand new".into(), "1".into());
        }
        let clusters = state.regions.get_mut("cn-shanghai").unwrap().of_mut("hbase");
        clusters.remove("ld-sim0100000001");
        clusters.insert(Resource::new("hb-comes"));
    });
    let all = |_, text: &str| text.matches("\"kind\"").count() == 4;
    let told = daemon.until("/tags/changes", all).await;
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["next_cursor"], json!(null));
    let changes = told["changes"].as_array().unwrap().clone();
    (daemon, changes)
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_filtered_by_each_parameter() {
    let (daemon, changes) = with_changes().await;
    let newest = changes[0]["at"].as_str().unwrap();
    let oldest = changes[3]["at"].as_str().unwrap();
    for (query, number) in [
        ("account=test".to_owned(), 4),
        ("account=other".to_owned(), 0),
        ("product=hbase".to_owned(), 4),
        ("region_id=cn-hangzhou".to_owned(), 1),
        ("region_id=cn-shanghai".to_owned(), 3),
        ("resource_id=hb-comes".to_owned(), 1),
        ("resource_id=ld-sim0100000001".to_owned(), 1),
        ("key=brand+new".to_owned(), 2),
        ("key=brand+new&region_id=cn-shanghai".to_owned(), 1),
        (format!("since={oldest}"), 4),
        (format!("until={newest}"), 4),
        ("since=2999-01-01T00:00:00Z".to_owned(), 0),
        ("until=2000-01-01T00:00:00Z".to_owned(), 0),
    ] {
        let page = daemon.json(&format!("/tags/changes?{query}")).await;
        assert_eq!(page["changes"].as_array().unwrap().len(), number, "{query}");
    }
    let kinds: BTreeSet<_> = changes.iter().map(|change| change["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, BTreeSet::from(["resource_appeared", "resource_disappeared", "tag_added"]));
    let moment = |value: &Value| value.as_str().unwrap().parse::<Timestamp>().unwrap();
    assert!(changes.iter().all(|change| moment(&change["previous_at"]) < moment(&change["at"])));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_changes_show_each_change_once_while_new_ones_come() {
    let (daemon, changes) = with_changes().await;
    let first = daemon.json("/tags/changes?limit=1").await;
    daemon.cloud.edit(|state| {
        let region = state.regions.values_mut().next().unwrap();
        region.of_mut("hbase").insert(Resource::new("hb-late"));
    });
    daemon.until("/tags/changes", |_, text| text.contains("hb-late")).await;
    let (mut paged, mut page) = (Vec::new(), first);
    loop {
        paged.append(page["changes"].as_array_mut().unwrap());
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        page = daemon.json(&format!("/tags/changes?limit=1&cursor={cursor}")).await;
    }
    assert_eq!(paged, changes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_answer_is_the_same_under_another_tag() {
    let daemon = Daemon::start(synthetic(1, 30, 2), "").await;
    daemon.until_fresh().await;
    // Reads what comes as it comes.
    let client = reqwest::Client::builder().no_proxy().no_gzip().build().unwrap();
    for path in ["/metrics?collect[]=alicloud_resource_tag", "/tags", "/tags?tag=env"] {
        let ask = async |coding: &str| {
            let request = client.get(format!("http://{}{path}", daemon.address));
            request.header("accept-encoding", coding).send().await.unwrap()
        };
        let (plain, zipped) = (ask("identity").await, ask("gzip").await);
        assert_eq!(zipped.headers()["content-encoding"], "gzip");
        assert!(!plain.headers().contains_key("content-encoding"));
        assert!(plain.headers().get("etag") != zipped.headers().get("etag") || path.starts_with("/metrics"));
        let bytes = zipped.bytes().await.unwrap();
        let mut text = String::new();
        flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
        assert!(text.len() > 2 * bytes.len(), "{path}");
        // A collection that came between changes the head of the document only.
        let rows = |text: &str| match serde_json::from_str::<Value>(text) {
            Ok(document) => document["resources"].clone(),
            Err(_) => json!(text),
        };
        assert_eq!(rows(&text), rows(&plain.text().await.unwrap()), "{path}");
        assert_eq!(ask("identity;q=0").await.status(), 406);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_the_metrics_is_that_of_its_targets_and_without_the_exporters_own() {
    let daemon = Daemon::start(synthetic(3, 5, 2), "").await;
    daemon.until_fresh().await;
    let whole = daemon.metrics().await;
    let part = daemon.get("/metrics?region_id=cn-shanghai&account=test&product=hbase").await.1;
    let of = |text: &str, family: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| line.starts_with(&format!("{family}{{")));
        lines.map(str::to_owned).collect()
    };
    for family in ["alicloud_resource_info", "alicloud_resource_tags", "alicloud_resource_tag"] {
        let expected: Vec<_> = of(&whole, family)
            .into_iter()
            .filter(|line| line.contains("region_id=\"cn-shanghai\""))
            .collect();
        assert!(!expected.is_empty(), "{family}");
        assert_eq!(of(&part, family), expected);
    }
    assert!(
        whole.contains("alicloud_tag_exporter_build_info")
            && !part.contains("alicloud_tag_exporter_build_info")
    );
}
