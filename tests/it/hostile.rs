//! Text of somebody else that means harm, through every output.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde_json::Value;
use simulator::{AccessKey, Region, Resource, State};
use url::form_urlencoded;

use crate::program::{self, Program};
use crate::support::Daemon;
use crate::text_format::samples;

const REGION: &str = "cn-hangzhou";
/// An id that ends the line of a log, paints a terminal, and turns the reading direction.
const ID: &str = "hb-\u{1b}[31m\n2026-11-24T03:00:00Z  INFO forged\u{202e}\u{2028}\0";

/// Each is the key and the value of a tag.
pub fn texts() -> Vec<String> {
    let mut texts = [
        "\u{1b}[2J\u{1b}]0;title\u{7}",
        "a\0b",
        "\u{7f}",
        "</script><img src=x onerror=alert(1)>",
        "\u{202e}gnp.exe\u{2066}\u{200f}",
        "\\",
        "ends in \\",
        "\\n is no line feed",
        "\"} 1\nalicloud_forged{a=\"",
        "line\r\nfeed\r",
        "\u{fffd}",
        "\u{2028}\u{2029}\u{feff}",
        "a=b&c=%00",
        "$(id)`id`{{7*7}}",
    ]
    .map(str::to_owned)
    .to_vec();
    texts.push((1..0x20).filter_map(char::from_u32).collect());
    texts.push((0x80..0xa0).filter_map(char::from_u32).collect());
    texts.push("长".repeat(2000));
    texts
}

