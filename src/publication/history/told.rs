//! Whether the file holds all that was told. Where it stops to, by a full disk for example, a mark beside it is taken
//! away: that also works where nothing can be written. The next start then begins with a baseline, so that nothing is
//! told or counted twice.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, Result};

use super::clock::{mark, set_mark};
use super::file::Unusable;

/// Whether the file has had a mark beside it.
const MARKED: &str = "marked";

/// Makes the inventories in the file baselines where they are older than what was told, and marks it as current.
pub(super) fn settle(connection: &mut Connection, path: &Path) -> Result<(), Unusable> {
    let beside = beside(path);
    if mark(connection, MARKED)?.is_some() && !beside.exists() {
        tracing::warn!("the state file is older than what was reported: each target begins with a baseline");
        begin_again(connection)?;
    }
    File::create(beside).map_err(Unusable::Unmarked)?;
    set_mark(connection, MARKED, 1)?;
    Ok(())
}

/// The file does not hold what is told from now on.
pub(super) fn is_behind(path: &Path) {
    match fs::remove_file(beside(path)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::error!("cannot mark the state file as older than what is reported: {error}");
        }
        _ => {}
    }
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-current");
    name.into()
}

/// Nothing is comparable with the next listings, and the counters begin at 0: their last values are not known.
fn begin_again(connection: &mut Connection) -> Result<()> {
    let transaction = connection.transaction()?;
    transaction.execute_batch(
        "INSERT INTO notes (target, known_ended, text)
         SELECT number, ended, '{\"basis\":0}' FROM targets WHERE true
         ON CONFLICT (target) DO UPDATE SET
             text = json_set(CASE known_ended IS excluded.known_ended WHEN true THEN text ELSE '{}' END, '$.basis', 0),
             known_ended = excluded.known_ended;
         UPDATE targets SET appeared = 0, disappeared = 0, added = 0, removed = 0, modified = 0;",
    )?;
    transaction.commit()
}
