//! The network side: HTTP/1.1 on a bound listener until told to stop.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Either, Full, Limited};
use hyper::body::{Body, Frame, Incoming};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE};
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::cloud::Cloud;
use super::fault::first_half;
use super::request::Request;
use super::response::{Answer, Delivery};

/// 50 ids and 20 tags stay far below this.
const MAX_BODY: usize = 1 << 20;

/// Why a connection ends before its answer does.
#[derive(Debug, thiserror::Error)]
enum BrokenOff {
    #[error("the body of a request cannot be read")]
    Request,
    #[error("a fault closes the connection")]
    Fault,
}

type AnswerBody = Either<Full<Bytes>, BrokenBody>;

/// Answers requests until `stop`. Several listeners may serve the same cloud. Connections end with it.
pub async fn serve(listener: TcpListener, cloud: Cloud, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((socket, _)) => drop(connections.spawn(connection(socket, cloud.clone()))),
            Err(error) => {
                tracing::warn!(%error, "the simulated cloud cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(socket: TcpStream, cloud: Cloud) {
    if let Err(error) = socket.set_nodelay(true) {
        tracing::debug!(%error, "a connection to the simulated cloud stays slow");
    }
    let service = service_fn(|request| respond(&cloud, request));
    let served =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service).await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection to the simulated cloud ended");
    }
}

async fn respond(
    cloud: &Cloud,
    request: hyper::Request<Incoming>,
) -> Result<Response<AnswerBody>, BrokenOff> {
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, MAX_BODY).collect().await.map_err(|_| BrokenOff::Request)?;
    let request = Request::new(&parts, &body.to_bytes());
    let answer = cloud.edit(|state| {
        state.in_flight += 1;
        state.most_in_flight = state.most_in_flight.max(state.in_flight);
        state.answer(&request, Timestamp::now())
    });
    if !answer.delay.is_zero() {
        tokio::time::sleep(answer.delay).await;
    }
    cloud.edit(|state| state.in_flight = state.in_flight.saturating_sub(1));
    response(answer)
}

fn response(answer: Answer) -> Result<Response<AnswerBody>, BrokenOff> {
    let mut response = Response::builder()
        .status(StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
        .header(CONTENT_TYPE, answer.content_type)
        .header("x-acs-request-id", &answer.request_id);
    if let Some(wait) = answer.retry_after_ms {
        response = response.header("x-acs-retry-after", wait);
    }
    if let Some(place) = answer.location {
        response = response.header("location", place);
    }
    let body = match answer.delivery {
        Delivery::Never => return Err(BrokenOff::Fault),
        Delivery::Whole => Either::Left(Full::from(answer.body)),
        Delivery::BreaksOff => {
            response = response.header(CONTENT_LENGTH, answer.body.len());
            Either::Right(BrokenBody::half_of(&answer.body))
        }
    };
    response.body(body).map_err(|_| BrokenOff::Fault)
}

/// Half of a body, then an error. In between it lets go once, so that the half is sent.
enum BrokenBody {
    Half(Bytes),
    Pause,
    Broken,
}

impl BrokenBody {
    fn half_of(body: &str) -> Self {
        Self::Half(Bytes::copy_from_slice(first_half(body).as_bytes()))
    }
}

impl Body for BrokenBody {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        match std::mem::replace(&mut *self, Self::Broken) {
            Self::Half(half) => {
                *self = Self::Pause;
                Poll::Ready(Some(Ok(Frame::data(half))))
            }
            Self::Pause => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Self::Broken => Poll::Ready(Some(Err(BrokenOff::Fault))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::SocketAddr;

    use url::form_urlencoded;

    use super::*;
    use crate::signature::example::signed;
    use crate::{Fault, FaultRule, synthetic};

    /// Everything that comes back for one request, until the connection closes.
    fn exchange(address: SocketAddr) -> String {
        let request = signed("ListTags", &[], Timestamp::now());
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(&request.form).finish();
        let mut socket = std::net::TcpStream::connect(address).unwrap();
        let headers = "host: x\r\nconnection: close\r\ncontent-type: application/x-www-form-urlencoded";
        let length = form.len();
        write!(socket, "POST / HTTP/1.1\r\n{headers}\r\ncontent-length: {length}\r\n\r\n{form}").unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        answer
    }

    async fn answer_under(faults: Vec<FaultRule>) -> String {
        let cloud = Cloud::new(synthetic(1, 3, 2));
        cloud.edit(|state| state.faults = faults);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        let served = tokio::spawn(serve(listener, cloud, stop.clone()));
        let answer = tokio::task::spawn_blocking(move || exchange(address)).await.unwrap();
        stop.cancel();
        served.await.unwrap();
        answer
    }

    /// The length in the headers, and the body.
    fn announced_and_sent(answer: &str) -> (usize, &str) {
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        (length.parse().unwrap(), body)
    }

    #[tokio::test]
    async fn a_signed_request_is_answered_over_the_network() {
        let answer = answer_under(Vec::new()).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        let (length, body) = announced_and_sent(&answer);
        assert_eq!(length, body.len());
        assert!(body.contains("TagKey"), "{body}");
    }

    #[tokio::test]
    async fn a_body_can_break_off_in_the_middle() {
        let answer = answer_under(vec![FaultRule::of(Fault::Truncate)]).await;
        let (length, body) = announced_and_sent(&answer);
        assert!(body.len().abs_diff(length / 2) <= 4, "{length} {body}");
    }

    #[tokio::test]
    async fn a_connection_can_close_without_an_answer() {
        assert_eq!(answer_under(vec![FaultRule::of(Fault::Abort)]).await, "");
    }

    #[tokio::test]
    async fn a_throttled_request_is_told_how_long_to_wait() {
        let answer = answer_under(vec![FaultRule::of(Fault::Throttle { retry_after_ms: Some(70) })]).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert!(answer.contains("x-acs-retry-after: 70\r\n"), "{answer}");
    }
}
