//! The last inventory of every target, as rows: a step writes only the resources that changed.

use jiff::Timestamp;
use rusqlite::{Connection, Result, ToSql, params};

use super::step::{Step, Stored};
use crate::inventory::diff::{Change, ChangeKind, Side, dated, merge};
use crate::inventory::{Resource, Tags};

/// A column for each kind of change, in the order of [`ChangeKind::ALL`].
pub(super) fn counters(written: impl Fn(&str) -> String) -> String {
    ChangeKind::ALL.map(|kind| written(kind.word())).join(", ")
}

/// The number of the step's target, whose row now holds the step.
pub(super) fn store_target(connection: &Connection, step: &Step) -> Result<i64> {
    let Step { target, stored, tally, .. } = step;
    let (names, slots) = (counters(str::to_owned), counters(|word| format!(":{word}")));
    let set = counters(|word| format!("{word} = :{word}"));
    let times = match stored {
        Some(_) => "started = :started, ended = :ended, count_mismatch = :count_mismatch,",
        None => "",
    };
    let sql = format!(
        "INSERT INTO targets (account, region_id, product, started, ended, count_mismatch, {names})
         VALUES (:account, :region_id, :product, :started, :ended, :count_mismatch, {slots})
         ON CONFLICT (account, region_id, product) DO UPDATE SET configured = TRUE, {times} {set}
         RETURNING number"
    );
    let known = stored.as_ref().map(|stored| &stored.known);
    let (started, ended) = (known.map(|known| millis(known.started)), known.map(|known| millis(known.ended)));
    let mismatch = known.is_some_and(|known| known.count_mismatch);
    let numbers = ChangeKind::ALL.map(|kind| tally.number(kind) as i64);
    let words = ChangeKind::ALL.map(|kind| format!(":{}", kind.word()));
    let mut values: Vec<(&str, &dyn ToSql)> = vec![
        (":account", &target.account),
        (":region_id", &target.region_id),
        (":product", &target.product),
        (":started", &started),
        (":ended", &ended),
        (":count_mismatch", &mismatch),
    ];
    values.extend(words.iter().zip(&numbers).map(|(word, number)| (word.as_str(), number as &dyn ToSql)));
    connection.prepare_cached(&sql)?.query_row(values.as_slice(), |row| row.get(0))
}

fn millis(at: Timestamp) -> i64 {
    at.as_millisecond()
}

/// Brings the resources of `target` from those before the step to those after it.
pub(super) fn store_resources(connection: &Connection, target: i64, stored: &Stored) -> Result<()> {
    let Stored { before, known, changes } = stored;
    if before.is_none() {
        connection.execute("DELETE FROM resources WHERE target = ?1", [target])?;
    }
    let before = before.as_ref().map_or(&[][..], |before| &before.resources);
    let mut result = Ok(());
    merge(
        before,
        &known.resources,
        |resource: &Resource| &*resource.id,
        |side| {
            if result.is_ok() {
                result = match side {
                    Side::Both(old, new) if old == new => Ok(()),
                    Side::Both(_, new) | Side::Right(new) => put(connection, target, new),
                    Side::Left(gone) => delete(connection, target, gone),
                };
            }
        },
    );
    result?;
    date(connection, target, changes)
}

fn put(connection: &Connection, target: i64, resource: &Resource) -> Result<()> {
    let sql = "
        INSERT INTO resources (target, id, name, resource_group_id, status, created_at, tags, system_tags)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        ON CONFLICT (target, id) DO UPDATE SET
            name = ?3, resource_group_id = ?4, status = ?5, created_at = ?6, tags = ?7, system_tags = ?8";
    let Resource { id, name, resource_group_id, status, created_at, tags, system_tags, unread: _ } = resource;
    connection.prepare_cached(sql)?.execute(params![
        target,
        &**id,
        &**name,
        &**resource_group_id,
        &**status,
        created_at.map(|at| at.to_string()),
        json(tags)?,
        json(system_tags)?,
    ])?;
    Ok(())
}

fn delete(connection: &Connection, target: i64, resource: &Resource) -> Result<()> {
    let sql = "DELETE FROM resources WHERE target = ?1 AND id = ?2";
    connection.prepare_cached(sql)?.execute(params![target, &*resource.id])?;
    Ok(())
}

/// Notes when the tags of resources that stayed have changed.
fn date(connection: &Connection, target: i64, changes: &[Change]) -> Result<()> {
    let sql = "UPDATE resources SET tags_changed_at = ?3 WHERE target = ?1 AND id = ?2";
    let mut update = connection.prepare_cached(sql)?;
    for (id, at) in dated(changes) {
        update.execute(params![target, &**id, millis(at)])?;
    }
    Ok(())
}

fn json(tags: &Tags) -> Result<String> {
    serde_json::to_string(tags).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}
