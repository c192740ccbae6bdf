//! The words of Trailmark as types, and their canonical bytes.
//!
//! Everything here is pure data: no I/O, no clock, no async. Values are parsed at the edge and are valid from then on.
//!
//! ```
//! use model::{Fingerprint, StreamName};
//! let fingerprint: Fingerprint = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".parse()?;
//! assert_eq!(StreamName::artifact(&fingerprint).as_str(), format!("artifact/{fingerprint}"));
//! # Ok::<(), model::ParseError>(())
//! ```

#![warn(missing_docs)]

pub mod canonical;
mod class;
mod digest;
pub mod dossier;
mod entry;
mod error;
pub mod kind;
pub mod limits;
mod name;
mod payload;

pub use class::Class;
pub use digest::{CommitId, EntryHash, Fingerprint, PayloadDigest, Root};
pub use dossier::Dossier;
pub use entry::{By, Entry, FORMAT, Header, How, Link, PayloadRef, Role};
pub use error::{EntryError, ParseError};

pub use kind::Body;
pub use name::{JournalId, KeyId, Name, PersonId, StreamName};
pub use payload::{LargePayload, Payload, Salt};
