//! What the process does beside its work: the log, signals, memory.

pub mod logging;
pub mod memory;
pub mod signals;
