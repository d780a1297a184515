//! Returns free memory to the system.
//!
//! A collection allocates memory and frees it again: answers, duplicate texts, the previous listing. glibc keeps that
//! for later, in one arena per thread; in a mostly idle process it would be a third of the memory.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::publication::publisher::Published;

/// Pause after a publication; others in the meantime are covered by the same run.
const PAUSE: Duration = Duration::from_secs(5);

/// Keeps memory, with its secrets, out of core dumps. Linux takes a limit of 1 byte, too small for a file, as a sign to
/// leave a dump to no program either (`fs/coredump.c`); with 0 it would.
pub fn never_dump() {
    if rlimit::setrlimit(rlimit::Resource::CORE, 1, 1).is_err() {
        // A lower limit than this is there already.
        let _ = rlimit::setrlimit(rlimit::Resource::CORE, 0, 0);
    }
}

/// Gives back what is free some seconds after something was published, until stopped.
pub async fn give_back(mut published: watch::Receiver<Arc<Published>>, stop: CancellationToken) {
    let giving = async {
        while published.changed().await.is_ok() {
            tokio::time::sleep(PAUSE).await;
            published.mark_unchanged();
            // Blocks on the allocator's locks.
            if tokio::task::spawn_blocking(trim).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = giving => {}
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "glibc's function has no safe wrapper")]
fn trim() {
    // SAFETY: it takes a number, may be called from any thread at any time, and touches free memory only
    // (malloc_trim(3)).
    unsafe { libc::malloc_trim(0) };
}

/// Other allocators return memory by themselves, or offer no way to request it.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn trim() {}
