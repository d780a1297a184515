//! What outlives a restart: the last inventory of every target, and the change log. SQLite, in a file or in memory.
//!
//! The publisher commits before it publishes, so nothing is shown that is not stored. A file that cannot be used is
//! never overwritten: the history then continues in memory, logs this once, and counts every commit that the file
//! does not hold.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, Result};
use tokio::task::spawn_blocking;

use crate::instruments::Instruments;
use crate::inventory::{Regions, Scope, Target};

mod changes;
mod clock;
mod file;
mod inventories;
mod notes;
mod readers;
mod recall;
mod step;
mod told;

pub use changes::{ChangeFilter, LogPosition, Logged};
use clock::Clock;
pub use file::Held;
use file::Opened;
pub use notes::Notes;
pub use readers::Unread;
use readers::{Place, Readers};
pub use step::{Recalled, Step, Stored};

/// Changes that a history in memory keeps.
pub const MAX_CHANGES_IN_MEMORY: u32 = 10_000;

/// Owned by the publisher; nobody else uses it.
pub struct History(Arc<Shared>);

/// What has changed, for readers. A clone is another handle on the same log.
#[derive(Clone)]
pub struct ChangeLog(Arc<Shared>);

struct Shared {
    store: Mutex<Store>,
    readers: Arc<Readers>,
    /// Of the state file: this process's own until it ends.
    _lock: Option<File>,
    instruments: Instruments,
}

struct Store {
    connection: Connection,
    medium: Medium,
}

enum Medium {
    Memory,
    File {
        path: PathBuf,
        /// Older changes are deleted.
        retention: Duration,
        clock: Option<Clock>,
    },
    /// In memory because the file could not be used.
    Lost,
}

impl History {
    /// An empty one that ends with the process.
    pub fn in_memory(instruments: Instruments) -> Result<Self> {
        Ok(Self::new(file::in_memory()?, Medium::Memory, instruments))
    }

    /// The history in the file at `path`, which is created if it does not exist. The file is locked until the process
    /// exits; a file in use by another process is an error. If it is unusable otherwise, the history is in memory.
    pub fn open(path: &Path, retention: Duration, instruments: Instruments) -> anyhow::Result<Self> {
        let opened = file::open(path).and_then(|opened| Ok((Clock::recalled(&opened.connection)?, opened)));
        match opened {
            Ok((clock, opened)) => {
                let medium = Medium::File { path: path.to_owned(), retention, clock };
                Ok(Self::new(opened, medium, instruments))
            }
            Err(file::Unusable::Held(held)) => Err(held.into()),
            Err(unusable) => {
                instruments.history_failed("open");
                told::is_behind(path);
                tracing::error!(
                    "cannot open the state file {}: {unusable}; continuing in memory",
                    path.display()
                );
                Ok(Self::new(file::in_memory()?, Medium::Lost, instruments))
            }
        }
    }

    fn new(opened: Opened, medium: Medium, instruments: Instruments) -> Self {
        let Opened { connection, place, lock: _lock } = opened;
        let (store, readers) = (Mutex::new(Store { connection, medium }), Arc::new(Readers::new(place)));
        Self(Arc::new(Shared { store, readers, _lock, instruments }))
    }

    pub fn change_log(&self) -> ChangeLog {
        ChangeLog(Arc::clone(&self.0))
    }

    /// The regions of the stored targets in these scopes, not yet confirmed by the cloud since the start.
    pub fn remembered_regions(&self, scopes: &[Scope]) -> BTreeMap<Scope, Regions> {
        let mut store = self.0.lock();
        let read = recall::remembered_regions(&store.connection, scopes);
        read.unwrap_or_else(|error| {
            self.0.lose(&mut store, "read", &error);
            BTreeMap::new()
        })
    }

    /// Makes `wanted` the only targets whose changes are shown, and returns what the file holds of the `new` ones.
    pub fn arrange(&self, wanted: &[Target], new: &[Target]) -> BTreeMap<Target, Recalled> {
        self.0.arrange(wanted, new)
    }

