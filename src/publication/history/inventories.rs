//! The last inventory of every target, as rows: a step writes only the resources in which something is new.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Result, Row, params};

use crate::inventory::diff::{Change, Pair, Tally, merge};
use crate::inventory::{Interner, Known, Resource, Tags, Target};

/// What a collection that worked brought.
#[derive(Debug)]
pub struct Step {
    pub target: Target,
    /// What was known before: what the step before stored, or nothing.
    pub before: Option<Known>,
    pub known: Known,
    pub changes: Vec<Change>,
    /// All changes of the target so far, with these.
    pub tally: Tally,
}

/// What was stored of one target.
#[derive(Debug, Default)]
pub struct Recalled {
    pub known: Option<Known>,
    pub tally: Tally,
    /// By resource id.
    pub tags_changed_at: BTreeMap<Arc<str>, Timestamp>,
}

/// The number of the step's target, whose row now tells of the step.
pub(super) fn store_target(connection: &Connection, step: &Step) -> Result<i64> {
    let Step { target, known, tally, .. } = step;
    let sql = "
        INSERT INTO targets (account, region_id, product, started, ended, count_mismatch,
                             appeared, disappeared, added, removed, modified)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
        ON CONFLICT (account, region_id, product) DO UPDATE SET
            configured = TRUE, started = ?4, ended = ?5, count_mismatch = ?6,
            appeared = ?7, disappeared = ?8, added = ?9, removed = ?10, modified = ?11
        RETURNING number";
    let values = params![
        &*target.account,
        &*target.region_id,
        &*target.product,
        known.started.as_millisecond(),
        known.ended.as_millisecond(),
        known.count_mismatch,
        tally.appeared as i64,
        tally.disappeared as i64,
        tally.added as i64,
        tally.removed as i64,
        tally.modified as i64,
    ];
    connection.prepare_cached(sql)?.query_row(values, |row| row.get(0))
}

/// Brings the resources of `target` from those before the step to those after it.
pub(super) fn store_resources(connection: &Connection, target: i64, step: &Step) -> Result<()> {
    let Step { before, known, .. } = step;
    if before.is_none() {
        connection.execute("DELETE FROM resources WHERE target = ?1", [target])?;
    }
    let before = before.as_ref().map_or(&[][..], |before| &before.resources);
    let mut result = Ok(());
    merge(
        before,
        &known.resources,
        |resource: &Resource| &*resource.id,
        |pair| {
            if result.is_ok() {
                result = match pair {
                    Pair::Both(old, new) if old == new => Ok(()),
                    Pair::Both(_, new) | Pair::Right(new) => put(connection, target, new),
                    Pair::Left(gone) => delete(connection, target, gone),
                };
            }
        },
    );
    result?;
    date(connection, target, step)
}

fn put(connection: &Connection, target: i64, resource: &Resource) -> Result<()> {
    let sql = "
        INSERT INTO resources (target, id, name, resource_group_id, status, created_at, tags, system_tags)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        ON CONFLICT (target, id) DO UPDATE SET
            name = ?3, resource_group_id = ?4, status = ?5, created_at = ?6, tags = ?7, system_tags = ?8";
    let Resource { id, name, resource_group_id, status, created_at, tags, system_tags } = resource;
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
fn date(connection: &Connection, target: i64, step: &Step) -> Result<()> {
    let sql = "UPDATE resources SET tags_changed_at = ?3 WHERE target = ?1 AND id = ?2";
    let mut update = connection.prepare_cached(sql)?;
    for change in step.changes.iter().filter(|change| change.kind.is_of_a_tag()) {
        update.execute(params![target, &*change.resource_id, change.at.as_millisecond()])?;
    }
    Ok(())
}

/// Makes the targets that `stay` and those that are `new` the only configured ones in a scope, and gives what is
/// stored of the new ones. Of others nothing is known any more: one that comes back begins with a baseline.
pub(super) fn recall(
    connection: &mut Connection,
    is_in_scope: impl Fn(&Target) -> bool,
    stay: &[Target],
    new: &[Target],
) -> Result<BTreeMap<Target, Recalled>> {
    let transaction = connection.transaction()?;
    for (number, target) in configured(&transaction)? {
        if is_in_scope(&target) && !stay.contains(&target) {
            transaction.execute("UPDATE targets SET configured = FALSE WHERE number = ?1", [number])?;
        }
    }
    let mut recalled = BTreeMap::new();
    for target in new {
        if let Some((number, known, tally)) = row_of(&transaction, target)? {
            let target = target.clone();
            recalled.insert(target, recall_one(&transaction, number, known, tally)?);
        }
    }
    transaction.execute_batch(
        "DELETE FROM resources WHERE target IN (SELECT number FROM targets WHERE NOT configured);
         UPDATE targets SET started = NULL, ended = NULL WHERE NOT configured;",
    )?;
    transaction.commit()?;
    Ok(recalled)
}

fn configured(connection: &Connection) -> Result<Vec<(i64, Target)>> {
    let sql = "SELECT number, account, region_id, product FROM targets WHERE configured";
    let text = |row: &Row<'_>, index| row.get(index).map(|text: String| Arc::<str>::from(text));
    let target = |row: &Row<'_>| {
        let target = Target { account: text(row, 1)?, region_id: text(row, 2)?, product: text(row, 3)? };
        Ok((row.get(0)?, target))
    };
    connection.prepare(sql)?.query_map([], target)?.collect()
}

