//! The kinds of entries that are about the journal itself.

use model::kind::Fields;
use model::{EntryError, Header, JournalId, Root};
use serde::{Deserialize, Serialize};

use crate::key::PublicKey;
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
    /// The old key's signature over [`KeyRotated::statement`], hexadecimal.
    pub vouched: String,
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

impl KeyRotated {
    /// Returns the text that the old key signs.
    #[must_use]
    pub fn statement(journal: &JournalId, purpose: Purpose, key: &PublicKey) -> String {
        let purpose = match purpose {
            Purpose::Log => "log",
            Purpose::Permit => "permit",
        };
        format!("trailmark key-rotated\n{journal}\n{purpose}\n{key}\n")
    }

    /// Says whether the old key vouched for the new one.
    #[must_use]
    pub fn is_vouched(&self, journal: &JournalId, old: &PublicKey) -> bool {
        let mut signature = [0; 64];
        let statement = Self::statement(journal, self.purpose, &self.key);
        hex::decode_to_slice(&self.vouched, &mut signature).is_ok()
            && !self.vouched.bytes().any(|byte| byte.is_ascii_uppercase())
            && old.verifies(statement.as_bytes(), &signature)
    }
}
