//! From a request to its response.

use std::time::Duration;

use hyper::header::{AUTHORIZATION, CONTENT_SECURITY_POLICY, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use hyper::{Request, StatusCode};

use super::answer::{Answer, TEXT, busy, error, method_not_allowed, ok, unauthorized, whole, with_status};
use super::query::BadQuery;
use super::route::Route;
use super::site::Site;
use super::{changes, landing, metrics, reload, tags};
use crate::access::Admission;
use crate::clock::Heartbeat;

/// A loop that has not moved for longer is stuck. Each moves at least once a minute.
const MAX_STILL: Duration = Duration::from_secs(120);

/// The label `handler` of requests for unknown paths.
const OTHER: &str = "other";

impl Site {
    /// The answer to one request, counted.
    pub async fn answer<B>(&self, request: &Request<B>, admission: Admission) -> Answer {
        let route = Route::at(request.uri().path());
        let web = self.web.borrow().clone();
        let mut answer = match (admission, route) {
            (Admission::Refused, _) => unauthorized(),
            (Admission::Busy, _) => busy("too many passwords are being checked"),
            (Admission::Admitted, Some(route)) => self.respond(route, request).await,
            (Admission::Admitted, None) => error(StatusCode::NOT_FOUND, "not_found", "not found"),
        };
        answer.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        answer.headers_mut().entry(CONTENT_SECURITY_POLICY).or_insert(landing::NOTHING_ALLOWED);
        answer.headers_mut().extend(web.headers.clone());
        self.counted(request, answer)
    }

    /// Counts the answer in the instruments.
    pub(super) fn counted<B>(&self, request: &Request<B>, answer: Answer) -> Answer {
        let handler = Route::at(request.uri().path()).map_or(OTHER, Route::path);
        self.instruments.http_answered(handler, answer.status().as_u16());
        answer
    }

    /// Counts what was not a request, and was answered or cut off before it came here.
    pub(super) fn refused(&self, error: &hyper::Error) {
        let code = match (error.is_parse_too_large(), error.is_parse()) {
            (true, _) => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            (false, true) => StatusCode::BAD_REQUEST,
            (false, false) => return,
        };
        self.instruments.http_answered(OTHER, code.as_u16());
    }

    /// Whether the one who sends this may have an answer.
    pub(super) async fn admission<B>(&self, request: &Request<B>) -> Admission {
        let route = Route::at(request.uri().path());
        if self.health_without_auth && route.is_some_and(Route::is_health) {
            return Admission::Admitted;
        }
        let web = self.web.borrow().clone();
        web.users.admit(request.headers().get(AUTHORIZATION).map(HeaderValue::as_bytes)).await
    }

    async fn respond<B>(&self, route: Route, request: &Request<B>) -> Answer {
        if !route.allows(request.method()) {
            return method_not_allowed(route.allowed());
        }
        if !route.is_health() && !self.hosts.admit(request.headers()) {
            let text = "this host name is not allowed (see web.allowed_hosts)";
            return error(StatusCode::FORBIDDEN, "forbidden", text);
        }
        let (query, headers) = (request.uri().query().unwrap_or_default(), request.headers());
        let answer = match route {
            Route::Landing => Ok(landing::answer()),
            Route::Metrics => metrics::answer(self, query, headers),
            Route::Tags => tags::answer(self, query, headers).await,
            Route::Changes => changes::answer(self, query).await,
            Route::Healthy => Ok(health(&self.heartbeats)),
            Route::Ready => Ok(self.readiness()),
            Route::Reload => Ok(reload::answer(self, headers).await),
        };
        answer.unwrap_or_else(|BadQuery(text)| error(StatusCode::BAD_REQUEST, "invalid_parameter", &text))
    }

    fn readiness(&self) -> Answer {
        let not_ready = |text| with_status(StatusCode::SERVICE_UNAVAILABLE, text);
        match self.published.borrow().was_complete {
            _ if self.stop.is_cancelled() => not_ready("shutting down\n"),
            true => with_status(StatusCode::OK, "ready\n"),
            false => not_ready("not ready: the first collections or region discoveries are in progress\n"),
        }
    }
}

/// Whether every loop is alive, or which one is not.
fn health(heartbeats: &[(&'static str, Heartbeat)]) -> Answer {
    let stuck = heartbeats.iter().find(|(_, heartbeat)| heartbeat.age() > MAX_STILL);
    let Some((name, heartbeat)) = stuck else { return with_status(StatusCode::OK, "ok\n") };
    let text = format!("the {name} has been stuck for {} s\n", heartbeat.age().as_secs());
    let mut answer = ok(TEXT, whole(text.into()));
    *answer.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn health_names_the_loop_that_does_not_move_any_more() {
        let heartbeats = [("publisher", Heartbeat::default()), ("collectors' loop", Heartbeat::default())];
        tokio::time::advance(MAX_STILL).await;
        assert_eq!(health(&heartbeats).status(), StatusCode::OK);
        heartbeats[0].1.beat();
        tokio::time::advance(Duration::from_secs(1)).await;
        let answer = health(&heartbeats);
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(format!("{:?}", answer.body()).contains("the collectors' loop has been stuck for 121 s"));
        heartbeats[1].1.beat();
        assert_eq!(health(&heartbeats).status(), StatusCode::OK);
    }
}
