//! The server: sockets, limits and a graceful end. What is answered stands in `http/`.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

mod accept;
mod answer;
mod changes;
mod metrics;
mod page;
mod query;
mod routes;
mod site;
mod tags;

pub use site::Site;

/// For a request head, and for the pause between two requests of a connection.
const HEAD_TIMEOUT: Duration = Duration::from_secs(120);
/// For requests that are being answered when the server is stopped.
const GRACE: Duration = Duration::from_secs(4);
/// After a connection that could not be accepted, e.g. for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Answers on `listener` until it is stopped and what was being answered then is answered.
pub async fn serve(listener: TcpListener, site: Arc<Site>, max_connections: usize, stop: CancellationToken) {
    let connections = TaskTracker::new();
    let permits = Arc::new(Semaphore::new(max_connections));
    let drained = async {
        stop.cancelled().await;
        connections.close();
        let _ = tokio::time::timeout(GRACE, connections.wait()).await;
    };
    let accepting = async {
        loop {
            let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
            match listener.accept().await {
                Ok((stream, _)) => {
                    let connection = connection(stream, Arc::clone(&site), permit, stop.clone());
                    connections.spawn(connection);
                }
                Err(error) => {
                    tracing::warn!(%error, "could not accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    tokio::select! {
        () = drained => {}
        () = accepting => {}
    }
}

async fn connection(
    stream: TcpStream,
    site: Arc<Site>,
    permit: OwnedSemaphorePermit,
    stop: CancellationToken,
) {
    let answer = service_fn(move |request| {
        let site = Arc::clone(&site);
        async move { Ok::<_, Infallible>(site.answer(&request).await) }
    });
    let _ = stream.set_nodelay(true);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_headers(64)
        .serve_connection(TokioIo::new(stream), answer);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
    drop(permit);
}
