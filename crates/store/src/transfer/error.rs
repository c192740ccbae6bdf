use model::{Class, JournalId};

use crate::error::Cause;
use crate::{AppendError, OpenError, ReadError};

/// Why a journal was not copied, or not to its end. What was copied is right, and the next run goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The two are of different journals.
    #[error("one holds the journal `{from}`, the other is to hold `{to}`")]
    OtherJournal {
        /// The journal that was read.
        from: JournalId,
        /// The one that was to be written.
        to: JournalId,
    },
    /// The target has more entries.
    #[error("the target has `{to}` entries, more than the `{from}` to copy")]
    Ahead {
        /// Entries to copy.
        from: u64,
        /// Entries that are there.
        to: u64,
    },
    /// The target has other entries under the same id.
    #[error(
        "the first `{size}` entries of the target are not those to copy: it is another journal of this id"
    )]
    Forked {
        /// How many of them.
        size: u64,
    },
    /// Entries are recorded and not sealed, or were since the copy began.
    #[error("`{0}` entries are still to be sealed or copied")]
    Waiting(u64),
    /// An entry that was read is not what was recorded.
    #[error("entry `{index}` is damaged: {what}")]
    Entry {
        /// Its place in the log.
        index: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A checkpoint that was read is not that of the entries before it, signed by the log's key.
    #[error(
        "the checkpoint of the first `{size}` entries is not theirs, or not signed by the log's key"
    )]
    Checkpoint {
        /// The size that it speaks of.
        size: u64,
    },
    /// The source cannot be read.
    #[error("the source cannot be read")]
    Origin(#[source] ReadError),
    /// The target cannot be read.
    #[error("the target cannot be read")]
    Target(#[source] ReadError),
    /// The target cannot be written.
    #[error("the target was not written")]
    Put(#[from] PutError),
    /// What the target gives back is not what was written.
    #[error("the target's `{0}` is not the source's")]
    Differs(String),
}

impl CopyError {
    /// Returns what sort of failure it is.
    #[must_use]
    pub const fn class(&self) -> Class {
        match self {
            Self::OtherJournal { .. } => Class::Caller,
            Self::Ahead { .. } | Self::Forked { .. } | Self::Waiting(_) => Class::Conflict,
            Self::Entry { .. } | Self::Checkpoint { .. } | Self::Differs(_) => Class::Corrupt,
            Self::Origin(error) | Self::Target(error) => error.class(),
            Self::Put(error) => error.class(),
        }
    }
}

/// Why something was not written to a target.
#[derive(Debug, thiserror::Error)]
pub enum PutError {
    /// Something else is there.
    #[error("`{0}` is there already, with other content")]
    Taken(String),
    /// The write failed.
    #[error("the write failed")]
    Unavailable(#[source] Cause),
    /// What is there is not what was written.
    #[error("the target is damaged: {0}")]
    Corrupt(&'static str),
}

impl PutError {
    /// Returns what sort of failure it is.
    #[must_use]
    pub const fn class(&self) -> Class {
        match self {
            Self::Taken(_) => Class::Conflict,
            Self::Unavailable(_) => Class::Unavailable,
            Self::Corrupt(_) => Class::Corrupt,
        }
    }
}

impl From<ReadError> for PutError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Unavailable(source) => Self::Unavailable(source),
            ReadError::Corrupt(what) => Self::Corrupt(what),
        }
    }
}

impl From<AppendError> for PutError {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Corrupt(what) => Self::Corrupt(what),
            other => Self::Unavailable(other.into()),
        }
    }
}

impl From<OpenError> for PutError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Corrupt(what) => Self::Corrupt(what),
            other => Self::Unavailable(other.into()),
        }
    }
}
