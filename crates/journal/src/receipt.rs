//! What a reporter gets back: where its entry stands, signed.

use model::EntryHash;
use serde::{Deserialize, Serialize};

use crate::note::{Checkpoint, NoteError, Vkey};
use crate::tree::{Disproved, Hash, verify_inclusion};

/// What is known about an entry's place, as JSON that says its `status`.
///
/// A log that seals later than it accepts will *promise* a place by a latest time: a status of its own, which readers
/// of this version refuse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Receipt {
    /// The entry is in the log.
    Proved(Proved),
}

/// The proof that an entry is in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proved {
    /// The signed note of a checkpoint that covers the entry.
    pub checkpoint: String,
    /// The entry's hash.
    pub entry: EntryHash,
    /// The entry's place in the log.
    pub index: u64,
    /// The inclusion proof in the checkpoint's tree, from the leaf up.
    pub proof: Vec<Hash>,
}

/// Why a receipt proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptError {
    /// It is another entry's.
    #[error("the receipt is for entry `{found}`, not for `{expected}`")]
    OtherEntry {
        /// The entry that was asked about.
        expected: EntryHash,
        /// The entry that the receipt is for.
        found: EntryHash,
    },
    /// The checkpoint is not the log's.
    #[error("the receipt's checkpoint does not hold")]
    Checkpoint(#[from] NoteError),
    /// The proof does not lead to the checkpoint's root.
    #[error("the receipt does not prove entry `{entry}` at index `{index}`")]
    Proof {
        /// The entry.
        entry: EntryHash,
        /// The index.
        index: u64,
        /// What is wrong with the proof.
        #[source]
        source: Disproved,
    },
}

impl Receipt {
    /// Returns the hash of the entry that the receipt is for.
    #[must_use]
    pub const fn entry(&self) -> &EntryHash {
        match self {
            Self::Proved(proved) => &proved.entry,
        }
    }

    /// Checks that the log of this key holds the entry, and returns the checkpoint that says so.
    ///
    /// # Errors
    /// Says why it is not proved.
    pub fn verify(&self, entry: &EntryHash, log: &Vkey) -> Result<Checkpoint, ReceiptError> {
        let Self::Proved(proved) = self;
        if proved.entry != *entry {
            return Err(ReceiptError::OtherEntry {
                expected: *entry,
                found: proved.entry,
            });
        }
        let checkpoint = Checkpoint::open(&proved.checkpoint, log)?;
        verify_inclusion(
            entry,
            proved.index,
            checkpoint.size,
            &proved.proof,
            &checkpoint.root,
        )
        .map_err(|source| ReceiptError::Proof {
            entry: *entry,
            index: proved.index,
            source,
        })?;
        Ok(checkpoint)
    }
}
