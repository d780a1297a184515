//! `GET /`: a page for people, without any text of the cloud.

use bytes::Bytes;
use hyper::header::{CONTENT_SECURITY_POLICY, HeaderValue};

use super::answer::{Answer, ok, whole};

/// Forbids scripts, styles and images in every response.
pub(super) const NOTHING_ALLOWED: HeaderValue =
    HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

const PAGE: &str = concat!(
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>Alibaba Cloud tag exporter</title></head>\n",
    "<body>\n<h1>Alibaba Cloud tag exporter</h1>\n<p>Version ",
    env!("CARGO_PKG_VERSION"),
    "</p>\n<ul>\n",
    "<li><a href=\"/metrics\">Metrics</a>, for Prometheus</li>\n",
    "<li><a href=\"/tags\">Tags</a>, all resources, as JSON</li>\n",
    "<li><a href=\"/tags?state=violating\">Violations</a>, resources that violate a rule</li>\n",
    "<li><a href=\"/tags/changes\">Changes</a> to tags and resources, newest first</li>\n",
    "<li><a href=\"/readyz\">Readiness</a></li>\n</ul>\n</body>\n</html>\n",
);

pub(super) fn answer() -> Answer {
    let mut answer = ok("text/html; charset=utf-8", whole(Bytes::from_static(PAGE.as_bytes())));
    answer.headers_mut().insert(CONTENT_SECURITY_POLICY, NOTHING_ALLOWED);
    answer
}
