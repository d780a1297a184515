//! The bodies and headers of responses.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{ALLOW, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::{Response, StatusCode};
use serde::Serialize;
use serde_json::json;

use super::negotiation::Coding;
use crate::publication::exposition::{Block, Plain, gzip};

pub(super) type Answer = Response<Content>;

/// A body whose length is known. It holds what it shows: a slow reader sees one version to the end.
#[derive(Debug)]
pub enum Content {
    /// Pieces that exist already: nothing is copied.
    Ready(VecDeque<Bytes>),
    /// Compressed blocks, inflated as the reader takes them.
    Inflated(Plain),
}

impl Default for Content {
    fn default() -> Self {
        Self::from_iter([])
    }
}

impl FromIterator<Bytes> for Content {
    fn from_iter<I: IntoIterator<Item = Bytes>>(pieces: I) -> Self {
        Self::Ready(pieces.into_iter().filter(|piece| !piece.is_empty()).collect())
    }
}

impl Body for Content {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = match &mut *self {
            Self::Ready(pieces) => pieces.pop_front(),
            Self::Inflated(plain) => plain.next(),
        };
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Ready(pieces) => pieces.is_empty(),
            Self::Inflated(plain) => plain.left() == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match self {
            Self::Ready(pieces) => pieces.iter().map(|piece| piece.len() as u64).sum(),
            Self::Inflated(plain) => plain.left(),
        })
    }
}

pub(super) const JSON: &str = "application/json";
pub(super) const TEXT: &str = "text/plain; charset=utf-8";

pub(super) fn ok(content_type: &'static str, content: Content) -> Answer {
    let mut answer = Response::new(content);
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}

/// An answer of compressed blocks, as the client wants it.
pub(super) fn coded<'a>(
    content_type: &'static str,
    coding: Coding,
    blocks: impl IntoIterator<Item = &'a Block>,
) -> Answer {
    let mut answer = match coding {
        Coding::Identity => ok(content_type, Content::Inflated(Plain::of(blocks))),
        Coding::Gzip => ok(content_type, gzip(blocks).into_iter().collect()),
    };
    if coding == Coding::Gzip {
        answer.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    answer
}

/// For a client that accepts neither encoding.
pub(super) fn not_acceptable() -> Answer {
    let text = "supported encodings: gzip, identity";
    error(StatusCode::NOT_ACCEPTABLE, "not_acceptable", text)
}

/// A body with a single piece.
pub(super) fn whole(text: Bytes) -> Content {
    [text].into_iter().collect()
}

pub(super) fn with_status(status: StatusCode, text: &'static str) -> Answer {
    let mut answer = ok(TEXT, whole(Bytes::from_static(text.as_bytes())));
    *answer.status_mut() = status;
    answer
}

pub(super) fn json(value: &impl Serialize) -> Answer {
    match serde_json::to_vec(value) {
        Ok(text) => ok(JSON, whole(text.into())),
        Err(_) => not_written(),
    }
}

pub(super) fn not_written() -> Answer {
    error(StatusCode::INTERNAL_SERVER_ERROR, "internal", "cannot write the response")
}

/// `{"error": {"code": …, "message": …}}`.
pub(super) fn error(status: StatusCode, code: &str, message: &str) -> Answer {
    let text = json!({"error": {"code": code, "message": message}}).to_string();
    let mut answer = ok(JSON, whole(text.into()));
    *answer.status_mut() = status;
    answer
}

/// For a client that is one too many now.
pub(super) fn busy(message: &str) -> Answer {
    let mut answer = error(StatusCode::SERVICE_UNAVAILABLE, "busy", message);
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    answer
}

pub(super) fn unauthorized() -> Answer {
    let text = "authentication required";
    let mut answer = error(StatusCode::UNAUTHORIZED, "unauthorized", text);
    answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic"));
    answer
}

pub(super) fn method_not_allowed(allowed: &'static str) -> Answer {
    let text = format!("method not allowed; use {}", allowed.replace(", ", " or "));
    let mut answer = error(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", &text);
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    answer
}
