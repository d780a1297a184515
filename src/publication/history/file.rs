//! The database: its schema, and when a file may be used.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode, Result, params_from_iter};

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
";

/// Written into the file's header, so that no other program's database is touched.
const APPLICATION_ID: i32 = 0x7461_6773;

/// How long to wait for a file that an exiting process still holds.
const PATIENCE: Duration = Duration::from_secs(3);

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
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
}

pub(super) fn in_memory() -> Result<Connection> {
    let mut connection = Connection::open_in_memory()?;
    migrate(&mut connection, 0)?;
    Ok(connection)
}

/// Opens or creates the file, and migrates it to this version's schema. It stays locked as long as the connection
/// exists. An unusable file is left unchanged.
pub(super) fn open(path: &Path) -> Result<Connection, Unusable> {
    let mut connection = Connection::open(path)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    let version = version(&connection).map_err(|unusable| held(unusable, path))?;
    connection.pragma_update(None, "journal_mode", "WAL").map_err(|error| held(error.into(), path))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    migrate(&mut connection, version)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    Ok(connection)
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
    let transaction = connection.transaction()?;
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
