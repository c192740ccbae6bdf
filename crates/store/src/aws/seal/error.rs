use journal::note::Vkey;
use model::{Class, EntryHash};

use super::super::error::CallError;
use super::super::keys::KeyError;
use crate::{ReadError, ReadOnlyReason};

/// Why nothing was sealed, or what was sealed is not yet published. It can always be tried again.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// There is no journal.
    #[error("there is no journal to seal")]
    NotFound,
    /// The journal is of a later version.
    #[error("the journal is of layout `{found}`, and this program knows up to `{known}`")]
    NewerFormat {
        /// The journal's.
        found: u32,
        /// The newest one known.
        known: u32,
    },
    /// The checkpoint outside is none that the log continues, and no `recovered` entry waits that says that it may.
    #[error("the log does not continue the checkpoint outside: {0}")]
    Contradicted(ReadOnlyReason),
    /// The next checkpoint is for another key to sign.
    #[error("the next checkpoint is for `{expected}` to sign, not for `{found}`")]
    OtherKey {
        /// The log's key.
        expected: Box<Vkey>,
        /// The one that was given.
        found: Box<Vkey>,
    },
    /// An entry says that the log's key is another from there on, and the key before it did not vouch for that.
    #[error("entry `{entry}` names a new log key that the old one does not vouch for")]
    NotVouched {
        /// The entry.
        entry: EntryHash,
    },
    /// The checkpoint was not signed.
    #[error("the checkpoint was not signed")]
    Sign(#[from] KeyError),
    /// Something could not be read.
    #[error("the journal cannot be read")]
    Read(#[from] ReadError),
    /// Something could not be written. Whether it was is found out next time.
    #[error("the write failed")]
    Write(#[from] CallError),
}

impl SealError {
    /// Returns what sort of failure it is.
    #[must_use]
    pub const fn class(&self) -> Class {
        match self {
            Self::NotFound => Class::NotFound,
            Self::NewerFormat { .. } | Self::OtherKey { .. } => Class::Caller,
            Self::Contradicted(_) => Class::Conflict,
            Self::NotVouched { .. } => Class::Corrupt,
            Self::Sign(_) | Self::Write(_) => Class::Unavailable,
            Self::Read(error) => error.class(),
        }
    }
}
