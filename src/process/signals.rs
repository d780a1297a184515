//! SIGTERM, SIGINT and SIGHUP.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::config::Reload;

#[expect(clippy::disallowed_methods, reason = "nobody waits for a signal")]
/// The first signal starts a graceful shutdown; the second exits at once with the code `failed`.
pub fn stop_on_signals(stop: CancellationToken, failed: u8) -> io::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::spawn(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        stop.cancel();
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        std::process::exit(failed.into());
    });
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "nobody waits for a signal")]
/// SIGHUP requests a reload of the configuration.
pub fn reload_on_hangup(reloads: mpsc::Sender<Reload>, stop: CancellationToken) -> io::Result<()> {
    let mut hangups = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        while let Some(Some(())) = stop.run_until_cancelled(hangups.recv()).await {
            // The collectors log the result; one pending reload is enough.
            let _ = reloads.try_send(oneshot::channel().0);
        }
    });
    Ok(())
}
