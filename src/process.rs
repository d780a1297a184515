//! Process-wide concerns: logging, signals, memory.

pub mod logging;
pub mod memory;
pub mod signals;
