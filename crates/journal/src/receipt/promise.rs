use model::limits::INTEGER_MAX;
use model::{EntryHash, JournalId};
use serde::{Deserialize, Serialize};

use super::ReceiptError;
use crate::key::{PublicKey, Signature};
use crate::note::Vkey;

/// A receipt key lives no longer: whoever steals one can promise, in the journal's name, what never comes.
pub const RECEIPT_KEY_MS_MAX: u64 = 24 * 60 * 60 * 1000;
/// A promise reaches no further beyond its key's life: sealing takes minutes, and a promise of more says nothing.
pub const PROMISE_MS_MAX: u64 = 60 * 60 * 1000;

/// A key for promises, and the time in which it signs them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceiptTerms {
    /// The key.
    pub key: PublicKey,
    /// From when on, in milliseconds since 1970-01-01 UTC.
    pub from_ms: u64,
    /// Until when, at most [`RECEIPT_KEY_MS_MAX`] later.
    pub until_ms: u64,
}

/// The terms of a receipt key, and the signature with which the log's key vouches for them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptVoucher {
    /// From when on the key promises, in milliseconds since 1970-01-01 UTC.
    pub from_ms: u64,
    /// The key.
    pub key: PublicKey,
    /// Until when.
    pub until_ms: u64,
    /// The log key's signature over [`ReceiptTerms::to_sign`].
    pub vouched: Signature,
}

/// The promise that an entry will be in the log. It holds by the log's key alone, which vouches for the key that signed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Promised {
    /// The entry's hash.
    pub entry: EntryHash,
    /// The log holds the entry by then, in milliseconds since 1970-01-01 UTC.
    pub latest_ms: u64,
    /// The receipt key's signature over the entry and the time.
    pub signature: Signature,
    /// Who vouches for the key.
    pub voucher: Box<ReceiptVoucher>,
}

impl ReceiptTerms {
    /// Returns the text that the log's key signs: `trailmark receipt-key`, the journal (the name of the log's key), the
    /// receipt key, `from_ms` and `until_ms`, each ended by a line feed.
    #[must_use]
    pub fn to_sign(&self, log: &Vkey) -> Vec<u8> {
        let Self {
            key,
            from_ms,
            until_ms,
        } = self;
        let journal = log.name();
        format!("trailmark receipt-key\n{journal}\n{key}\n{from_ms}\n{until_ms}\n").into_bytes()
    }

    /// Puts the log key's signature, made elsewhere, to them.
    ///
    /// # Errors
    /// When the signature is not the key's over [`ReceiptTerms::to_sign`], or the terms are none that a verifier accepts.
    pub fn signed_with(
        self,
        log: &Vkey,
        signature: Signature,
    ) -> Result<ReceiptVoucher, ReceiptError> {
        let voucher = ReceiptVoucher {
            from_ms: self.from_ms,
            key: self.key,
            until_ms: self.until_ms,
            vouched: signature,
        };
        voucher.verify(log)?;
        Ok(voucher)
    }
}

impl ReceiptVoucher {
    /// Returns what is vouched for.
    #[must_use]
    pub const fn terms(&self) -> ReceiptTerms {
        ReceiptTerms {
            key: self.key,
            from_ms: self.from_ms,
            until_ms: self.until_ms,
        }
    }

    /// Checks that the log's key vouches for the receipt key, in the journal that it names.
    ///
    /// # Errors
    /// When it does not, or the key's life is longer than one may be.
    pub fn verify(&self, log: &Vkey) -> Result<(), ReceiptError> {
        let life_ms = self.until_ms.checked_sub(self.from_ms);
        let within = life_ms.is_some_and(|life_ms| life_ms <= RECEIPT_KEY_MS_MAX);
        if !within || self.until_ms > INTEGER_MAX {
            return Err(ReceiptError::Terms {
                from_ms: self.from_ms,
                until_ms: self.until_ms,
            });
        }
        let message = self.terms().to_sign(log);
        if log.public().verifies(&message, &self.vouched.0) {
            Ok(())
        } else {
            Err(ReceiptError::NotVouched {
                key: self.key.to_string(),
                log: log.to_string(),
            })
        }
    }

    /// Checks that the key may promise an entry by a time.
    fn allow(&self, latest_ms: u64) -> Result<(), ReceiptError> {
        let to_ms = self.until_ms.saturating_add(PROMISE_MS_MAX);
        if (self.from_ms..=to_ms).contains(&latest_ms) {
            Ok(())
        } else {
            Err(ReceiptError::Beyond {
                latest_ms,
                from_ms: self.from_ms,
                to_ms,
            })
        }
    }
}

impl Promised {
    /// Signs a promise, if the voucher is the key's and allows it.
    pub(crate) fn sign(
        journal: &JournalId,
        (key, voucher): (PublicKey, &ReceiptVoucher),
        (entry, latest_ms): (EntryHash, u64),
        sign: impl FnOnce(&[u8]) -> Signature,
    ) -> Result<Self, ReceiptError> {
        if voucher.key != key {
            return Err(ReceiptError::OtherKey {
                expected: voucher.key.to_string(),
                found: key.to_string(),
            });
        }
        voucher.allow(latest_ms)?;
        Ok(Self {
            entry,
            latest_ms,
            signature: sign(&statement(journal.as_str(), &entry, latest_ms)),
            voucher: Box::new(voucher.clone()),
        })
    }

    /// Checks that an entry is promised to the log of this key, and returns by when, in milliseconds since 1970-01-01 UTC.
    ///
    /// # Errors
    /// Says why it is not promised.
    pub fn verify(&self, entry: &EntryHash, log: &Vkey) -> Result<u64, ReceiptError> {
        if self.entry != *entry {
            return Err(ReceiptError::OtherEntry {
                expected: *entry,
                found: self.entry,
            });
        }
        self.voucher.verify(log)?;
        self.voucher.allow(self.latest_ms)?;
        let message = statement(log.name(), entry, self.latest_ms);
        if self.voucher.key.verifies(&message, &self.signature.0) {
            Ok(self.latest_ms)
        } else {
            Err(ReceiptError::NotPromised {
                entry: *entry,
                key: self.voucher.key.to_string(),
            })
        }
    }
}

/// Returns the text that a receipt key signs: `trailmark promise`, the journal, the entry and the latest time.
fn statement(journal: &str, entry: &EntryHash, latest_ms: u64) -> Vec<u8> {
    format!("trailmark promise\n{journal}\n{entry}\n{latest_ms}\n").into_bytes()
}
