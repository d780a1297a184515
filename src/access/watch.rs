//! The file and those that it names, read again when one of them changes.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch::Sender;
use tokio_util::sync::CancellationToken;

use super::{Web, load};
use crate::form::KeyProblem;

/// Between two looks at the files.
const LOOK: Duration = Duration::from_secs(2);

/// Replaces `web` when a file has changed, until `stop`. A file that is wrong changes nothing. `report` hears of each
/// reading.
pub async fn watch(
    path: PathBuf,
    web: Sender<Arc<Web>>,
    report: impl Fn(Result<(), Vec<KeyProblem>>),
    stop: CancellationToken,
) {
    let mut refused = None;
    while stop.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some() {
        let (now, path) = (Arc::clone(&web.borrow()), path.clone());
        match tokio::task::spawn_blocking(move || look(&now, &path)).await.ok().flatten() {
            Some(Ok(new)) => {
                web.send_replace(Arc::new(new));
                refused = None;
                report(Ok(()));
            }
            Some(Err(problems)) if refused.as_ref() != Some(&problems) => {
                report(Err(problems.clone()));
                refused = Some(problems);
            }
            Some(Err(_)) => {}
            // It is again what it was.
            None if refused.take().is_some() => report(Ok(())),
            None => {}
        }
    }
}

fn look(now: &Web, path: &Path) -> Option<Result<Web, Vec<KeyProblem>>> {
    let read = |new: Web| Web { users: new.users.or_same(&now.users), ..new };
    now.is_outdated().then(|| load(path).map(read))
}
