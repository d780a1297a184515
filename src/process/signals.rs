//! SIGTERM, SIGINT and SIGHUP.

use std::io;
use std::thread;
use std::time::Duration;

use tokio::runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::config::Reload;

/// From the first signal on. A graceful end takes 4 seconds at most.
const HARD_END: Duration = Duration::from_secs(10);

/// The first signal asks for a graceful end. A second one, or `HARD_END`, ends the process with the exit code
/// `failed`. A thread of its own waits for them, so that they count whatever the others are stuck in.
pub fn stop_on_signals(stop: CancellationToken, failed: u8) -> io::Result<()> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let mut stops = {
        let _here = runtime.enter();
        Stops { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? }
    };
    let waiting = async move {
        stops.next().await;
        stop.cancel();
        let _ = timeout(HARD_END, stops.next()).await;
        std::process::exit(failed.into());
    };
    thread::Builder::new().name("signals".to_owned()).spawn(move || runtime.block_on(waiting))?;
    Ok(())
}

struct Stops {
    terminate: Signal,
    interrupt: Signal,
}

impl Stops {
    async fn next(&mut self) {
        tokio::select! { _ = self.terminate.recv() => {}, _ = self.interrupt.recv() => {} }
    }
}

#[expect(clippy::disallowed_methods, reason = "nobody waits for a signal")]
/// SIGHUP requests a reload of the configuration.
pub fn reload_on_hangup(reloads: mpsc::Sender<Reload>, stop: CancellationToken) -> io::Result<()> {
    let mut hangups = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        while let Some(Some(())) = stop.run_until_cancelled(hangups.recv()).await {
            // The collectors log how it went; one that waits already is enough.
            let _ = reloads.try_send(oneshot::channel().0);
        }
    });
    Ok(())
}
