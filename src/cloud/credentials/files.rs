//! The small files that credentials come from.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::error::{Cause, Missed};

/// More is no file of credentials.
const MAX_SIZE: u64 = 1 << 20;
const WRITABLE_BY_OTHERS: u32 = 0o002;

/// Reads files, and warns once about each that others can write.
#[derive(Debug, Default)]
pub struct Files {
    warned: Mutex<BTreeSet<PathBuf>>,
}

impl Files {
    /// The text of the file, which is read anew each time: it may have been replaced.
    pub async fn read(&self, path: &Path) -> Result<String, Missed> {
        let name = path.display();
        let unreadable = |what: String| Missed::failed(Cause::Unreadable, format!("{name} {what}"));
        let metadata = match tokio::fs::metadata(path).await {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(Missed::NotConfigured(format!("file not found: {name}")));
            }
            Err(error) => return Err(unreadable(format!("cannot be read: {error}"))),
        };
        if !metadata.is_file() || metadata.len() > MAX_SIZE {
            return Err(unreadable("is not a regular file of at most 1 MiB".to_owned()));
        }
        if metadata.permissions().mode() & WRITABLE_BY_OTHERS != 0 {
            self.warn_once(path);
        }
        match tokio::fs::read_to_string(path).await {
            Ok(text) => Ok(text),
            Err(error) if error.kind() == ErrorKind::InvalidData => {
                Err(unreadable("is not UTF-8 text".to_owned()))
            }
            Err(error) => Err(unreadable(format!("cannot be read: {error}"))),
        }
    }

    fn warn_once(&self, path: &Path) {
        if self.warned.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned()) {
            let path = path.display();
            tracing::warn!("{path} is writable by every user of this machine, and so are the credentials");
        }
    }
}
