//! Whatever the Accept headers say: the answer is coded as it says, and is the same in each coding.
#![no_main]

use std::io::Read as _;

use alicloud_tag_exporter_fuzz::Served;
use flate2::read::GzDecoder;
use hyper::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, HeaderValue};
use hyper::{Request, StatusCode};
use libfuzzer_sys::fuzz_target;

const PATH: &str =
    "/metrics?collect[]=alicloud_resource_info&collect[]=alicloud_tag_exporter_tag_changes_total";

thread_local!(static SERVED: Served = Served::default());

// The first line of the input is Accept, the rest Accept-Encoding.
fuzz_target!(|input: &[u8]| {
    let mut parts = input.splitn(2, |byte| *byte == b'\n');
    let mut header = || HeaderValue::from_bytes(parts.next().unwrap_or_default());
    let (Ok(accept), Ok(coding)) = (header(), header()) else { return };
    let plain = answer(&accept, None).expect("without a wish there is an answer");
    if let Some(coded) = answer(&accept, Some(&coding)) {
        assert_eq!(plain, coded);
    }
});

/// The text, or `None` where no coding will do.
fn answer(accept: &HeaderValue, coding: Option<&HeaderValue>) -> Option<String> {
    let mut request = Request::get(PATH).body(()).expect("a request");
    request.headers_mut().insert(ACCEPT, accept.clone());
    request.headers_mut().extend(coding.map(|coding| (ACCEPT_ENCODING, coding.clone())));
    let answer = SERVED.with(|served| served.answer(&request));
    if answer.status() == StatusCode::NOT_ACCEPTABLE {
        return None;
    }
    assert_eq!(answer.status(), StatusCode::OK);
    let body = answer.body().as_ref();
    let mut text = String::new();
    match answer.headers().get(CONTENT_ENCODING) {
        Some(_) => GzDecoder::new(body).read_to_string(&mut text).expect("it is gzip"),
        None => (&*body).read_to_string(&mut text).expect("it is text"),
    };
    Some(text)
}
