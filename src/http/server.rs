//! Sockets, limits and graceful shutdown.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

mod connection;
mod head;
mod waiting;

use super::site::Site;
use connection::Server;
use waiting::Waiting;

/// Connections that have not sent a whole request head.
const WAITING: usize = 4096;
/// For requests that are being answered when the server is stopped.
const GRACE: Duration = Duration::from_secs(4);
/// After a connection that could not be accepted, e.g. for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves on `listener`, at most `max_connections` requests at once, until it is stopped and running requests are
/// answered.
pub async fn serve(listener: TcpListener, site: Site, max_connections: usize, stop: CancellationToken) {
    let permits = Arc::new(Semaphore::new(max_connections));
    let server = Arc::new(Server { site, waiting: Waiting::new(WAITING), permits, stop: stop.clone() });
    let connections = TaskTracker::new();
    tokio::select! {
        () = stop.cancelled() => {}
        () = accept(&listener, &server, &connections) => {}
    }
    drop(listener);
    connections.close();
    let _ = tokio::time::timeout(GRACE, connections.wait()).await;
}

async fn accept(listener: &TcpListener, server: &Arc<Server>, connections: &TaskTracker) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let _ = stream.set_nodelay(true);
                connections.spawn(connection::run(stream, Arc::clone(server)));
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}
