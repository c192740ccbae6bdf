//! The kinds of entries that are about the journal itself.

use model::kind::Fields;
use model::{By, EntryError, Header, JournalId, Root, StreamName};
use serde::{Deserialize, Serialize};

use crate::Draft;
use crate::key::{PublicKey, Signature};
use crate::note::Vkey;

/// Declares the kinds of the journal itself.
macro_rules! kinds {
    ($($kind:literal $name:ident)*) => {
        $(impl Fields for $name {
            const KIND: &'static str = $kind;
        })*
    };
}
kinds! {
    "genesis" Genesis
    "heads" Heads
    "clock-corrected" ClockCorrected
    "recovered" Recovered
    "key-rotated" KeyRotated
}

/// Reads the fields of an entry of kind `F`; `None` where it is of another kind.
///
/// # Errors
/// When the fields are not of the kind's form.
pub fn read<F: Fields>(header: &Header) -> Result<Option<F>, EntryError> {
    if header.kind.as_str() != F::KIND {
        return Ok(None);
    }
    serde_json::from_str(header.fields.get())
        .map(Some)
        .map_err(|source| EntryError::Fields {
            kind: F::KIND.to_owned(),
            source,
        })
}

/// Entry 0, the first of stream `admin`: what holds for the journal for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Genesis {
    /// The version of the entry format that the journal begins with.
    pub format: u32,
    /// The first key of the log. Its name is the journal's id.
    pub log_key: Vkey,
    /// What people call the organisation.
    pub name: String,
    /// Whether an API key may speak for a person.
    pub people_by_key: bool,
    /// The first key of permits.
    pub permit_key: PublicKey,
    /// Whether one person may bind policies alone.
    pub solo: bool,
}

/// The heads of all streams over the log's first `size` entries, as the root of a Merkle map (see [`crate::map`]).
///
/// `size` is at most the entry's own index, and less than it by at most [`model::limits::HEADS_INTERVAL`]; it never
/// falls from one `heads` entry to the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heads {
    /// The root of the map.
    pub root: Root,
    /// How many entries are covered.
    pub size: u64,
    /// How many streams they are in.
    pub streams: u64,
}

/// In stream `admin`: from here on, recorded times may be earlier than those of entries before this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockCorrected {
    /// The wrong time, in milliseconds since 1970-01-01 UTC.
    pub from_ms: u64,
    /// The right one.
    pub to_ms: u64,
}

/// In stream `admin`: an old copy of the journal was put back, and what came after it is lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recovered {
    /// The root of the newest checkpoint that was kept elsewhere.
    pub expected_root: Root,
    /// The index of the first lost entry.
    pub lost_from: u64,
    /// The index after the last lost entry: the size in that checkpoint.
    pub lost_to: u64,
    /// Why.
    pub reason: String,
}

/// In stream `admin`: a key takes the place of another with the same purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRotated {
    /// The new key.
    pub key: PublicKey,
    /// What it signs.
    pub purpose: Purpose,
    /// The old key's signature over [`Successor::to_sign`].
    pub vouched: Signature,
}

/// What a key of the journal signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// Checkpoints.
    Log,
    /// Permits.
    Permit,
}

/// A key that is to take the place of another, which must vouch for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Successor {
    /// The new key.
    pub key: PublicKey,
    /// What it will sign.
    pub purpose: Purpose,
}

/// A signature that was to vouch for a new key is not the old key's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the new key `{new}` is not vouched for by `{old}`")]
pub struct NotVouched {
    /// The key whose place it was to take.
    pub old: String,
    /// The new key.
    pub new: String,
}

impl Successor {
    /// Returns the text that the old key signs: `trailmark key-rotated`, the journal, the purpose and the new key, each
    /// ended by a line feed.
    #[must_use]
    pub fn to_sign(&self, journal: &JournalId) -> Vec<u8> {
        let Self { key, purpose } = self;
        let purpose = match purpose {
            Purpose::Log => "log",
            Purpose::Permit => "permit",
        };
        format!("trailmark key-rotated\n{journal}\n{purpose}\n{key}\n").into_bytes()
    }

    /// Puts a signature of the old key, made elsewhere, to it.
    ///
    /// # Errors
    /// When the signature is not the old key's over [`Successor::to_sign`].
    pub fn signed_with(
        &self,
        journal: &JournalId,
        old: &PublicKey,
        signature: Signature,
    ) -> Result<KeyRotated, NotVouched> {
        let rotated = self.vouched(signature);
        rotated
            .is_vouched(journal, old)
            .then_some(rotated)
            .ok_or_else(|| NotVouched {
                old: old.to_string(),
                new: self.key.to_string(),
            })
    }

    pub(crate) const fn vouched(&self, vouched: Signature) -> KeyRotated {
        KeyRotated {
            key: self.key,
            purpose: self.purpose,
            vouched,
        }
    }
}

impl KeyRotated {
    /// Drafts the entry, by the recorder itself.
    ///
    /// # Errors
    /// Never, for fields that have a JSON form.
    pub fn draft(&self) -> Result<Draft, EntryError> {
        let wrong = |source| EntryError::Fields {
            kind: Self::KIND.to_owned(),
            source,
        };
        Ok(Draft {
            by: By::recorder(),
            claimed_ms: None,
            fields: self.encode().map_err(wrong)?,
            kind: Self::kind()
                .map_err(serde::ser::Error::custom)
                .map_err(wrong)?,
            streams: vec![StreamName::admin()],
            payloads: Vec::new(),
            idempotency: None,
            expected: Vec::new(),
            large: Vec::new(),
        })
    }

    /// Says whether the old key vouched for the new one.
    #[must_use]
    pub fn is_vouched(&self, journal: &JournalId, old: &PublicKey) -> bool {
        let Self { key, purpose, .. } = *self;
        let statement = Successor { key, purpose }.to_sign(journal);
        old.verifies(&statement, &self.vouched.0)
    }
}
