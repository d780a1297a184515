//! Method, path and query of any kind get an answer that is no failure of ours.
#![no_main]

use alicloud_tag_exporter_fuzz::Served;
use hyper::header::CONTENT_TYPE;
use hyper::{Method, Request, Uri};
use libfuzzer_sys::fuzz_target;

thread_local!(static SERVED: Served = Served::default());

// The first line of the input is a method, the rest a path with its query.
fuzz_target!(|input: &[u8]| {
    let mut parts = input.splitn(2, |byte| *byte == b'\n');
    let Ok(method) = Method::from_bytes(parts.next().unwrap_or_default()) else { return };
    let Ok(uri) = Uri::try_from(parts.next().unwrap_or_default()) else { return };
    let mut request = Request::new(());
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    let answer = SERVED.with(|served| served.answer(&request));
    assert!(!answer.status().is_server_error(), "{request:?}: {answer:?}");
    if answer.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "application/json") {
        let json: serde_json::Value = serde_json::from_slice(answer.body()).expect("it is JSON");
        assert_eq!(json.get("error").is_some(), !answer.status().is_success());
    }
});
