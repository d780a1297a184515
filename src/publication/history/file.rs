//! The database: its schema, and when a file may be used.

use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::told;
use rusqlite::config::DbConfig;
use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode, Result, TransactionBehavior, params_from_iter};
use uuid::Uuid;

use super::readers::Place;

/// Steps from one schema version to the next; the version of a file is how many of them it has seen.
/// Times are Unix milliseconds.
const MIGRATIONS: &[&str] = &["
    CREATE TABLE targets (
        number INTEGER PRIMARY KEY,
        account TEXT NOT NULL, region_id TEXT NOT NULL, product TEXT NOT NULL,
        configured INTEGER NOT NULL DEFAULT TRUE,
        started INTEGER, ended INTEGER, count_mismatch INTEGER NOT NULL,
        appeared INTEGER NOT NULL, disappeared INTEGER NOT NULL,
        added INTEGER NOT NULL, removed INTEGER NOT NULL, modified INTEGER NOT NULL,
        UNIQUE (account, region_id, product)
    ) STRICT;
    CREATE TABLE resources (
        target INTEGER NOT NULL REFERENCES targets,
        id TEXT NOT NULL,
        name TEXT NOT NULL, resource_group_id TEXT NOT NULL, status TEXT NOT NULL, created_at TEXT,
        tags TEXT NOT NULL, system_tags TEXT NOT NULL, tags_changed_at INTEGER,
        PRIMARY KEY (target, id)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE changes (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        at INTEGER NOT NULL, previous_at INTEGER NOT NULL,
        target INTEGER NOT NULL REFERENCES targets, resource_id TEXT NOT NULL,
        kind TEXT NOT NULL, key TEXT, old TEXT, new TEXT
    ) STRICT;
    CREATE INDEX changes_by_time ON changes (at, number);
    CREATE INDEX changes_of_a_target ON changes (target, at, number);
    CREATE INDEX changes_of_a_resource ON changes (resource_id, at, number);
    CREATE INDEX changes_of_a_key ON changes (key, at, number);
"];

/// Tables added since, without a new version: an older exporter still opens the file, and leaves them alone.
const ADDITIONS: &str = "
    CREATE TABLE IF NOT EXISTS notes (
        target INTEGER PRIMARY KEY REFERENCES targets,
        known_ended INTEGER,
        text TEXT NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS marks (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
    CREATE INDEX IF NOT EXISTS changes_of_a_target_and_key ON changes (target, key, at, number);
";

/// Written into the file's header, so that no other program's database is touched.
const APPLICATION_ID: i32 = 0x7461_6773;

/// How long to wait for a file that an exiting process still holds.
const PATIENCE: Duration = Duration::from_secs(3);
/// Between two looks whether it still does.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// Another process has the file.
#[derive(Debug, thiserror::Error)]
#[error("the state file {0} is in use by another process; give each process its own state.path")]
pub struct Held(String);

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unusable {
    #[error(transparent)]
    Held(Held),
    #[error("it belongs to another program")]
    Foreign,
    #[error("it was written by a newer version (schema {found}, this version supports {known})")]
    Newer { found: usize, known: usize },
    #[error("cannot write beside it: {0}")]
    Unmarked(io::Error),
    #[error("cannot lock it: {0}")]
    Unlocked(#[from] io::Error),
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
}

/// A database that is open, and where others may read it.
pub(super) struct Opened {
    pub connection: Connection,
    pub place: Place,
    /// Of a file: held as long as the process may write to it.
    pub lock: Option<File>,
}

/// A database that ends with its last connection.
pub(super) fn in_memory() -> Result<Opened> {
    let uri = format!("file:{}?mode=memory&cache=shared", Uuid::new_v4().simple());
    let mut connection = Connection::open(&uri)?;
    migrate(&mut connection, 0)?;
    Ok(Opened { connection, place: Place::Memory(uri), lock: None })
}

/// Opens the file, makes it when it is not there, and brings it to this version's schema. A file that cannot be used is
/// left as it is.
pub(super) fn open(path: &Path) -> Result<Opened, Unusable> {
    let lock = Some(lock(path)?);
    make(path);
    let place = Place::File(path.to_owned());
    match connect(path, "NORMAL") {
        Ok(connection) => return Ok(Opened { connection, place, lock }),
        Err(Unusable::Sqlite(error)) => tracing::debug!(%error, "cannot share the state file"),
        Err(unusable) => return Err(unusable),
    }
    let connection = connect(path, "EXCLUSIVE")?;
    tracing::warn!(
        "the file system of the state file {} has no shared memory: /tags/changes is not available",
        path.display()
    );
    Ok(Opened { connection, place: Place::Nowhere, lock })
}

/// Readers open the file beside this connection by shared memory, and where the file system has none it must be
/// exclusive.
fn connect(path: &Path, locking_mode: &str) -> Result<Connection, Unusable> {
    let mut connection = Connection::open(path)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "locking_mode", locking_mode)?;
    // The version before this one holds the file by SQLite's own lock.
    let version = version(&connection).map_err(|unusable| held(unusable, path))?;
    connection.pragma_update(None, "journal_mode", "WAL").map_err(|error| held(error.into(), path))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    migrate(&mut connection, version)?;
    told::settle(&mut connection, path)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    Ok(connection)
}

/// Keeps other processes from the file. The lock is a file of its own: SQLite's locks end when its file is closed once.
fn lock(path: &Path) -> Result<File, Unusable> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".lock");
    let file =
        File::options().create(true).truncate(false).write(true).mode(0o600).open(PathBuf::from(beside))?;
    let end = Instant::now() + PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < end => sleep(BETWEEN_LOOKS),
            Err(TryLockError::WouldBlock) => return Err(Unusable::Held(Held(path.display().to_string()))),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
    }
}

/// A new file is its user's alone, whatever the umask: SQLite gives those beside it the same rights.
fn make(path: &Path) {
    // Where it is there already, or cannot be made, SQLite says what is wrong with it.
    let _ = File::options().create_new(true).write(true).mode(0o600).open(path);
}

fn held(unusable: Unusable, path: &Path) -> Unusable {
    match unusable {
        Unusable::Sqlite(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
            Unusable::Held(Held(path.display().to_string()))
        }
        other => other,
    }
}

/// The file's schema version; 0 for one that is new.
fn version(connection: &Connection) -> Result<usize, Unusable> {
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0));
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let (id, version) = (number("application_id")?, number("user_version")?);
    if id != APPLICATION_ID && (tables, id, version) != (0, 0, 0) {
        return Err(Unusable::Foreign);
    }
    match usize::try_from(version) {
        Ok(version) if version <= MIGRATIONS.len() => Ok(version),
        found => Err(Unusable::Newer { found: found.unwrap_or_default(), known: MIGRATIONS.len() }),
    }
}

fn migrate(connection: &mut Connection, version: usize) -> Result<()> {
    // At once, so that a file that cannot be written to is found out now.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for migration in &MIGRATIONS[version..] {
        transaction.execute_batch(migration)?;
    }
    if version < MIGRATIONS.len() {
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", MIGRATIONS.len() as i32)?;
    }
    transaction.execute_batch(ADDITIONS)?;
    transaction.commit()
}

/// Copies the rows of `table` that `which` names.
pub(super) fn copy(from: &Connection, to: &Connection, table: &str, which: &str) -> Result<()> {
    let mut select = from.prepare(&format!("SELECT * FROM {table} {which}"))?;
    let columns = select.column_count();
    let mut insert =
        to.prepare(&format!("INSERT INTO {table} VALUES ({})", vec!["?"; columns].join(", ")))?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let values: Vec<Value> = (0..columns).map(|index| row.get(index)).collect::<Result<_>>()?;
        insert.execute(params_from_iter(values))?;
    }
    Ok(())
}
