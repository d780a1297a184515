//! Reads a saved answer of `/tags`, and rejects an incomplete one.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use serde_json::error::Category;

use super::Collected;
use super::report::visible;
use crate::inventory::{Listing, Outcome, Resource, Status, Target};
use crate::policy::Rules;
use crate::publication::document::{Saved, SavedResource, SavedTarget};
use crate::publication::publisher::Settings;

/// The targets in the file as if they had just been collected; "-" is stdin.
pub(super) fn read(file: &Path, rules: Rules) -> anyhow::Result<Collected> {
    let (name, text) = match file.as_os_str() == "-" {
        true => ("stdin".to_owned(), stdin()),
        false => (file.display().to_string(), std::fs::read(file)),
    };
    let text = text.with_context(|| format!("cannot read {name}"))?;
    parsed(&text).and_then(|saved| collected(saved, rules)).with_context(|| format!("cannot audit {name}"))
}

fn stdin() -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    std::io::stdin().lock().read_to_end(&mut text)?;
    Ok(text)
}

/// An error names the position, never the content.
fn parsed(text: &[u8]) -> anyhow::Result<Saved> {
    serde_json::from_slice(text).map_err(|error| {
        let problem = match error.classify() {
            Category::Data => "it is not an answer of /tags",
            Category::Eof => "it is truncated",
            Category::Syntax | Category::Io => "it is not valid JSON",
        };
        anyhow::anyhow!("line {}, column {}: {problem}", error.line(), error.column())
    })
}

/// Every target with its resources, when all of them are there.
fn collected(saved: Saved, rules: Rules) -> anyhow::Result<Collected> {
    ensure!(saved.next_cursor.is_none(), "it is one of several pages: next_cursor is not null");
    ensure!(!saved.targets.is_empty(), "it contains no targets");
    let mut by_target = BTreeMap::<Target, Vec<SavedResource>>::new();
    let mut settings = Settings { rules, ..Settings::default() };
    for saved in saved.resources {
        let resource_type = saved.resource_type.as_str().into();
        settings.resource_types.insert(Arc::clone(&saved.target.product), resource_type);
        by_target.entry(saved.target.clone()).or_default().push(saved);
    }
    let mut outcomes = Vec::new();
    for saved in saved.targets {
        let rows = by_target.remove(&saved.target).unwrap_or_default();
        let name = visible(&saved.target.to_string());
        outcomes.push(one(saved, rows).with_context(|| format!("target {name}"))?);
    }
    if let Some(target) = by_target.keys().next() {
        bail!(
            "it contains resources of {}, but that target is missing or a duplicate",
            visible(&target.to_string())
        );
    }
    Ok(Collected { outcomes, settings })
}

fn one(saved: SavedTarget, rows: Vec<SavedResource>) -> anyhow::Result<Outcome> {
    ensure!(saved.status == Status::Fresh, "it is not fresh, so its current state is unknown");
    let at = saved.last_success.context("it is fresh, but has no last_success")?;
    let count = saved.resources.context("it is fresh, but its resource count is null")?;
    ensure!(count == rows.len(), "it claims {count} resources, but {} are present", rows.len());
    let by_id: BTreeMap<_, Resource> =
        rows.into_iter().map(|row| (row.resource.id.clone(), row.resource)).collect();
    ensure!(count == by_id.len(), "it contains a duplicate resource");
    // How many too many or too few there were is not in the document; more is what the audit need not wait for.
    let difference = saved.count_mismatch.then_some(-1);
    let listing = Listing { resources: by_id.into_values().collect(), difference, ..Listing::default() };
    let (target, took) = (saved.target, Duration::ZERO);
    Ok(Outcome { target, started: at, ended: at, took, listed: Ok(listing) })
}
