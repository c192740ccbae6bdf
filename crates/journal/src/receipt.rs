//! What a reporter gets back: where its entry stands, signed.
//!
//! A log that seals as it accepts answers with a proof. One that seals later answers with a promise, signed by a
//! short-lived receipt key for which the log's key vouches; asked again after sealing, it has the proof. Either is
//! checked offline, with the log's key alone.

mod promise;

use model::EntryHash;
use serde::{Deserialize, Serialize};

use crate::note::{Checkpoint, NoteError, Vkey};
use crate::tree::{Disproved, Hash, verify_inclusion};

pub use promise::{PROMISE_MS_MAX, Promised, RECEIPT_KEY_MS_MAX, ReceiptTerms, ReceiptVoucher};

/// What is known about an entry's place, as JSON that says its `status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "kebab-case")]
pub enum Receipt {
    /// The entry will be in the log.
    Promised(Promised),
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

/// What a receipt that holds says of its entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It will be in the log.
    Promised {
        /// By when, in milliseconds since 1970-01-01 UTC.
        latest_ms: u64,
    },
    /// It is in the log.
    Proved {
        /// Its place, from 0.
        index: u64,
        /// The log that it was proved to be in.
        checkpoint: Checkpoint,
    },
}

/// Why a receipt says nothing.
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
    /// The receipt key's life is none that a log's key may vouch for.
    #[error(
        "a receipt key cannot live from `{from_ms}` to `{until_ms}`: at most `{RECEIPT_KEY_MS_MAX}` ms"
    )]
    Terms {
        /// Its beginning.
        from_ms: u64,
        /// Its end.
        until_ms: u64,
    },
    /// The log's key does not vouch for the receipt key.
    #[error("receipt key `{key}` is not vouched for by `{log}`")]
    NotVouched {
        /// The receipt key.
        key: String,
        /// The log's key.
        log: String,
    },
    /// The key that was to promise is not the one that is vouched for.
    #[error("the voucher is for receipt key `{expected}`, not for `{found}`")]
    OtherKey {
        /// The key that is vouched for.
        expected: String,
        /// The key that was to promise.
        found: String,
    },
    /// The receipt key may not promise that.
    #[error("a promise by `{latest_ms}` is none that its key may give: `{from_ms}` to `{to_ms}`")]
    Beyond {
        /// What is promised.
        latest_ms: u64,
        /// The earliest time that may be promised.
        from_ms: u64,
        /// The latest.
        to_ms: u64,
    },
    /// The promise is not signed by its receipt key.
    #[error("the promise of entry `{entry}` is not signed by receipt key `{key}`")]
    NotPromised {
        /// The entry.
        entry: EntryHash,
        /// The receipt key.
        key: String,
    },
}

impl Receipt {
    /// Returns the hash of the entry that the receipt is for.
    #[must_use]
    pub const fn entry(&self) -> &EntryHash {
        match self {
            Self::Promised(promised) => &promised.entry,
            Self::Proved(proved) => &proved.entry,
        }
    }

    /// Checks that the log of this key holds the entry or promises to, and says which.
    ///
    /// Whether a promise is overdue is for whoever has a clock to say.
    ///
    /// # Errors
    /// Says why it does neither.
    pub fn verify(&self, entry: &EntryHash, log: &Vkey) -> Result<Standing, ReceiptError> {
        match self {
            Self::Promised(promised) => promised
                .verify(entry, log)
                .map(|latest_ms| Standing::Promised { latest_ms }),
            Self::Proved(proved) => proved
                .verify(entry, log)
                .map(|checkpoint| Standing::Proved {
                    index: proved.index,
                    checkpoint,
                }),
        }
    }
}

impl Proved {
    /// Checks that the log of this key holds the entry, and returns the checkpoint that says so.
    ///
    /// # Errors
    /// Says why it is not proved.
    pub fn verify(&self, entry: &EntryHash, log: &Vkey) -> Result<Checkpoint, ReceiptError> {
        if self.entry != *entry {
            return Err(ReceiptError::OtherEntry {
                expected: *entry,
                found: self.entry,
            });
        }
        let checkpoint = Checkpoint::open(&self.checkpoint, log)?;
        let Checkpoint { size, root, .. } = &checkpoint;
        verify_inclusion(entry, self.index, *size, &self.proof, root).map_err(|source| {
            ReceiptError::Proof {
                entry: *entry,
                index: self.index,
                source,
            }
        })?;
        Ok(checkpoint)
    }
}
