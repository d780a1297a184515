//! What a client can read: `Accept` and `Accept-Encoding` (RFC 9110, sections 12.5.1 and 12.5.3).

use hyper::header::{ACCEPT, ACCEPT_ENCODING, HeaderMap, HeaderName};

use crate::publication::exposition::Format;

/// The content encoding of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Coding {
    Identity,
    Gzip,
}

impl Coding {
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
        }
    }
}

/// One member of a list header, in lower case.
struct Choice {
    name: String,
    parameters: Vec<(String, String)>,
    /// The `q` parameter; 1 if it is absent or invalid.
    quality: f32,
}

/// OpenMetrics if the client names it and does not prefer the text format.
pub(super) fn format(headers: &HeaderMap) -> Format {
    let choices = choices(headers, ACCEPT);
    let quality = |name: &str, versions: &[&str]| {
        let of_version = |choice: &&Choice| choice.parameter("version").is_none_or(|v| versions.contains(&v));
        let named = choices.iter().filter(|choice| choice.name == name).filter(of_version);
        named.map(|choice| choice.quality).reduce(f32::max)
    };
    let open_metrics = quality("application/openmetrics-text", &["1.0.0"]).unwrap_or_default();
    let text = quality("text/plain", &["0.0.4"]).or(quality("text/*", &[])).or(quality("*/*", &[]));
    match open_metrics > 0.0 && open_metrics >= text.unwrap_or_default() {
        true => Format::OpenMetrics,
        false => Format::Text,
    }
}

/// gzip if it is preferred at least as much as no encoding; `None` if neither is acceptable.
pub(super) fn coding(headers: &HeaderMap) -> Option<Coding> {
    let choices = choices(headers, ACCEPT_ENCODING);
    let named = |name: &str| choices.iter().find(|choice| choice.name == name).map(|choice| choice.quality);
    let gzip = named("gzip").or(named("x-gzip")).or(named("*")).unwrap_or_default();
    let identity = named("identity").or(named("*").filter(|quality| *quality == 0.0));
    if gzip > 0.0 && gzip >= identity.unwrap_or_default() {
        return Some(Coding::Gzip);
    }
    (identity != Some(0.0)).then_some(Coding::Identity)
}

fn choices(headers: &HeaderMap, name: HeaderName) -> Vec<Choice> {
    let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(Choice::of).collect()
}

impl Choice {
    fn of(text: &str) -> Self {
        let mut parts = text.split(';').map(|part| part.trim().to_ascii_lowercase());
        let name = parts.next().unwrap_or_default();
        let parameters: Vec<_> = parts
            .filter_map(|part| {
                let (name, value) = part.split_once('=')?;
                Some((name.trim().to_owned(), value.trim().trim_matches('"').to_owned()))
            })
            .collect();
        let mut choice = Self { name, parameters, quality: 1.0 };
        choice.quality = choice.parameter("q").and_then(|q| q.parse().ok()).unwrap_or(1.0);
        choice
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn headers(name: HeaderName, text: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(text))])
    }

    #[test]
    fn open_metrics_is_for_those_who_ask_for_it() {
        use Format::{OpenMetrics, Text};
        // The third is what Prometheus 2.42 sends, the fourth Prometheus 3.
        for (accept, expected) in [
            ("", Text),
            ("*/*", Text),
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
                 text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                OpenMetrics,
            ),
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
                 text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
                OpenMetrics,
            ),
            ("application/openmetrics-text; version=\"1.0.0\"", OpenMetrics),
            ("application/openmetrics-text;version=2.0.0,text/plain", Text),
            ("application/openmetrics-text;q=0", Text),
            ("application/openmetrics-text;q=0.4,text/plain;q=0.5", Text),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Text),
            ("application/openmetrics-text;q=x,,;;=", OpenMetrics),
        ] {
            assert_eq!(format(&headers(ACCEPT, accept)), expected, "{accept}");
        }
    }

    #[test]
    fn gzip_is_for_those_who_can_read_it() {
        use Coding::{Gzip, Identity};
        for (accepted, expected) in [
            ("", Some(Identity)),
            ("gzip", Some(Gzip)),
            ("GZIP;q=0.1", Some(Gzip)),
            ("deflate, br, *", Some(Gzip)),
            ("gzip;q=0", Some(Identity)),
            ("gzip;q=0.5, identity", Some(Identity)),
            ("gzip, identity;q=0", Some(Gzip)),
            ("identity;q=0", None),
            ("br, *;q=0", None),
            ("zstd", Some(Identity)),
        ] {
            assert_eq!(coding(&headers(ACCEPT_ENCODING, accepted)), expected, "{accepted}");
        }
    }
}
