//! What a file has of targets and regions.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Result, Row, params_from_iter};

use super::inventories::counters;
use super::notes;
use super::step::Recalled;
use crate::inventory::diff::{ChangeKind, Tally};
use crate::inventory::{Interner, Known, Region, Regions, Resource, Scope, Tags, Target};

/// Makes `wanted` the only configured targets, and returns what is stored of the `new` ones. Others are forgotten: a
/// target that comes back starts with a baseline.
pub(super) fn recall(
    connection: &mut Connection,
    wanted: &[Target],
    new: &[Target],
) -> Result<BTreeMap<Target, Recalled>> {
    let transaction = connection.transaction()?;
    for (number, target) in configured(&transaction)? {
        if wanted.binary_search(&target).is_err() {
            transaction.execute("UPDATE targets SET configured = FALSE WHERE number = ?1", [number])?;
        }
    }
    let mut recalled = BTreeMap::new();
    for target in new {
        if let Some(row) = row_of(&transaction, target)? {
            recalled.insert(target.clone(), recall_one(&transaction, row)?);
        }
    }
    transaction.execute_batch(
        "DELETE FROM resources WHERE target IN (SELECT number FROM targets WHERE NOT configured);
         UPDATE targets SET started = NULL, ended = NULL WHERE NOT configured;",
    )?;
    transaction.commit()?;
    Ok(recalled)
}

/// The regions of the configured targets in these scopes, with their doubts.
pub(super) fn remembered_regions(
    connection: &Connection,
    scopes: &[Scope],
) -> Result<BTreeMap<Scope, Regions>> {
    let mut remembered: BTreeMap<Scope, Regions> =
        scopes.iter().map(|scope| (scope.clone(), Regions::default())).collect();
    for (number, target) in configured(connection)? {
        if let Some(regions) = remembered.get_mut(&target.scope()) {
            let missing_since = notes::of(connection, number)?.doubts.region_missing_since;
            let region = Region { told_host: None, missing_since };
            regions.by_id.insert(target.region_id, region);
        }
    }
    Ok(remembered)
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

/// The row of a target, without its resources.
struct TargetRow {
    number: i64,
    known: Option<Known>,
    tally: Tally,
}

/// The row of a target, which is configured from now on.
fn row_of(connection: &Connection, target: &Target) -> Result<Option<TargetRow>> {
    let sql = format!(
        "UPDATE targets SET configured = TRUE WHERE account = ?1 AND region_id = ?2 AND product = ?3
         RETURNING number, started, ended, count_mismatch, {}",
        counters(str::to_owned)
    );
    let values = params_from_iter([&target.account, &target.region_id, &target.product]);
    connection.prepare_cached(&sql)?.query_row(values, target_row).optional()
}

fn target_row(row: &Row<'_>) -> Result<TargetRow> {
    let mut numbers = [0; ChangeKind::ALL.len()];
    for (index, number) in numbers.iter_mut().enumerate() {
        *number = row.get::<_, i64>(4 + index)? as u64;
    }
    let (times, count_mismatch) = (moment(row, 1)?.zip(moment(row, 2)?), row.get(3)?);
    let known =
        times.map(|(started, ended)| Known { resources: Arc::new([]), started, ended, count_mismatch });
    Ok(TargetRow { number: row.get(0)?, known, tally: Tally::of(numbers) })
}

fn recall_one(connection: &Connection, row: TargetRow) -> Result<Recalled> {
    let sql = "
        SELECT id, name, resource_group_id, status, created_at, tags, system_tags, tags_changed_at
        FROM resources WHERE target = ?1 ORDER BY id";
    let interner = Interner::seeded(&[]);
    let mut tags_changed_at = BTreeMap::new();
    let mut resources = Vec::new();
    let notes = notes::of(connection, row.number)?;
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query([row.number])?;
    while let Some(row) = rows.next()? {
        let mut resource = resource(row, &interner)?;
        resource.unread = notes.unread.get(&resource.id).copied();
        if let Some(at) = moment(row, 7)? {
            tags_changed_at.insert(Arc::clone(&resource.id), at);
        }
        resources.push(resource);
    }
    let known = row.known.map(|known| Known { resources: resources.into(), ..known });
    Ok(Recalled { known, tally: row.tally, tags_changed_at, notes })
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
        unread: None,
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

fn moment(row: &Row<'_>, index: usize) -> Result<Option<Timestamp>> {
    let millis: Option<i64> = row.get(index)?;
    Ok(millis.and_then(|millis| Timestamp::from_millisecond(millis).ok()))
}
