//! Linking, tree, checkpoints, proofs and verification.
//!
//! The hash-chained journal as pure functions over bytes: no I/O, no clock, no async, no knowledge of stores or HTTP.

mod draft;

pub use draft::{Draft, Expectation, Head, Idempotency, LinkError, link};
