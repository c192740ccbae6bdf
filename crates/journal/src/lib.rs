//! Linking, tree, checkpoints, proofs and verification.
//!
//! The hash-chained journal as pure functions over bytes: no I/O, no clock, no async, no knowledge of stores or HTTP.
//! Kinds of entries are foreign to it, but for the few that are about the journal itself.
//!
//! ```
//! use journal::key::LogKey;
//! use journal::note::Checkpoint;
//! use journal::tree::{Frontier, verify_inclusion};
//! use model::Entry;
//!
//! let key = LogKey::new(&"trailmark/acme".parse()?, &[7; 32]);
//! let entries = [Entry::hash_of(b"one"), Entry::hash_of(b"two"), Entry::hash_of(b"three")];
//! let mut frontier = Frontier::new();
//! let group = frontier.append_group(&entries);
//! let note = Checkpoint::of(&"trailmark/acme".parse()?, &frontier).sign(&key)?;
//!
//! let checkpoint = Checkpoint::open(&note, key.vkey())?;
//! verify_inclusion(&entries[1], 1, checkpoint.size, &group.proof(1)?, &checkpoint.root)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

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
