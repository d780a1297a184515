//! `POST /-/reload`: reads the configuration again.

use hyper::header::{HOST, HeaderMap, ORIGIN};
use hyper::{StatusCode, Uri};
use tokio::sync::oneshot;

use super::answer::{Answer, error, with_status};
use super::site::Site;

pub(super) async fn answer(site: &Site, headers: &HeaderMap) -> Answer {
    let Some(reloads) = &site.reloads else {
        return error(
            StatusCode::FORBIDDEN,
            "forbidden",
            "the lifecycle API is disabled; enable it with web.enable_lifecycle",
        );
    };
    if is_foreign(headers) {
        return error(StatusCode::FORBIDDEN, "forbidden", "cross-origin requests are not allowed");
    }
    let (reload, done) = oneshot::channel();
    if reloads.try_send(reload).is_err() {
        return error(StatusCode::CONFLICT, "conflict", "a reload is already in progress");
    }
    match done.await {
        Ok(Ok(())) => with_status(StatusCode::OK, "configuration reloaded\n"),
        Ok(Err(problems)) => {
            let text = format!("cannot reload the configuration, keeping the current one: {problems}");
            error(StatusCode::INTERNAL_SERVER_ERROR, "invalid_configuration", &text)
        }
        Err(_) => error(StatusCode::SERVICE_UNAVAILABLE, "stopping", "shutting down"),
    }
}

/// Whether a browser sends this on behalf of another site.
fn is_foreign(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return false };
    let host = headers.get(HOST).map(|host| host.as_bytes().to_vec());
    let origin = origin.to_str().ok().and_then(|origin| origin.parse::<Uri>().ok());
    let ours = origin.and_then(|origin| Some(origin.authority()?.as_str().as_bytes().to_vec()));
    ours.is_none() || ours != host
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    #[test]
    fn a_page_of_another_site_is_foreign_and_a_program_is_not() {
        let headers = |origin: Option<&'static str>| {
            let host = (HOST, HeaderValue::from_static("exporter:10042"));
            let origin = origin.map(|origin| (ORIGIN, HeaderValue::from_static(origin)));
            HeaderMap::from_iter([host].into_iter().chain(origin))
        };
        assert!(!is_foreign(&headers(None)));
        assert!(!is_foreign(&headers(Some("http://exporter:10042"))));
        for foreign in
            ["http://evil.example", "null", "http://exporter:80", "", "http://exporter:10042.evil.example"]
        {
            assert!(is_foreign(&headers(Some(foreign))), "{foreign}");
        }
    }
}
