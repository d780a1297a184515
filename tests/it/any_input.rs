//! Whatever is asked, in whatever words: an answer or a refusal, and no failure of ours.

use alicloud_tag_exporter::config::{Sources, load};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, HeaderMap, HeaderName};
use serde_json::Value;
use simulator::synthetic;
use tokio::runtime::Handle;

use crate::support::Daemon;

/// What a daemon answers to requests of a property test.
struct Asked {
    daemon: Daemon,
    http: reqwest::Client,
}

impl Asked {
    /// Runs `test` for many inputs, off the runtime's workers.
    async fn by<S>(inputs: S, test: impl Fn(&Self, S::Value) -> Result<(), TestCaseError> + Send + 'static)
    where
        S: Strategy + Send + 'static,
    {
        let daemon = Daemon::start(synthetic(2, 5, 3), "").await;
        daemon.until_fresh().await;
        let http = reqwest::Client::builder().no_proxy().no_gzip().build().unwrap();
        let asked = Self { daemon, http };
        let run = move || TestRunner::default().run(&inputs, |input| test(&asked, input)).unwrap();
        tokio::task::spawn_blocking(run).await.unwrap();
    }

    fn get(&self, path: &str, headers: HeaderMap) -> (u16, HeaderMap, Vec<u8>) {
        let request = self.http.get(format!("http://{}{path}", self.daemon.address)).headers(headers);
        Handle::current().block_on(async {
            let answer = request.send().await.unwrap();
            let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
            (status, headers, answer.bytes().await.unwrap().into())
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_path_and_query_gets_an_answer_or_a_refusal_in_json() {
    let paths = "(/metrics|/tags|/tags/changes|/[a-z/.-]{0,12})";
    let names = "(limit|cursor|state|tag|region_id|since|collect%5B%5D|[a-z%\\[\\]]{0,6})";
    let pair = (names, "[a-zA-Z0-9%&=+:.-]{0,12}").prop_map(|(name, value)| format!("{name}={value}"));
    let queries = prop::collection::vec(pair, 0..4).prop_map(|pairs| pairs.join("&"));
    Asked::by((paths, queries), |asked, (path, query)| {
        let (status, headers, body) = asked.get(&format!("{path}?{query}"), HeaderMap::new());
        prop_assert!(status < 500, "{}", status);
        if headers["content-type"] == "application/json" {
            let json: Value = serde_json::from_slice(&body).unwrap();
            prop_assert_eq!(json.get("error").is_some(), status >= 400);
        }
        Ok(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_cursor_is_refused_or_brings_only_what_stands_behind_it() {
    let places = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        prop::array::uniform4("[a-z0-9-]{0,12}").prop_map(|place| serde_json::to_vec(&place).unwrap()),
    ];
    Asked::by(places, |asked, place| {
        let path = format!("/tags?cursor={}", URL_SAFE_NO_PAD.encode(&place));
        let (status, _, body) = asked.get(&path, HeaderMap::new());
        if status == 400 {
            return Ok(());
        }
        prop_assert_eq!(status, 200);
        let after: [String; 4] = serde_json::from_slice(&place).unwrap();
        let page: Value = serde_json::from_slice(&body).unwrap();
        for resource in page["resources"].as_array().unwrap() {
            let key = ["account", "region_id", "product", "resource_id"];
            prop_assert!(key.map(|name| resource[name].as_str().unwrap().to_owned()) > after);
        }
        Ok(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_coded_as_its_head_says_whatever_is_accepted() {
    let list = |words: &str| format!("(({words})(;q=[01](\\.[0-9])?)?[, ]{{0,2}}){{0,4}}");
    let formats = list("text/plain|application/openmetrics-text|\\*/\\*|[a-z/*;=]{1,9}");
    let codings = list("gzip|identity|\\*|br|[a-z*;=]{1,6}");
    let string = |pattern: String| proptest::string::string_regex(&pattern).unwrap();
    Asked::by((string(formats), string(codings)), |asked, (format, coding)| {
        let header = |name: HeaderName, value: &str| (name, value.parse().unwrap());
        let headers = HeaderMap::from_iter([header(ACCEPT, &format), header(ACCEPT_ENCODING, &coding)]);
        let (status, headers, body) = asked.get("/metrics?collect[]=alicloud_resource_info", headers);
        if status == 406 {
            return Ok(());
        }
        prop_assert_eq!(status, 200);
        let is_gzip = body.starts_with(&[0x1f, 0x8b]);
        prop_assert_eq!(headers.get(CONTENT_ENCODING).is_some_and(|coding| coding == "gzip"), is_gzip);
        prop_assert!(is_gzip || body.starts_with(b"# HELP alicloud_resource_info "));
        Ok(())
    })
    .await;
}

proptest! {
    #[test]
    fn any_configuration_is_loaded_or_its_problems_are_reported(
        lines in prop::collection::vec("(\\[?\\[?[a-z_.]{1,12}\\]?\\]?|[a-z_.]{1,16} = [\"\\[{a-z0-9}\\], =]{0,12})", 0..6),
        name in "[A-Z_]{0,16}",
        value in "[a-z0-9.]{0,8}",
    ) {
        let file = Some(("any".to_owned(), lines.join("\n")));
        let environment = [(format!("TAG_EXPORTER__{name}"), value)].into();
        if let Err(problems) = load(&Sources { file, environment, flags: Vec::new() }) {
            prop_assert!(!problems.0.is_empty());
        }
    }
}
