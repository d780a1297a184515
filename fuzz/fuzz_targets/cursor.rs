//! Any cursor is taken or refused, and never brings a listing backwards.
#![no_main]

use alicloud_tag_exporter_fuzz::Served;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::{Request, StatusCode};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

thread_local!(static SERVED: Served = Served::default());

fuzz_target!(|place: &[u8]| {
    let cursor = URL_SAFE_NO_PAD.encode(place);
    for path in ["/tags", "/tags/changes"] {
        let request = Request::get(format!("{path}?limit=3&cursor={cursor}")).body(());
        let answer = SERVED.with(|served| served.answer(&request.expect("a request")));
        match answer.status() {
            StatusCode::OK => check(path, place, answer.body()),
            status => assert_eq!(status, StatusCode::BAD_REQUEST),
        }
    }
});

fn check(path: &str, place: &[u8], body: &[u8]) {
    let page: Value = serde_json::from_slice(body).expect("it is JSON");
    if path == "/tags" {
        let after: [String; 4] = serde_json::from_slice(place).expect("it was taken as a place");
        for resource in page["resources"].as_array().expect("a list") {
            let key = ["account", "region_id", "product", "resource_id"];
            let key = key.map(|name| resource[name].as_str().expect("a text").to_owned());
            assert!(key > after, "{key:?} is not behind {after:?}");
        }
    }
}
