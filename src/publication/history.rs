//! What outlives a restart: the last inventory of every target, and the change log. SQLite, in a file or in memory.
//!
//! The publisher commits before it publishes, so nothing is told that is not stored. A file that cannot be used is
//! never written over: the history then goes on in memory, says so once, and counts every commit that the file
//! does not hold.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, Result};

use crate::instruments::Instruments;
use crate::inventory::{Scope, Target};

mod changes;
mod file;
mod inventories;

pub use changes::{Filter, Logged, Place};
pub use file::Held;
pub use inventories::{Recalled, Step};

/// Changes that a history in memory keeps.
pub const KEPT: u32 = 10_000;

/// A clone is another handle on the same history.
#[derive(Clone)]
pub struct History {
    store: Arc<Mutex<Store>>,
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
    },
    /// Memory, since the file could not be used.
    Lost,
}

impl History {
    /// An empty one that ends with the process.
    pub fn in_memory(instruments: Instruments) -> Result<Self> {
        Ok(Self::new(file::in_memory()?, Medium::Memory, instruments))
    }

    /// The history in the file at `path`, which is made when it is not there. The file is this process's own until
    /// it ends; where another one has it, that is an error. Where it cannot be used otherwise, the history is in
    /// memory.
    pub fn open(path: &Path, retention: Duration, instruments: Instruments) -> anyhow::Result<Self> {
        match file::open(path) {
            Ok(connection) => {
                let medium = Medium::File { path: path.to_owned(), retention };
                Ok(Self::new(connection, medium, instruments))
            }
            Err(file::Unusable::Held(held)) => Err(held.into()),
            Err(unusable) => {
                instruments.history_failed("open");
                tracing::error!(
                    "could not open the state file {}: {unusable}; going on in memory",
                    path.display()
                );
                Ok(Self::new(file::in_memory()?, Medium::Lost, instruments))
            }
        }
    }

    fn new(connection: Connection, medium: Medium, instruments: Instruments) -> Self {
        Self { store: Arc::new(Mutex::new(Store { connection, medium })), instruments }
    }

    /// Makes `targets` the configured ones: changes of others are not shown any more. Gives what a file knows of
    /// them. What belongs to `open` scopes stays as it is, until their regions are found.
    pub fn recall(&self, targets: &[Target], open: &[Scope]) -> BTreeMap<Target, Recalled> {
        let is_settled = |target: &Target| !open.iter().any(|scope| scope.has(target));
        self.recall_in(is_settled, &[], targets)
    }

    /// The same for the targets of one scope: those that `stay`, of which nothing has to be told, and new ones.
    pub async fn settle(
        &self,
        scope: Scope,
        stay: Vec<Target>,
        new: Vec<Target>,
    ) -> BTreeMap<Target, Recalled> {
        let history = self.clone();
        let settling = move || history.recall_in(|target| scope.has(target), &stay, &new);
        tokio::task::spawn_blocking(settling).await.unwrap_or_default()
    }

    /// The same for all targets.
    pub async fn arrange(&self, stay: Vec<Target>, new: Vec<Target>) -> BTreeMap<Target, Recalled> {
        let history = self.clone();
        let arranging = move || history.recall_in(|_| true, &stay, &new);
        tokio::task::spawn_blocking(arranging).await.unwrap_or_default()
    }

    fn recall_in(
        &self,
        is_in_scope: impl Fn(&Target) -> bool,
        stay: &[Target],
        new: &[Target],
    ) -> BTreeMap<Target, Recalled> {
        let mut store = self.lock();
        let mut recalled = inventories::recall(&mut store.connection, is_in_scope, stay, new);
        if !matches!(store.medium, Medium::File { .. }) {
            // Memory keeps no resources: that is no empty inventory.
            recalled.iter_mut().flat_map(BTreeMap::values_mut).for_each(|recalled| recalled.known = None);
        }
        recalled.unwrap_or_else(|error| {
            self.lose(&mut store, "read", &error);
            BTreeMap::new()
        })
    }

    /// Stores all of `step` before it returns: in the file, or in memory where there is none that works.
    pub async fn commit(&self, step: Step) {
        let history = self.clone();
        let committed = tokio::task::spawn_blocking(move || history.commit_now(&step)).await;
        if let Err(error) = committed {
            tracing::error!(%error, "the write of the history ended early");
        }
    }

    fn commit_now(&self, step: &Step) {
        let mut store = self.lock();
        if matches!(store.medium, Medium::Lost) {
            self.instruments.history_failed("write");
        }
        if let Err(error) = store.commit(step) {
            self.lose(&mut store, "write", &error);
            let kept = store.commit(step);
            kept.unwrap_or_else(|error| tracing::error!(%error, "could not keep changes in memory"));
        }
    }

    /// The changes that `filter` lets through, newest first.
    pub async fn read(&self, filter: Filter) -> anyhow::Result<Vec<Logged>> {
        let history = self.clone();
        let read = tokio::task::spawn_blocking(move || changes::read(&history.lock().connection, &filter));
        read.await?.map_err(|error| {
            self.instruments.history_failed("read");
            error.into()
        })
    }

    /// Goes on in memory, with the newest changes where they can still be read.
    fn lose(&self, store: &mut Store, operation: &str, error: &rusqlite::Error) {
        self.instruments.history_failed(operation);
        if let Medium::File { path, .. } = &store.medium {
            tracing::error!(
                "could not {operation} the state file {}: {error}; going on in memory until the next start",
                path.display()
            );
        }
        match store.go_on_in_memory() {
            Ok(()) => {}
            Err(error) => tracing::error!(%error, "could not make a history in memory"),
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
        changes::insert(&transaction, target, &step.changes)?;
        match self.medium {
            Medium::File { retention, .. } => {
                inventories::store_resources(&transaction, target, step)?;
                changes::expire(&transaction, changes::oldest_kept(step.known.ended, retention))?;
            }
            Medium::Memory | Medium::Lost => changes::bound(&transaction)?,
        }
        transaction.commit()
    }

    fn go_on_in_memory(&mut self) -> Result<()> {
        let memory = file::in_memory()?;
        self.medium = Medium::Lost;
        let file = std::mem::replace(&mut self.connection, memory);
        let newest = format!("ORDER BY number DESC LIMIT {KEPT}");
        file::copy(&file, &self.connection, "targets", "")?;
        file::copy(&file, &self.connection, "changes", &newest)
    }
}

#[cfg(test)]
mod tests;
