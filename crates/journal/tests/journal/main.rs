//! The journal from outside: what verifies, what does not, and the bytes that outsiders see.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops where it fails, and says what it skips"
)]

mod book;
mod bundles;
mod damage;
mod forgery;
mod golden;
mod promises;
mod vectors;
