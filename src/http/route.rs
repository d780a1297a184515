//! Which path gets which answer.

use hyper::header::{AUTHORIZATION, CONTENT_SECURITY_POLICY, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use hyper::{Method, Request, StatusCode};

use super::answer::{Answer, error, method_not_allowed, unauthorized, with_status};
use super::query::BadQuery;
use super::site::Site;
use super::{changes, landing, metrics, reload, tags};
use crate::access::Web;

impl Site {
    /// The answer to one request. It stands in the instruments then.
    pub async fn answer<B>(&self, request: &Request<B>) -> Answer {
        let handler = handler(request.uri().path());
        let web = self.web.borrow().clone();
        let mut answer = match (handler, request.method()) {
            _ if !self.admits(&web, request).await => unauthorized(),
            (None, _) => error(StatusCode::NOT_FOUND, "not_found", "there is nothing at this path"),
            (Some(RELOAD), &Method::POST) => reload::answer(self, request.headers()).await,
            (Some(RELOAD), _) => method_not_allowed("POST"),
            (Some(handler), &Method::GET | &Method::HEAD) => self.respond(handler, request).await,
            (Some(_), _) => method_not_allowed("GET, HEAD"),
        };
        answer.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        answer.headers_mut().entry(CONTENT_SECURITY_POLICY).or_insert(landing::NOTHING_ALLOWED);
        answer.headers_mut().extend(web.headers.clone());
        self.counted(request, answer)
    }

    /// The answer, which now stands in the instruments.
    pub(super) fn counted<B>(&self, request: &Request<B>, answer: Answer) -> Answer {
        let handler = handler(request.uri().path()).unwrap_or(OTHER);
        self.instruments.http_answered(handler, answer.status().as_u16());
        answer
    }

    /// Counts what was no request, and was answered or cut off before it came here.
    pub(super) fn refused(&self, error: &hyper::Error) {
        let code = match (error.is_parse_too_large(), error.is_parse()) {
            (true, _) => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            (false, true) => StatusCode::BAD_REQUEST,
            (false, false) => return,
        };
        self.instruments.http_answered(OTHER, code.as_u16());
    }

    /// Whether `path` tells the health of the process.
    pub(super) fn is_health(path: &str) -> bool {
        matches!(path, "/healthz" | "/readyz")
    }

    async fn admits<B>(&self, web: &Web, request: &Request<B>) -> bool {
        let open = self.health_without_auth && Self::is_health(request.uri().path());
        open || web.users.admit(request.headers().get(AUTHORIZATION).map(HeaderValue::as_bytes)).await
    }

    async fn respond<B>(&self, handler: &str, request: &Request<B>) -> Answer {
        let query = request.uri().query().unwrap_or_default();
        let answer = match handler {
            "/metrics" => metrics::answer(self, query, request.headers()),
            "/tags" => tags::answer(self, query, request.headers()),
            "/tags/changes" => changes::answer(self, query).await,
            "/healthz" => Ok(with_status(StatusCode::OK, "ok\n")),
            "/readyz" => Ok(self.readiness()),
            _ => Ok(landing::answer()),
        };
        answer.unwrap_or_else(|BadQuery(text)| error(StatusCode::BAD_REQUEST, "invalid_parameter", &text))
    }

    fn readiness(&self) -> Answer {
        if self.stop.is_cancelled() {
            return with_status(StatusCode::SERVICE_UNAVAILABLE, "stopping\n");
        }
        match self.published.borrow().was_complete {
            true => with_status(StatusCode::OK, "ready\n"),
            false => with_status(
                StatusCode::SERVICE_UNAVAILABLE,
                "not every target has been collected yet, or regions are still looked for\n",
            ),
        }
    }
}

const RELOAD: &str = "/-/reload";

/// The label value of what is no path of ours.
const OTHER: &str = "other";

/// The path as a label value; `None` where nothing is.
fn handler(path: &str) -> Option<&'static str> {
    const PATHS: &[&str] = &["/", "/metrics", "/tags", "/tags/changes", "/healthz", "/readyz", RELOAD];
    PATHS.iter().copied().find(|known| *known == path)
}
