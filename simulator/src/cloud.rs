//! The one thing that listeners, tests and the demo share.

use std::sync::{Arc, Mutex, PoisonError};

use super::state::State;

/// One simulated cloud. Clones share the state, and so do all listeners that serve it.
#[derive(Clone)]
pub struct Cloud(Arc<Mutex<State>>);

impl Cloud {
    pub fn new(state: State) -> Self {
        Self(Arc::new(Mutex::new(state)))
    }

    /// Looks at the state or changes it, between two requests.
    pub fn edit<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        // A test that panics inside `change` leaves a state that is still whole enough to look at.
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
