//! The protocol of Assay as numbered chapters, held against the code.
//!
//! ```text
//! document   chapters as text: their tables, their links, their generated blocks
//! listing    instructions as the chapters write them
//! examples   the worked examples, made by the machine itself
//! sources    the files of the checkout, for tests that read them
//! tests/     each table, example, vector and link of the chapters
//! ```
//!
//! Owns nothing of the protocol: where a chapter and the code disagree, a test fails and a person decides.

pub mod document;
pub mod examples;
pub mod listing;
pub mod sources;
