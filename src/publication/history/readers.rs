//! How the change log is read: over a few connections of its own, each query for a bounded time. The publisher never
//! waits for a reader.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::changes::{self, ChangeFilter, Logged};

/// Queries at once. Others wait for their turn.
const MAX_READERS: usize = 4;
/// For a turn.
const MAX_WAIT: Duration = Duration::from_secs(1);
/// A query that takes longer is interrupted.
const MAX_QUERY: Duration = Duration::from_secs(2);
/// Steps of SQLite's machine between two looks at the clock: some microseconds.
const STEPS_BETWEEN_LOOKS: i32 = 10_000;

/// Why a query has no answer.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    #[error("too many queries of the change log at once")]
    Busy,
    #[error("the query took longer than {} s; narrow it by time, target or resource", MAX_QUERY.as_secs())]
    TooSlow,
    #[error("the file system of the state file does not allow reading it while it is written to")]
    Unreadable,
    #[error("cannot read the change log: {0}")]
    Failed(#[from] rusqlite::Error),
}

/// Where the log is. It moves once: from a file that cannot be written any more to memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    File(PathBuf),
    /// A database in memory, by its URI, for as long as the publisher has it open.
    Memory(String),
    /// A file that one connection alone can have open.
    Nowhere,
}

pub(super) struct Readers {
    turns: Arc<Semaphore>,
    open: Mutex<Open>,
}

/// Connections that wait for the next query.
struct Open {
    place: Place,
    idle: Vec<Connection>,
}

impl Readers {
    pub fn new(place: Place) -> Self {
        let open = Mutex::new(Open { place, idle: Vec::new() });
        Self { turns: Arc::new(Semaphore::new(MAX_READERS)), open }
    }

    pub fn move_to(&self, place: Place) {
        *self.open() = Open { place, idle: Vec::new() };
    }

    /// The changes that `filter` lets through, newest first.
    pub async fn read(self: &Arc<Self>, filter: ChangeFilter) -> Result<Vec<Logged>, Unread> {
        let turn = timeout(MAX_WAIT, Arc::clone(&self.turns).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else { return Err(Unread::Busy) };
        let readers = Arc::clone(self);
        let read = spawn_blocking(move || {
            let _turn = turn;
            readers.query(&filter, MAX_QUERY)
        });
        // It is dropped unrun only when the process ends.
        read.await.unwrap_or(Err(Unread::Busy))
    }

    pub(super) fn query(&self, filter: &ChangeFilter, limit: Duration) -> Result<Vec<Logged>, Unread> {
        let (place, idle) = {
            let mut open = self.open();
            (open.place.clone(), open.idle.pop())
        };
        let mut connection = idle.map_or_else(|| place.connect(), Ok)?;
        let end = Instant::now() + limit;
        connection.progress_handler(STEPS_BETWEEN_LOOKS, Some(move || Instant::now() > end))?;
        let read = changes::read(&connection, filter);
        let mut open = self.open();
        if open.place == place {
            open.idle.push(connection);
        }
        read.map_err(|error| match error.sqlite_error_code() {
            Some(ErrorCode::OperationInterrupted) => Unread::TooSlow,
            _ => Unread::Failed(error),
        })
    }

    /// One more connection, as a query has it.
    #[cfg(test)]
    pub fn connect(&self) -> Result<Connection, Unread> {
        self.open().place.connect()
    }

    #[cfg(test)]
    pub fn take_all_turns(&self) -> tokio::sync::OwnedSemaphorePermit {
        Arc::clone(&self.turns).try_acquire_many_owned(MAX_READERS as u32).unwrap()
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    fn connect(&self) -> Result<Connection, Unread> {
        match self {
            Self::File(path) => Ok(read_only(path)?),
            Self::Memory(uri) => Ok(uncommitted(uri)?),
            Self::Nowhere => Err(Unread::Unreadable),
        }
    }
}

fn read_only(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(MAX_QUERY)?;
    Ok(connection)
}

/// Takes no locks that the publisher would wait for.
fn uncommitted(uri: &str) -> rusqlite::Result<Connection> {
    let connection = Connection::open(uri)?;
    connection.pragma_update(None, "read_uncommitted", true)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}