/// A cluster whose id, name and tags mean harm, and one without tags.
pub fn state() -> State {
    let mut hostile = Resource::new(ID).with_tags(texts().into_iter().map(|text| (text.clone(), text)));
    hostile.name = texts().concat();
    let clusters = [hostile, Resource::new("hb-plain")];
    let mut state = State::new([(REGION, Region::new("Hangzhou", clusters))]);
    state.access_keys.insert("testid".into(), AccessKey::long_term("testsecret"));
    state
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn is_raw_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_text_is_passed_through_the_metrics_as_it_is() {
    let daemon = Daemon::start(state(), "").await;
    daemon.until_fresh().await;
    let samples = samples(&daemon.metrics().await);
    let tags = samples["alicloud_resource_tag"].keys().filter(|labels| labels["resource_id"] == ID);
    let tags: BTreeSet<_> = tags.map(|labels| (labels["key"].clone(), labels["value"].clone())).collect();
    assert_eq!(tags, texts().into_iter().map(|text| (text.clone(), text)).collect());
    let names = samples["alicloud_resource_info"].keys().map(|labels| labels["resource_name"].as_str());
    assert_eq!(names.collect::<BTreeSet<_>>(), BTreeSet::from(["hb-plain", &texts().concat()]));
    assert!(!samples.contains_key("alicloud_forged"));
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_text_is_plain_data_in_the_json_and_can_be_asked_for() {
    let daemon = Daemon::start(state(), "").await;
    daemon.until_fresh().await;
    let answer = daemon.request(Method::GET, "/tags").send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/json");
    assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
    assert!(answer.headers()["content-security-policy"].to_str().unwrap().contains("default-src 'none'"));
    let body = answer.text().await.unwrap();
    assert!(!body.contains(|c: char| c < ' '), "a raw control character");
    let rows = serde_json::from_str::<Value>(&body).unwrap();
    let tags: BTreeMap<String, String> =
        serde_json::from_value(rows["resources"][0]["tags"].clone()).unwrap();
    assert_eq!(tags, texts().into_iter().map(|text| (text.clone(), text)).collect());
    for text in texts() {
        let (key, pair) = (encoded(&text), encoded(&format!("{text}={text}")));
        for (query, id) in [("tag", key.clone()), ("tag", pair), ("missing", key)]
            .map(|(name, value)| format!("/tags?{name}={value}"))
            .into_iter()
            .zip([ID, ID, "hb-plain"])
        {
            let page = daemon.json(&query).await;
            assert_eq!(page["resources"].as_array().unwrap().len(), 1, "{text:?}");
            assert_eq!(page["resources"][0]["resource_id"], id);
        }
    }
    assert_eq!(
        daemon.json(&format!("/tags?resource_id={}", encoded(ID))).await["resources"][0]["resource_id"],
        ID
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_names_hostile_parameters_without_their_controls() {
    let daemon = Daemon::start(state(), "").await;
    for text in texts().into_iter().filter(|text| text.len() < 1000) {
        let (status, body) = daemon.get(&format!("/tags?{}=1", encoded(&text))).await;
        assert_eq!(status, 400, "{text:?}");
        assert!(!body.contains(is_raw_control), "{body:?}");
        assert_eq!(serde_json::from_str::<Value>(&body).unwrap()["error"]["code"], "invalid_parameter");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_hostile_text_are_reported_unchanged_and_can_be_filtered_by() {
    let mut state = state();
    let clusters = state.regions.get_mut(REGION).unwrap().of_mut("hbase");
    let tags = std::mem::take(&mut clusters.get_mut(ID).unwrap().tags);
    let daemon = Daemon::start(state, "").await;
    daemon.until_fresh().await;
    daemon.cloud.edit(|state| {
        state.regions.get_mut(REGION).unwrap().of_mut("hbase").get_mut(ID).unwrap().tags = tags.clone();
    });
    let told = daemon.until("/tags/changes", |_, text| text.contains("tag_added")).await;
    assert!(!told.contains(|c: char| c < ' '), "a raw control character");
    let told = serde_json::from_str::<Value>(&told).unwrap();
    let pair = |change: &Value| ["key", "new"].map(|name| change[name].as_str().unwrap().to_owned());
    let pairs: BTreeSet<_> = told["changes"].as_array().unwrap().iter().map(pair).collect();
    assert_eq!(pairs, tags.into_iter().map(|(key, value)| [key, value]).collect());
    for text in texts() {
        let page = daemon.json(&format!("/tags/changes?key={}", encoded(&text))).await;
        assert_eq!(page["changes"].as_array().unwrap().len(), 1, "{text:?}");
        assert_eq!(page["changes"][0]["resource_id"], ID);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_for_people_holds_no_text_of_the_cloud_and_nothing_in_it_can_act() {
    let daemon = Daemon::start(state(), "").await;
    let before = daemon.get("/").await;
    daemon.until_fresh().await;
    let answer = daemon.request(Method::GET, "/").send().await.unwrap();
    let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!((200, answer.text().await.unwrap()), before);
    assert!(before.1.contains("/tags/changes"));
}

/// The tags vanish from the tag listing, so the log names the cluster.
async fn log_of_a_hostile_id(format: &str) -> String {
    let mut state = state();
    let cluster = state.regions.get_mut(REGION).unwrap().of_mut("hbase").get_mut(ID).unwrap();
    cluster.inline_tags = Some(std::mem::take(&mut cluster.tags));
    let (_, endpoint) = program::cloud(state).await;
    let config = format!(
        "collect = {{ interval = \"1s\" }}
         api = {{ endpoint = \"http://{endpoint}\", requests_per_second = 1000.0 }}
         log = {{ level = \"trace\", format = \"{format}\" }}
         [[accounts]]
         name = \"test\"
         regions = [\"{REGION}\"]"
    );
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), &config).await;
    program.until("/tags", |text| text.contains("tags_unknown_since")).await;
    let (code, log) = program.stop().await;
    assert_eq!(code, Some(0));
    assert!(log.contains("forged"), "the id is not named: {log}");
    let raw = log.chars().find(|c| is_raw_control(*c) && *c != '\n');
    assert_eq!(raw, None, "{log:?}");
    log
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_of_text_has_no_raw_control_character_and_no_forged_line() {
    for line in log_of_a_hostile_id("text").await.lines() {
        let moment = line.split(' ').next().unwrap();
        assert!(moment.parse::<jiff::Timestamp>().is_ok(), "{line:?}");
        assert_ne!(moment, "2026-11-24T03:00:00Z");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_of_json_has_one_object_a_line() {
    for line in log_of_a_hostile_id("json").await.lines() {
        assert!(serde_json::from_str::<Value>(line).unwrap().is_object(), "{line:?}");
    }
}
