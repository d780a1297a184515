//! Under which names this server answers, and whose pages may ask it to act.

use hyper::Uri;
use hyper::header::{HOST, HeaderMap, ORIGIN};
use hyper::http::uri::Authority;

/// `web.allowed_hosts`: names, with a port where only that one counts.
#[derive(Debug, Clone, Default)]
pub struct Hosts(pub Vec<String>);

impl Hosts {
    /// Whether a request for this `Host` is answered: any where none is configured, and loopback always.
    pub(super) fn admit(&self, headers: &HeaderMap) -> bool {
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        self.0.is_empty() || host.and_then(|host| host.parse().ok()).is_some_and(|host| self.are_ours(&host))
    }

    /// Whether a browser sends this for a page that is not ours. A name of somebody else may lead to this address, so
    /// that `Host` says nothing.
    pub(super) fn are_foreign_to(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(ORIGIN) else { return false };
        let origin = origin.to_str().ok().and_then(|origin| origin.parse::<Uri>().ok());
        let authority = origin.as_ref().and_then(Uri::authority);
        !authority.is_some_and(|authority| self.are_ours(authority))
    }

    fn are_ours(&self, authority: &Authority) -> bool {
        let is = |name: &String| {
            name.eq_ignore_ascii_case(authority.host()) || name.eq_ignore_ascii_case(authority.as_str())
        };
        is_loopback(authority.host()) || self.0.iter().any(is)
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderName, HeaderValue};

    use super::*;

    fn headers(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn a_page_of_another_site_is_foreign_whatever_its_name_leads_to_and_a_program_is_not() {
        let hosts = Hosts(vec!["exporter.example".to_owned(), "other:10042".to_owned()]);
        assert!(!hosts.are_foreign_to(&HeaderMap::new()));
        for ours in [
            "http://exporter.example",
            "https://Exporter.example:8443",
            "http://other:10042",
            "http://localhost:10042",
            "http://127.0.0.1:10042",
            "http://[::1]:10042",
        ] {
            assert!(!hosts.are_foreign_to(&headers(ORIGIN, ours)), "{ours}");
        }
        for foreign in [
            "http://evil.example",
            "null",
            "",
            "http://other:80",
            "http://exporter.example.evil.example",
            "http://localhost.evil.example",
            "http://10.0.0.1:10042",
        ] {
            let mut both = headers(ORIGIN, foreign);
            both.insert(HOST, HeaderValue::from_static("evil.example"));
            assert!(hosts.are_foreign_to(&both), "{foreign}");
        }
    }

    #[test]
    fn any_host_is_answered_unless_some_are_named() {
        assert!(Hosts::default().admit(&headers(HOST, "anything")));
        let hosts = Hosts(vec!["exporter.example".to_owned()]);
        for (host, admitted) in [
            ("exporter.example:10042", true),
            ("127.0.0.1:10042", true),
            ("evil.example", false),
            ("exporter.example.evil.example", false),
        ] {
            assert_eq!(hosts.admit(&headers(HOST, host)), admitted, "{host}");
        }
        assert!(!hosts.admit(&HeaderMap::new()));
    }
}
