//! `POST /-/reload`: reads the configuration again.

use hyper::StatusCode;
use hyper::header::HeaderMap;
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
    if site.hosts.are_foreign_to(headers) {
        return error(
            StatusCode::FORBIDDEN,
            "forbidden",
            "cross-origin requests are not allowed (see web.allowed_hosts)",
        );
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
