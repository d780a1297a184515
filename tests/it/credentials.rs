//! Every way to get credentials, and every way that goes wrong, as folders in `tests/cases/credentials`.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use simulator::State;

mod case;
mod cloud;
mod python;

use case::Case;

const CASES: usize = 109;
/// At once: a case mostly waits.
const WORKERS: usize = 8;

#[test]
fn every_case_ends_as_it_says_with_both_signatures_and_prints_no_secret() {
    let cases = cases();
    assert_eq!(cases.len(), CASES, "a case was added or deleted");
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runs: Vec<_> = cases
        .iter()
        .flat_map(|case| ["hmac-sha1", "acs3-hmac-sha256"].map(|signature| (case, signature)))
        .collect();
    let (next, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while let Some((folder, signature)) = runs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    // So that all cases that fail are told.
                    let run = std::panic::catch_unwind(|| Case::read(folder).run(signature));
                    failed.fetch_add(usize::from(run.is_err()), Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(failed.into_inner(), 0, "so many of {} runs failed", runs.len());
}

fn cases() -> Vec<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases/credentials");
    let mut cases: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    cases
}

/// Who the key is, in the eyes of the cloud.
fn arn_of<'a>(state: &'a State, id: &str) -> &'a str {
    &state.access_keys[id].arn
}
