//! Which tag keys are meant by a set of globs.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use globset::GlobSet;

/// Asks the globs once for each key: many resources have few keys between them.
pub struct Keys<'a> {
    globs: &'a GlobSet,
    known: HashMap<Arc<str>, bool, RandomState>,
}

impl<'a> Keys<'a> {
    pub fn of(globs: &'a GlobSet) -> Self {
        Self { globs, known: HashMap::default() }
    }

    pub fn has(&mut self, key: &Arc<str>) -> bool {
        if let Some(known) = self.known.get(key) {
            return *known;
        }
        let matches = self.globs.is_match(&**key);
        self.known.insert(Arc::clone(key), matches);
        matches
    }
}
