//! How the answers of a listing look: the vendor's example, with other rows in it.

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value, json};

use super::description::{ListingDescription, NestedTags};
use super::paging::{Page, PagedBy, Paging};
use super::text::{Facts, Text};

/// An example without its rows, and its first row.
#[derive(Debug)]
pub(crate) struct AnswerForm {
    answer: Value,
    rows: String,
    row: Value,
    texts: Vec<(String, Text)>,
    tags: Option<TagsForm>,
}

#[derive(Debug)]
struct TagsForm {
    at: String,
    /// The names of key and value in a list; none in a map.
    names: Option<(String, String)>,
}

impl AnswerForm {
    /// Every field that the description names must stand in the example.
    pub fn new(described: &ListingDescription, example: &Value) -> Result<Self, String> {
        let mut answer = example.clone();
        let rows = pointer(&described.rows);
        let Some(Value::Array(listed)) = answer.pointer_mut(&rows) else {
            return Err(format!("the example has no list {}", described.rows));
        };
        let row = std::mem::take(listed).into_iter().next().ok_or("the example has no row")?;
        let text = |(path, text): (&String, &String)| {
            let text = Text::parse(text, described.utc_offset_hours)?;
            Ok((known(&row, path)?, text))
        };
        let texts = described.row.iter().map(text).collect::<Result<_, String>>()?;
        let tags = described.tags.as_ref().map(|tags| TagsForm::new(tags, &row)).transpose()?;
        check_paging(&described.paging, &answer)?;
        Ok(Self { answer, rows, row, texts, tags })
    }

    pub fn row(&self, facts: &Facts<'_>) -> Value {
        let mut row = self.row.clone();
        for (at, text) in &self.texts {
            put(&mut row, at, |before| like(before, text.write(facts)));
        }
        if let Some(form) = &self.tags {
            put(&mut row, &form.at, |_| form.write(facts.tags));
        }
        for (path, value) in facts.resource.into_iter().flat_map(|resource| &resource.extra) {
            insert(&mut row, path, value.clone());
        }
        row
    }

    /// The answer with these of so many rows.
    pub fn answer(&self, paging: &Paging, page: Page, shown: Vec<Value>, rows: usize) -> Value {
        let mut answer = self.answer.clone();
        let count = |number: usize| move |before: &Value| like(before, number.to_string());
        if let Some(total) = &paging.total {
            put(&mut answer, &pointer(total), count(paging.total(rows, shown.len())));
        }
        if let Some(at) = &paging.count {
            put(&mut answer, &pointer(at), count(shown.len()));
        }
        if paging.by == PagedBy::Number {
            put(&mut answer, &beside(paging.total.as_deref(), &paging.number), count(page.number));
        }
        if let Some(size) = &paging.size {
            put(&mut answer, &beside(paging.total.as_deref(), size), count(page.size));
        }
        put(&mut answer, &self.rows, |_| Value::Array(shown));
        answer
    }

    /// The first row of the example, at the field that shows what `is_wanted`.
    pub fn in_example(&self, is_wanted: impl Fn(&Text) -> bool) -> Option<String> {
        let (at, _) = self.texts.iter().find(|(_, text)| is_wanted(text))?;
        match self.row.pointer(at)? {
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }
}

impl TagsForm {
    fn new(described: &NestedTags, row: &Value) -> Result<Self, String> {
        let at = known(row, &described.at)?;
        let names = match (&described.key, &described.value) {
            (Some(key), Some(value)) => Some((key.clone(), value.clone())),
            (None, None) => None,
            _ => return Err("tags have a key and a value, or neither".to_owned()),
        };
        Ok(Self { at, names })
    }

    fn write(&self, tags: Option<&BTreeMap<String, String>>) -> Value {
        let tags = tags.into_iter().flatten();
        match &self.names {
            Some((key, value)) => tags.map(|(k, v)| json!({ key: k, value: v })).collect(),
            None => Value::Object(tags.map(|(k, v)| (k.clone(), json!(v))).collect()),
        }
    }
}

/// `Instances.Instance` as serde_json wants it, `/Instances/Instance`.
fn pointer(path: &str) -> String {
    format!("/{}", path.replace('.', "/"))
}

fn known(value: &Value, path: &str) -> Result<String, String> {
    let at = pointer(path);
    value.pointer(&at).map(|_| at).ok_or_else(|| format!("the example has no {path}"))
}

fn check_paging(paging: &Paging, answer: &Value) -> Result<(), String> {
    paging.check()?;
    let token = (paging.by == PagedBy::Token).then_some(&paging.token);
    [paging.total.as_ref(), paging.count.as_ref(), token]
        .into_iter()
        .flatten()
        .try_for_each(|path| known(answer, path).map(drop))
}

/// The field `name` in the object that has `other` in it.
fn beside(other: Option<&str>, name: &str) -> String {
    match other.and_then(|other| other.rsplit_once('.')) {
        Some((object, _)) => pointer(&format!("{object}.{name}")),
        None => pointer(name),
    }
}

/// Changes a field that is there.
fn put(value: &mut Value, at: &str, change: impl FnOnce(&Value) -> Value) {
    if let Some(field) = value.pointer_mut(at) {
        *field = change(field);
    }
}

/// Sets a field that may not be there yet, and the objects around it.
fn insert(value: &mut Value, path: &str, new: Value) {
    let field = path.split('.').fold(value, |object, name| {
        if !object.is_object() {
            *object = Value::Object(Map::new());
        }
        &mut object[name]
    });
    *field = new;
}

/// A number where the example has one and the text is one.
fn like(example: &Value, text: String) -> Value {
    match (example, text.parse::<Number>()) {
        (Value::Number(_), Ok(number)) => Value::Number(number),
        _ => Value::String(text),
    }
}

/// Puts in what belongs to one answer: its id, and the token of the next page or none.
pub(crate) fn complete(answer: &mut Value, request_id: &str, token: (&str, Option<String>)) {
    for name in ["RequestId", "requestId"] {
        put(answer, &pointer(name), |_| json!(request_id));
    }
    let (path, token) = token;
    match token {
        Some(token) => insert(answer, path, json!(token)),
        None => drop(answer.as_object_mut().and_then(|answer| answer.remove(path))),
    }
}
