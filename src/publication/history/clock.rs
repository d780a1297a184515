//! By which time old changes are deleted. A wall clock that jumps ahead must not delete the log: time is believed to
//! pass little faster than the monotonic clock says.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Result, params};

/// A clock that was set, and a process that was away, are caught up with this much faster than time passes.
pub const CATCHES_UP: u32 = 24;

/// The time that is believed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    pub newest: Timestamp,
    seen: Instant,
}

impl Clock {
    /// As it was when the file was written last; a new file believes the first time that it is told.
    pub fn recalled(connection: &Connection) -> Result<Option<Self>> {
        let newest = mark(connection, NEWEST)?;
        let newest = match newest {
            Some(newest) => Some(newest),
            None => connection.query_row("SELECT max(ended) FROM targets", [], |row| row.get(0))?,
        };
        let newest = newest.and_then(|millis| Timestamp::from_millisecond(millis).ok());
        Ok(newest.map(Self::at))
    }

    pub fn at(newest: Timestamp) -> Self {
        Self { newest, seen: Instant::now() }
    }

    /// The clock after a collection that ended at `wall`.
    pub fn told(self, wall: Timestamp) -> Self {
        Self::at(believed(self.newest, wall, self.seen.elapsed()))
    }

    pub fn store(self, connection: &Connection) -> Result<()> {
        set_mark(connection, NEWEST, self.newest.as_millisecond())
    }

    /// The oldest moment that is kept.
    pub fn oldest_kept(self, retention: Duration) -> Timestamp {
        let retention = SignedDuration::try_from(retention).unwrap_or(SignedDuration::MAX);
        self.newest.checked_sub(retention).unwrap_or(Timestamp::MIN)
    }
}

const NEWEST: &str = "newest";

/// A clock that goes back is followed at once: that deletes nothing.
fn believed(newest: Timestamp, wall: Timestamp, elapsed: Duration) -> Timestamp {
    let limit = newest.saturating_add(elapsed.saturating_mul(CATCHES_UP)).unwrap_or(Timestamp::MAX);
    wall.min(limit)
}

/// A number that is kept in the file.
pub(super) fn mark(connection: &Connection, name: &str) -> Result<Option<i64>> {
    connection.query_row("SELECT value FROM marks WHERE name = ?1", [name], |row| row.get(0)).optional()
}

pub(super) fn set_mark(connection: &Connection, name: &str, value: i64) -> Result<()> {
    let sql = "INSERT INTO marks VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    connection.prepare_cached(sql)?.execute(params![name, value])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_second(1_795_500_000 + 3600 * hours).unwrap()
    }

    #[test]
    fn time_passes_little_faster_than_the_monotonic_clock_says() {
        for (wall, elapsed, expected) in
            [(1, HOUR, 1), (24 * 3650, HOUR, 24), (24 * 100, 100 * HOUR, 24 * 100), (-5, HOUR, -5)]
        {
            assert_eq!(believed(at(0), at(wall), elapsed), at(expected), "{wall} {elapsed:?}");
        }
    }
}