/// The row of a target, which is configured: its number, what is known without the resources, and its tally.
fn row_of(connection: &Connection, target: &Target) -> Result<Option<(i64, Option<Known>, Tally)>> {
    let sql = "
        UPDATE targets SET configured = TRUE WHERE account = ?1 AND region_id = ?2 AND product = ?3
        RETURNING number, started, ended, count_mismatch, appeared, disappeared, added, removed, modified";
    let values = params![&*target.account, &*target.region_id, &*target.product];
    let mut update = connection.prepare_cached(sql)?;
    let row = |row: &Row<'_>| {
        let count = |index| row.get(index).map(|count: i64| count as u64);
        let tally = Tally {
            appeared: count(4)?,
            disappeared: count(5)?,
            added: count(6)?,
            removed: count(7)?,
            modified: count(8)?,
        };
        let (times, count_mismatch) = (moment(row, 1)?.zip(moment(row, 2)?), row.get(3)?);
        let known =
            times.map(|(started, ended)| Known { resources: Arc::new([]), started, ended, count_mismatch });
        Ok((row.get(0)?, known, tally))
    };
    update.query_row(values, row).optional()
}

fn recall_one(connection: &Connection, number: i64, known: Option<Known>, tally: Tally) -> Result<Recalled> {
    let sql = "
        SELECT id, name, resource_group_id, status, created_at, tags, system_tags, tags_changed_at
        FROM resources WHERE target = ?1 ORDER BY id";
    let interner = Interner::seeded(&[]);
    let mut tags_changed_at = BTreeMap::new();
    let mut resources = Vec::new();
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query([number])?;
    while let Some(row) = rows.next()? {
        let resource = resource(row, &interner)?;
        if let Some(at) = moment(row, 7)? {
            tags_changed_at.insert(Arc::clone(&resource.id), at);
        }
        resources.push(resource);
    }
    let known = known.map(|known| Known { resources: resources.into(), ..known });
    Ok(Recalled { known, tally, tags_changed_at })
}

fn resource(row: &Row<'_>, interner: &Interner) -> Result<Resource> {
    let text = |index| -> Result<_> { Ok(interner.share(row.get_ref(index)?.as_str()?)) };
    let (id, name, resource_group_id, status) = (text(0)?, text(1)?, text(2)?, text(3)?);
    let created_at: Option<String> = row.get(4)?;
    let tags = |index| tags(row, index, interner);
    Ok(Resource {
        id,
        name,
        resource_group_id,
        status,
        created_at: created_at.and_then(|at| at.parse().ok()),
        tags: tags(5)?,
        system_tags: tags(6)?,
    })
}

fn tags(row: &Row<'_>, index: usize, interner: &Interner) -> Result<Tags> {
    let text = row.get_ref(index)?.as_str()?;
    let pairs: BTreeMap<String, String> = serde_json::from_str(text).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(index, rusqlite::types::Type::Text, Box::new(error))
    })?;
    let pairs: Vec<_> =
        pairs.iter().map(|(key, value)| (interner.share(key), interner.share(value))).collect();
    Ok(interner.share_tags(pairs))
}

fn json(tags: &Tags) -> Result<String> {
    serde_json::to_string(tags).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

fn moment(row: &Row<'_>, index: usize) -> Result<Option<Timestamp>> {
    let millis: Option<i64> = row.get(index)?;
    Ok(millis.and_then(|millis| Timestamp::from_millisecond(millis).ok()))
}
