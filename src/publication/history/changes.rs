//! The change log: newest first, page by page.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, Result, Row, params};
use serde::{Deserialize, Serialize};

use super::MAX_CHANGES_IN_MEMORY;
use crate::inventory::TargetFilter;
use crate::inventory::diff::Change;

/// Which changes to return; `None` matches everything.
#[derive(Debug, Default)]
pub struct ChangeFilter {
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    pub target: TargetFilter,
    pub resource_id: Option<String>,
    pub key: Option<String>,
    /// Only changes after this one in the order of the answer.
    pub after: Option<LogPosition>,
    pub limit: usize,
}

/// The position of a change in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogPosition {
    at: i64,
    number: i64,
}

impl LogPosition {
    /// Counts the changes from 1 on.
    #[cfg(test)]
    pub fn number(self) -> i64 {
        self.number
    }
}

/// One change as it was logged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Logged {
    #[serde(skip)]
    pub position: LogPosition,
    pub at: Timestamp,
    pub previous_at: Timestamp,
    pub account: String,
    pub region_id: String,
    pub product: String,
    pub resource_id: String,
    pub kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<String>,
}

/// Most expired changes that one commit deletes, to keep commits short.
const MAX_DELETED_AT_ONCE: u32 = 1_000;

pub(super) fn insert(connection: &Connection, target: i64, changes: &[Change]) -> Result<()> {
    let sql = "INSERT INTO changes (at, previous_at, target, resource_id, kind, key, old, new)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let mut insert = connection.prepare_cached(sql)?;
    for change in changes {
        let Change { kind, key, old, new, .. } = change;
        let text = |text: &Option<Arc<str>>| text.as_deref().map(str::to_owned);
        insert.execute(params![
            change.at.as_millisecond(),
            change.previous_at.as_millisecond(),
            target,
            &*change.resource_id,
            kind.name(),
            text(key),
            text(old),
            text(new),
        ])?;
    }
    Ok(())
}

/// Deletes up to `MAX_DELETED_AT_ONCE` changes from before `oldest`.
pub(super) fn expire(connection: &Connection, oldest: Timestamp) -> Result<()> {
    let sql = format!(
        "DELETE FROM changes WHERE number IN
         (SELECT number FROM changes WHERE at < ?1 ORDER BY at LIMIT {MAX_DELETED_AT_ONCE})"
    );
    connection.prepare_cached(&sql)?.execute([oldest.as_millisecond()])?;
    Ok(())
}

/// Keeps the newest [`MAX_CHANGES_IN_MEMORY`] changes.
pub(super) fn bound(connection: &Connection) -> Result<()> {
    let sql = format!(
        "DELETE FROM changes WHERE number <= (SELECT max(number) FROM changes) - {MAX_CHANGES_IN_MEMORY}"
    );
    connection.execute(&sql, [])?;
    Ok(())
}

/// The changes of configured targets that `filter` lets through, newest first, at most `filter.limit`.
pub(super) fn read(connection: &Connection, filter: &ChangeFilter) -> Result<Vec<Logged>> {
    let targets = targets(connection, filter)?;
    let sql = format!(
        "SELECT changes.number, at, previous_at, account, region_id, product, resource_id, kind, key, old, new
         FROM changes JOIN targets ON targets.number = target
         WHERE {} ORDER BY at DESC, changes.number DESC LIMIT ?7",
        filter.conditions(&targets).join(" AND ")
    );
    let ChangeFilter { since, until, after, resource_id, key, limit, .. } = filter;
    let values = params![
        since.map(Timestamp::as_millisecond),
        until.map(Timestamp::as_millisecond),
        after.map(|position| position.at),
        after.map(|position| position.number),
        resource_id,
        key,
        *limit as i64,
    ];
    connection.prepare_cached(&sql)?.query_map(values, logged)?.collect()
}

/// The numbers of the configured targets that are asked for.
fn targets(connection: &Connection, filter: &ChangeFilter) -> Result<Vec<i64>> {
    let sql = "SELECT number FROM targets
               WHERE configured AND account = coalesce(?1, account)
               AND region_id = coalesce(?2, region_id) AND product = coalesce(?3, product)";
    let TargetFilter { account, region_id, product } = &filter.target;
    let mut statement = connection.prepare_cached(sql)?;
    statement.query_map(params![account, region_id, product], |row| row.get(0))?.collect()
}

impl ChangeFilter {
    /// Each way through them walks one index in the order of the answer: that of the resource, of the key, of a
    /// single target, of both, or of time. A `+` keeps SQLite from another one.
    fn conditions(&self, targets: &[i64]) -> Vec<String> {
        let Self { since, until, after, resource_id, key, .. } = self;
        let given = [
            (since.is_some(), "at >= ?1"),
            (until.is_some(), "at <= ?2"),
            (after.is_some(), "(at, changes.number) < (?3, ?4)"),
            (resource_id.is_some(), "resource_id = ?5"),
            (key.is_some() && resource_id.is_some(), "+key = ?6"),
            (key.is_some() && resource_id.is_none(), "key = ?6"),
        ];
        let given = given.into_iter().filter(|(given, _)| *given);
        let of_targets = match targets {
            [target] if resource_id.is_none() => format!("target = {target}"),
            _ => {
                let numbers: Vec<_> = targets.iter().map(i64::to_string).collect();
                format!("+target IN ({})", numbers.join(", "))
            }
        };
        given.map(|(_, condition)| condition.to_owned()).chain([of_targets]).collect()
    }
}

fn logged(row: &Row<'_>) -> Result<Logged> {
    let moment = |index| -> Result<Timestamp> {
        Ok(Timestamp::from_millisecond(row.get(index)?).unwrap_or(Timestamp::UNIX_EPOCH))
    };
    Ok(Logged {
        position: LogPosition { number: row.get(0)?, at: row.get(1)? },
        at: moment(1)?,
        previous_at: moment(2)?,
        account: row.get(3)?,
        region_id: row.get(4)?,
        product: row.get(5)?,
        resource_id: row.get(6)?,
        kind: row.get(7)?,
        key: row.get(8)?,
        old: row.get(9)?,
        new: row.get(10)?,
    })
}
