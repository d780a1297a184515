//! What is listed, when, and by whom: the configuration's targets and the loops that collect them.

pub mod accounts;
pub mod assembly;
pub mod collector;
pub mod collectors;
mod loops;
pub mod region_search;
pub mod targets;
