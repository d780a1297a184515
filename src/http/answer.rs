//! The answers' bodies and heads.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use serde::Serialize;
use serde_json::json;

pub(super) type Answer = Response<Blocks>;

/// A body of blocks that exist already: nothing is copied, and the length is known.
#[derive(Debug, Default)]
pub struct Blocks(VecDeque<Bytes>);

impl FromIterator<Bytes> for Blocks {
    fn from_iter<I: IntoIterator<Item = Bytes>>(blocks: I) -> Self {
        Self(blocks.into_iter().filter(|block| !block.is_empty()).collect())
    }
}

impl Body for Blocks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|block| Ok(Frame::data(block))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.iter().map(|block| block.len() as u64).sum())
    }
}

pub(super) const JSON: &str = "application/json";
pub(super) const TEXT: &str = "text/plain; charset=utf-8";

pub(super) fn ok(content_type: &'static str, blocks: impl IntoIterator<Item = Bytes>) -> Answer {
    let mut answer = Response::new(blocks.into_iter().collect());
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}

pub(super) fn with_status(status: StatusCode, text: &'static str) -> Answer {
    let mut answer = ok(TEXT, [Bytes::from_static(text.as_bytes())]);
    *answer.status_mut() = status;
    answer
}

pub(super) fn json(value: &impl Serialize) -> Answer {
    match serde_json::to_vec(value) {
        Ok(text) => ok(JSON, [text.into()]),
        Err(_) => error(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the answer could not be written"),
    }
}

/// `{"error": {"code": …, "message": …}}`.
pub(super) fn error(status: StatusCode, code: &str, message: &str) -> Answer {
    let text = json!({"error": {"code": code, "message": message}}).to_string();
    let mut answer = ok(JSON, [text.into()]);
    *answer.status_mut() = status;
    answer
}

pub(super) fn method_not_allowed() -> Answer {
    let mut answer = error(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "use GET or HEAD");
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    answer
}
