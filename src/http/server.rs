//! Sockets, limits and graceful shutdown.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

mod connection;
mod head;
mod places;
mod waiting;

use super::site::Site;
use connection::Server;
use places::Places;
use waiting::Waiting;

/// Connections that have not sent a whole request head.
const WAITING: usize = 4096;
/// For requests that are being answered when the server is stopped.
const GRACE: Duration = Duration::from_secs(4);
/// After a connection that could not be accepted, e.g. for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);
/// Between two lines about that in the log.
const BETWEEN_WARNINGS: Duration = Duration::from_secs(60);

/// Serves on `listener`, at most `max_connections` requests at once, until it is stopped and running requests are
/// answered.
pub async fn serve(listener: TcpListener, site: Site, max_connections: usize, stop: CancellationToken) {
    let (waiting, places) = (Waiting::new(waiting()), Arc::new(Places::new(max_connections)));
    let server = Arc::new(Server { site, waiting, places, stop: stop.clone() });
    let connections = TaskTracker::new();
    tokio::select! {
        () = stop.cancelled() => {}
        () = accept(&listener, &server, &connections) => {}
    }
    drop(listener);
    connections.close();
    let _ = tokio::time::timeout(GRACE, connections.wait()).await;
}

/// Those who only wait leave half of the files to everything else.
fn waiting() -> usize {
    let files = rlimit::getrlimit(rlimit::Resource::NOFILE).map_or(u64::MAX, |(soft, _)| soft);
    usize::try_from(files / 2).map_or(WAITING, |half| half.clamp(1, WAITING))
}

async fn accept(listener: &TcpListener, server: &Arc<Server>, connections: &TaskTracker) {
    let mut warned = None::<Instant>;
    loop {
        match listener.accept().await {
            Ok((stream, client)) => {
                let _ = stream.set_nodelay(true);
                connections.spawn(connection::run(stream, client.ip(), Arc::clone(server)));
            }
            Err(error) => {
                if warned.is_none_or(|at| at.elapsed() >= BETWEEN_WARNINGS) {
                    tracing::warn!(%error, "cannot accept connections");
                    warned = Some(Instant::now());
                }
                // One that waits for a head has a file that this one needs.
                server.waiting.close_oldest();
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}
