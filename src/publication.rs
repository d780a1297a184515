//! What is known, kept in one place and shown from there: the publisher, the state file, the rendered metrics and the
//! JSON document.

pub mod document;
pub mod exposition;
pub mod history;
pub mod publisher;