    /// Like `arrange`, but off the runtime's workers.
    pub async fn arrange_later(&self, wanted: Vec<Target>, new: Vec<Target>) -> BTreeMap<Target, Recalled> {
        let shared = Arc::clone(&self.0);
        spawn_blocking(move || shared.arrange(&wanted, &new)).await.unwrap_or_default()
    }

    /// Stores all of `step` before it returns: in the file, or in memory if no file is usable.
    pub async fn commit(&self, step: Step) {
        let shared = Arc::clone(&self.0);
        if let Err(error) = spawn_blocking(move || shared.commit(&step)).await {
            tracing::error!(%error, "the write to the history panicked");
        }
    }
}

impl ChangeLog {
    /// The changes that `filter` lets through, newest first.
    pub async fn read(&self, filter: ChangeFilter) -> Result<Vec<Logged>, Unread> {
        let read = self.0.readers.read(filter).await;
        if let Err(Unread::Failed(_) | Unread::Unreadable) = read {
            self.0.instruments.history_failed("read");
        }
        read
    }
}

impl Shared {
    fn arrange(&self, wanted: &[Target], new: &[Target]) -> BTreeMap<Target, Recalled> {
        let mut store = self.lock();
        let mut recalled = recall::recall(&mut store.connection, wanted, new);
        if !matches!(store.medium, Medium::File { .. }) {
            // Memory holds no resources, which must not be taken for an empty inventory.
            recalled.iter_mut().flat_map(BTreeMap::values_mut).for_each(Recalled::forget_inventory);
        }
        recalled.unwrap_or_else(|error| {
            self.lose(&mut store, "read", &error);
            BTreeMap::new()
        })
    }

    fn commit(&self, step: &Step) {
        let mut store = self.lock();
        if matches!(store.medium, Medium::Lost) {
            self.instruments.history_failed("write");
        }
        if let Err(error) = store.commit(step) {
            self.lose(&mut store, "write", &error);
            let kept = store.commit(step);
            kept.unwrap_or_else(|error| tracing::error!(%error, "cannot store changes in memory"));
        }
    }

    /// Continues in memory, with the newest changes if they can still be read.
    fn lose(&self, store: &mut Store, operation: &str, error: &rusqlite::Error) {
        self.instruments.history_failed(operation);
        if let Medium::File { path, .. } = &store.medium {
            tracing::error!(
                "cannot {operation} the state file {}: {error}; continuing in memory until the next start",
                path.display()
            );
        }
        if let Medium::File { path, .. } = &store.medium {
            told::is_behind(path);
        }
        match store.go_on_in_memory() {
            Ok(place) => self.readers.move_to(place),
            Err(error) => tracing::error!(%error, "cannot create a history in memory"),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    fn commit(&mut self, step: &Step) -> Result<()> {
        let transaction = self.connection.transaction()?;
        let target = inventories::store_target(&transaction, step)?;
        notes::store(&transaction, target, step)?;
        if let Some(stored) = &step.stored {
            changes::insert(&transaction, target, &stored.changes)?;
            match &mut self.medium {
                Medium::File { retention, clock, .. } => {
                    inventories::store_resources(&transaction, target, stored)?;
                    let ended = stored.known.ended;
                    let now = clock.map_or_else(|| Clock::at(ended), |clock| clock.told(ended));
                    now.store(&transaction)?;
                    changes::expire(&transaction, now.oldest_kept(*retention))?;
                    *clock = Some(now);
                }
                Medium::Memory | Medium::Lost => changes::bound(&transaction)?,
            }
        }
        transaction.commit()
    }

    /// Gives the place that readers find the history at from now on.
    fn go_on_in_memory(&mut self) -> Result<Place> {
        let Opened { connection: memory, place, .. } = file::in_memory()?;
        self.medium = Medium::Lost;
        let file = std::mem::replace(&mut self.connection, memory);
        let newest = format!("ORDER BY number DESC LIMIT {MAX_CHANGES_IN_MEMORY}");
        let copied = file::copy(&file, &self.connection, "targets", "")
            .and_then(|()| file::copy(&file, &self.connection, "changes", &newest));
        if let Err(error) = copied {
            tracing::error!(%error, "cannot copy all of the state file to memory");
        }
        Ok(place)
    }
}

#[cfg(test)]
mod tests;
