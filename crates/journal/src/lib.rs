//! Linking, tree, checkpoints, proofs and verification.
//!
//! The hash-chained journal as pure functions over bytes: no I/O, no clock, no async, no knowledge of stores or HTTP.

#![warn(missing_docs)]

pub mod bundle;
mod draft;
pub mod key;
pub mod kind;
pub mod map;
pub mod note;
pub mod receipt;
pub mod tile;
pub mod tree;
pub mod verify;

pub use draft::{Draft, Expectation, Head, Idempotency, LinkError, link};
pub use receipt::Receipt;

/// Reads a decimal number in its only spelling.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let shortest = text == "0" || !text.starts_with('0');
    if plain && shortest {
        text.parse().ok()
    } else {
        None
    }
}
