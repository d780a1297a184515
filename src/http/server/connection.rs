//! One connection, with its limits on time and memory.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{CONNECTION, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_util::sync::CancellationToken;

use super::head;
use super::places::{Place, Places};
use super::waiting::{Deadline, Waiting, passed};
use crate::http::answer::{self, Answer, Content};
use crate::http::route::Route;
use crate::http::site::Site;

/// From the connection to the end of its first request head, with the TLS handshake.
pub(super) const FIRST_HEAD: Duration = Duration::from_secs(10);
/// From the end of an answer to the end of the next head.
const NEXT_HEAD: Duration = Duration::from_secs(120);
/// From a head to the last byte of its answer.
const REQUEST: Duration = Duration::from_secs(60);
/// For a request head; longer ones get 431. A filter by tag may be long.
const HEAD_BYTES: usize = 64 * 1024;

/// State shared by all connections.
pub(super) struct Server {
    pub site: Site,
    pub waiting: Waiting,
    /// For requests whose heads have been read.
    pub places: Arc<Places>,
    pub stop: CancellationToken,
}

/// Talks until the other side ends, a deadline passes, or the server is stopped and has answered.
pub(super) async fn run(stream: TcpStream, client: IpAddr, server: Arc<Server>) {
    let turn = Arc::new(Turn::new(server, client));
    let passed = passed(turn.deadline.subscribe());
    let tls = turn.server.site.web.borrow().tls.clone();
    let talking = async {
        match tls {
            None => talk(stream, &turn).await,
            // On its own, so that connections without TLS do not hold the room for it.
            Some(config) => Box::pin(talk_over_tls(stream, config, &turn)).await,
        }
    };
    tokio::select! {
        () = talking => {}
        () = passed => tracing::debug!("connection closed: too slow, or too many connections waiting"),
    }
}

async fn talk_over_tls(stream: TcpStream, config: Arc<ServerConfig>, turn: &Arc<Turn>) {
    match TlsAcceptor::from(config).accept(stream).await {
        Ok(stream) => talk(stream, turn).await,
        Err(error) => tracing::debug!(%error, "TLS handshake failed"),
    }
}

/// Waits for a request, and answers it and those after it.
async fn talk<S: AsyncRead + AsyncWrite + Unpin>(stream: S, turn: &Arc<Turn>) {
    match turn.server.stop.run_until_cancelled(head::awaited(stream)).await {
        Some(Ok(Some(stream))) => Box::pin(answer_all(stream, turn)).await,
        Some(Err(error)) => tracing::debug!(%error, "connection ended early"),
        Some(Ok(None)) | None => {}
    }
}

async fn answer_all(stream: impl AsyncRead + AsyncWrite + Unpin, turn: &Arc<Turn>) {
    let answer = service_fn(|request| {
        let turn = Arc::clone(turn);
        // hyper keeps room for this from the first byte on: in a box it takes some only while it answers.
        Box::pin(async move { Ok::<_, Infallible>(answer(&request, turn).await) })
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(NEXT_HEAD)
        .max_buf_size(HEAD_BYTES)
        .max_header_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), answer);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = turn.server.stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended early");
        turn.server.site.refused(&error);
    }
}

/// The answer, if there is room for one more; the health of the process can always be asked for. Who is not known yet
/// takes no room that others need.
async fn answer(request: &Request<Incoming>, turn: Arc<Turn>) -> Response<Answering> {
    turn.begin();
    let site = &turn.server.site;
    let admission = site.admission(request).await;
    let place = turn.server.places.take(turn.client);
    let answer = match place.is_some() || Route::at(request.uri().path()).is_some_and(Route::is_health) {
        true => site.answer(request, admission).await,
        false => site.counted(request, busy()),
    };
    answer.map(|content| Answering { content, ending: Some(Ending { turn, _place: place }) })
}

fn busy() -> Answer {
    let mut answer = answer::busy("too many concurrent requests");
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}

/// The state of a connection: waiting for a request head, or being answered.
struct Turn {
    server: Arc<Server>,
    client: IpAddr,
    deadline: Deadline,
    /// Its number among the waiting.
    number: AtomicU64,
}

impl Turn {
    fn new(server: Arc<Server>, client: IpAddr) -> Self {
        let deadline = Arc::new(watch::Sender::new(Instant::now() + FIRST_HEAD));
        let number = AtomicU64::new(server.waiting.enter(&deadline));
        Self { server, client, deadline, number }
    }

    fn begin(&self) {
        self.server.waiting.leave(self.number.load(Ordering::Relaxed));
        self.deadline.send_replace(Instant::now() + REQUEST);
    }

    fn end(&self) {
        self.deadline.send_replace(Instant::now() + NEXT_HEAD);
        self.number.store(self.server.waiting.enter(&self.deadline), Ordering::Relaxed);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.server.waiting.leave(self.number.load(Ordering::Relaxed));
    }
}

/// Dropped when the last byte of an answer has been written, or the connection is over.
struct Ending {
    turn: Arc<Turn>,
    _place: Option<Place>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.turn.end();
    }
}

/// A body whose last piece knows when it has been written.
struct Answering {
    content: Content,
    ending: Option<Ending>,
}

/// The last piece of a body. hyper drops it when the socket has taken it.
struct Last {
    bytes: Bytes,
    _ending: Ending,
}

impl AsRef<[u8]> for Last {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Answering {
    /// `piece`, which ends the answer where nothing comes after it.
    fn ended(&mut self, piece: Bytes) -> Bytes {
        match self.ending.take_if(|_| self.content.is_end_stream()) {
            Some(_ending) => Bytes::from_owner(Last { bytes: piece, _ending }),
            None => piece,
        }
    }
}

impl Body for Answering {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let polled = Pin::new(&mut self.content).poll_frame(context);
        polled.map_ok(|frame| frame.map_data(|piece| self.ended(piece)))
    }

    fn is_end_stream(&self) -> bool {
        self.content.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.content.size_hint()
    }
}
