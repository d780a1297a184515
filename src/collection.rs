//! What is listed, when, and by whom: the configuration's targets and the loops that collect them.

pub mod assembly;
pub mod collector;
pub mod collectors;
pub mod reload;
