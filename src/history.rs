//! The change log: written by the publisher before anything is told, read page by page.
//!
//! In memory it keeps the newest [`KEPT`] changes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use rusqlite::{Connection, Result, Row, ToSql, params};
use serde::Serialize;

use crate::diff::{Change, ChangeKind};

/// Changes that a log in memory keeps.
pub const KEPT: u32 = 10_000;

/// The change log. A clone is another handle on the same log.
#[derive(Clone)]
pub struct History(Arc<Mutex<Connection>>);

/// Which changes are asked for; what is `None` does not matter.
#[derive(Debug, Default)]
pub struct Filter {
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    pub account: Option<String>,
    pub region_id: Option<String>,
    pub product: Option<String>,
    pub resource_id: Option<String>,
    pub key: Option<String>,
    /// Only changes that were logged before this one.
    pub before: Option<i64>,
    pub limit: usize,
}

/// One change as it was logged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Logged {
    #[serde(skip)]
    pub number: i64,
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

/// Times are Unix milliseconds.
const SCHEMA: &str = "
    CREATE TABLE changes (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        at INTEGER NOT NULL, previous_at INTEGER NOT NULL,
        account TEXT NOT NULL, region_id TEXT NOT NULL, product TEXT NOT NULL, resource_id TEXT NOT NULL,
        kind TEXT NOT NULL, key TEXT, old TEXT, new TEXT
    ) STRICT;
    CREATE INDEX changes_of_a_resource ON changes (resource_id, number);";

impl History {
    /// An empty log that ends with the process.
    pub fn in_memory() -> Result<Self> {
        let connection = Connection::open_in_memory()?;
        connection.execute_batch(SCHEMA)?;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    /// Logs all of `changes`, or none.
    pub fn append(&self, changes: &[Change]) -> Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        for change in changes {
            insert(&transaction, change)?;
        }
        let oldest = transaction.last_insert_rowid() - i64::from(KEPT);
        transaction.execute("DELETE FROM changes WHERE number <= ?1", [oldest])?;
        transaction.commit()
    }

    /// The changes that `filter` lets through, newest first, at most `filter.limit`.
    pub fn read(&self, filter: &Filter) -> Result<Vec<Logged>> {
        let (conditions, values) = filter.conditions();
        let sql = format!(
            "SELECT number, at, previous_at, account, region_id, product, resource_id, kind, key, old, new
             FROM changes WHERE {conditions} ORDER BY number DESC LIMIT {}",
            filter.limit
        );
        let connection = self.lock();
        let mut statement = connection.prepare_cached(&sql)?;
        let values: Vec<&dyn ToSql> = values.iter().map(|value| &**value).collect();
        statement.query_map(&*values, logged)?.collect()
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Filter {
    fn conditions(&self) -> (String, Vec<Box<dyn ToSql>>) {
        fn some<T: ToSql + Clone + 'static>(value: &Option<T>) -> Option<Box<dyn ToSql>> {
            value.clone().map(|value| Box::new(value) as Box<dyn ToSql>)
        }
        let millis = |at: Option<Timestamp>| at.map(Timestamp::as_millisecond);
        let all = [
            ("at >=", some(&millis(self.since))),
            ("at <=", some(&millis(self.until))),
            ("account =", some(&self.account)),
            ("region_id =", some(&self.region_id)),
            ("product =", some(&self.product)),
            ("resource_id =", some(&self.resource_id)),
            ("key =", some(&self.key)),
            ("number <", some(&self.before)),
        ];
        let given = all.into_iter().filter_map(|(condition, value)| Some((format!("{condition} ?"), value?)));
        let (mut conditions, values): (Vec<_>, Vec<_>) = given.unzip();
        conditions.push("TRUE".to_owned());
        (conditions.join(" AND "), values)
    }
}

fn insert(connection: &Connection, change: &Change) -> Result<()> {
    let (kind, key, old, new) = match &change.kind {
        ChangeKind::ResourceAppeared => ("resource_appeared", None, None, None),
        ChangeKind::ResourceDisappeared => ("resource_disappeared", None, None, None),
        ChangeKind::TagAdded { key, new } => ("tag_added", Some(key), None, Some(new)),
        ChangeKind::TagRemoved { key, old } => ("tag_removed", Some(key), Some(old), None),
        ChangeKind::TagModified { key, old, new } => ("tag_modified", Some(key), Some(old), Some(new)),
    };
    let sql =
        "INSERT INTO changes (at, previous_at, account, region_id, product, resource_id, kind, key, old, new)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    let text = |text: Option<&Arc<str>>| text.map(|text| text.to_string());
    let target = &change.target;
    connection.prepare_cached(sql)?.execute(params![
        change.at.as_millisecond(),
        change.previous_at.as_millisecond(),
        &*target.account,
        &*target.region_id,
        &*target.product,
        &*change.resource_id,
        kind,
        text(key),
        text(old),
        text(new),
    ])?;
    Ok(())
}

fn logged(row: &Row<'_>) -> Result<Logged> {
    let moment = |index| -> Result<Timestamp> {
        Ok(Timestamp::from_millisecond(row.get(index)?).unwrap_or(Timestamp::UNIX_EPOCH))
    };
    Ok(Logged {
        number: row.get(0)?,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::Target;

    fn appeared(id: &str, at: &str) -> Change {
        let at = at.parse().unwrap();
        Change {
            target: Target::new("a", "r", "hbase"),
            previous_at: at,
            at,
            resource_id: id.into(),
            kind: ChangeKind::ResourceAppeared,
        }
    }

    fn ids(history: &History, filter: &Filter) -> Vec<String> {
        history.read(filter).unwrap().into_iter().map(|change| change.resource_id).collect()
    }

    #[test]
    fn changes_are_read_newest_first_and_a_page_goes_on_where_the_last_one_ended() {
        let history = History::in_memory().unwrap();
        history.append(&["1", "2", "3"].map(|id| appeared(id, "2026-11-24T03:00:00Z"))).unwrap();
        let page = history.read(&Filter { limit: 2, ..Filter::default() }).unwrap();
        history.append(&[appeared("4", "2026-11-24T03:05:00Z")]).unwrap();
        let next = Filter { limit: 2, before: Some(page[1].number), ..Filter::default() };
        assert_eq!(ids(&history, &next), ["1"]);
    }

    #[test]
    fn all_filters_must_hold() {
        let history = History::in_memory().unwrap();
        history
            .append(&[appeared("1", "2026-11-24T03:00:00Z"), appeared("2", "2026-11-24T04:00:00Z")])
            .unwrap();
        let since = "2026-11-24T03:30:00Z".parse().ok();
        let filter = |id: &str| Filter { since, resource_id: Some(id.into()), limit: 9, ..Filter::default() };
        assert_eq!(ids(&history, &filter("1")), [""; 0]);
        assert_eq!(ids(&history, &filter("2")), ["2"]);
    }

    #[test]
    fn a_log_in_memory_keeps_the_newest_changes() {
        let history = History::in_memory().unwrap();
        let change = appeared("1", "2026-11-24T03:00:00Z");
        history.append(&vec![change; KEPT as usize + 5]).unwrap();
        assert_eq!(ids(&history, &Filter { limit: 20_000, ..Filter::default() }).len(), KEPT as usize);
    }
}
