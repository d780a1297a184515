//! What is stored of a target besides its inventory, as one JSON text that later versions may extend.

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, Result, params};
use serde::{Deserialize, Serialize};

use super::step::Step;
use crate::inventory::{Doubts, Inventory, Unread};

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Notes {
    /// Stands for what listings are made by: the source of the tags and the description of the product.
    pub basis: Option<u64>,
    pub doubts: Doubts,
    /// The resources whose tags could not be read.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub unread: BTreeMap<Arc<str>, Unread>,
}

impl Notes {
    /// What is to be noted of an inventory, whose listing was made by `basis`.
    pub fn of(basis: Option<u64>, inventory: &Inventory) -> Self {
        let known = inventory.known.iter().flat_map(|known| known.resources.iter());
        let unread = known.filter_map(|resource| Some((Arc::clone(&resource.id), resource.unread?)));
        Self { basis, doubts: inventory.doubts.clone(), unread: unread.collect() }
    }
}

/// Stores the notes with the end of the listing that they belong to.
pub(super) fn store(connection: &Connection, target: i64, step: &Step) -> Result<()> {
    let text = serde_json::to_string(&step.notes)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    let sql = "INSERT INTO notes (target, known_ended, text)
               VALUES (?1, (SELECT ended FROM targets WHERE number = ?1), ?2)
               ON CONFLICT (target) DO UPDATE SET known_ended = excluded.known_ended, text = excluded.text";
    connection.prepare_cached(sql)?.execute(params![target, text])?;
    Ok(())
}

/// The notes on a target. They are void if they belong to another listing than the stored one: then a version without
/// notes has written in between.
pub(super) fn of(connection: &Connection, target: i64) -> Result<Notes> {
    let sql = "SELECT text FROM notes JOIN targets ON number = target
               WHERE target = ?1 AND known_ended IS ended";
    let text: Option<String> =
        connection.prepare_cached(sql)?.query_row([target], |row| row.get(0)).optional()?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}
