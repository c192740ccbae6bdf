//! The items of the table: their keys and what they hold, written and read in this one place.
//!
//! Every key begins with the journal's id and `#`, which is in no id, so no journal's keys are another's.
//! Attributes have names of one letter, because each item is billed for them.

mod batch;
mod fields;
mod link;
mod moved;
mod seal;

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::create_table::CreateTableInput;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ScalarAttributeType,
};
use model::{EntryHash, JournalId, PayloadDigest, StreamName};

pub(super) use self::batch::{Batch, BatchId, BatchedEntry, Promises, TOKEN};
pub(super) use self::fields::{Fields, Item};
pub(super) use self::link::{Link, Moment, Place, Use};
pub(super) use self::moved::{
    USES_MAX, moved_journal_item, moved_size, moved_use_item, moved_uses_item, read_moved_uses,
};
pub(super) use self::seal::Seal;
use crate::{ReadError, StoredPayload};

/// The version of this layout.
pub(super) const LAYOUT: u32 = 1;
/// Batches are spread over so many keys, so that no one key takes all writes of a journal: 8,000 units a second of
/// batches alone. By the hash of a batch's first entry.
pub(super) const SHARDS: u8 = 8;
/// Payloads up to here are items, larger ones are objects: from here on an object costs less to write.
pub(super) const PAYLOAD_ITEM_BYTES_MAX: usize = 4 * 1024;
/// The sort key of what is alone under its key.
const ALONE: &str = "-";
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// The attributes of the key.
pub(super) const PK: &str = "pk";
pub(super) const SK: &str = "sk";

/// An item's key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) pk: String,
    pub(super) sk: String,
}

impl Key {
    /// Makes an item that holds nothing but its key.
    pub(super) fn item(self) -> Item {
        Item::from([
            (PK.to_owned(), AttributeValue::S(self.pk)),
            (SK.to_owned(), AttributeValue::S(self.sk)),
        ])
    }

    pub(super) fn of(item: &Item) -> Option<Self> {
        Some(Self {
            pk: item.get(PK)?.as_s().ok()?.clone(),
            sk: item.get(SK)?.as_s().ok()?.clone(),
        })
    }
}

/// The keys of one journal.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    journal: JournalId,
}

impl Layout {
    pub(super) const fn new(journal: JournalId) -> Self {
        Self { journal }
    }

    pub(super) const fn journal_id(&self) -> &JournalId {
        &self.journal
    }

    /// The item that says that there is a journal, and in which layout.
    pub(super) fn journal(&self) -> Key {
        self.alone("m")
    }

    pub(super) fn link(&self, stream: &StreamName, seq: u64) -> Key {
        Key {
            pk: self.links(stream),
            sk: ordinal(seq),
        }
    }

    /// All links of a stream.
    pub(super) fn links(&self, stream: &StreamName) -> String {
        self.pk(&format!("s#{stream}"))
    }

    pub(super) fn idempotency(&self, key: &[u8; 32]) -> Key {
        self.alone(&format!("k#{}", hex::encode(key)))
    }

    pub(super) fn batch(&self, id: &BatchId) -> Key {
        Key {
            pk: self.batches(id.shard(), id.written_ms),
            sk: format!("{}#{}", millisecond(id.written_ms), id.first),
        }
    }

    /// All batches of a shard that were written on the day of a moment.
    pub(super) fn batches(&self, shard: u8, written_ms: u64) -> String {
        self.pk(&format!("q#{shard}#{}", day(written_ms)))
    }

    pub(super) fn payload(&self, digest: &PayloadDigest) -> Key {
        self.alone(&format!("p#{digest}"))
    }

    pub(super) fn position(&self, hash: &EntryHash) -> Key {
        self.alone(&format!("h#{hash}"))
    }

    pub(super) fn stream(&self, stream: &str) -> Key {
        Key {
            pk: self.streams(),
            sk: stream.to_owned(),
        }
    }

    /// All streams that have sealed entries.
    pub(super) fn streams(&self) -> String {
        self.pk("n")
    }

    pub(super) fn seal(&self, number: u64) -> Key {
        Key {
            pk: self.seals(),
            sk: ordinal(number),
        }
    }

    pub(super) fn seals(&self) -> String {
        self.pk("c")
    }

    /// The idempotency keys of all entries that were copied here.
    pub(super) fn moved(&self) -> String {
        self.pk("u")
    }

    fn alone(&self, rest: &str) -> Key {
        Key {
            pk: self.pk(rest),
            sk: ALONE.to_owned(),
        }
    }

    fn pk(&self, rest: &str) -> String {
        format!("{}#{rest}", self.journal)
    }
}

/// Writes a number so that text order is its order: numbers of ours are below 2^53.
pub(super) fn ordinal(number: u64) -> String {
    format!("{number:016}")
}

/// Writes a time so that text order is its order, as the sort keys of batches begin.
pub(super) fn millisecond(ms: u64) -> String {
    format!("{ms:014}")
}

/// Returns the first moment of the day after a moment's.
pub(super) const fn next_day(ms: u64) -> u64 {
    (ms / DAY_MS + 1) * DAY_MS
}

/// Writes the day of a moment, in UTC, as `yyyy-mm-dd` (the proleptic Gregorian calendar, in eras of 400 years).
fn day(ms: u64) -> String {
    // Years here begin in March, so that a leap day is a year's last.
    let days = ms / DAY_MS + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let date = of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    format!("{:04}-{month:02}-{date:02}", era * 400 + year_of_era + next)
}

/// Writes the item that says that there is a journal.
pub(super) fn journal_item(layout: &Layout) -> Item {
    Fields::of(layout.journal())
        .number("f", u64::from(LAYOUT))
        .item()
}

/// Reads the layout's version from the journal's item.
pub(super) fn layout_version(item: Item) -> Result<u32, ReadError> {
    Fields::read(item)
        .take_number("f")
        .and_then(|version| u32::try_from(version).ok())
        .ok_or(ReadError::Corrupt("a journal's item is none"))
}

pub(super) fn payload_item(
    layout: &Layout,
    digest: &PayloadDigest,
    payload: &StoredPayload,
) -> Item {
    Fields::of(layout.payload(digest))
        .bytes("s", payload.salt)
        .bytes("b", payload.bytes.as_slice())
        .item()
}

/// Reads a payload; whether it is the one that its digest says is for the caller to check.
pub(super) fn read_payload(item: Item) -> Result<StoredPayload, ReadError> {
    let mut fields = Fields::read(item);
    let payload = fields.take_hash("s").zip(fields.take_bytes("b"));
    let (salt, bytes) = payload.ok_or(ReadError::Corrupt("a payload's item is none"))?;
    fields.done("a payload's item is none")?;
    Ok(StoredPayload { salt, bytes })
}

/// Returns the table that journals live in: two text keys, paid by use, and no index.
///
/// # Errors
/// Never: nothing that it needs is left out.
pub fn table_definition(table: &str) -> Result<CreateTableInput, BuildError> {
    let mut definition = CreateTableInput::builder()
        .table_name(table)
        .billing_mode(BillingMode::PayPerRequest);
    for (name, key) in [(PK, KeyType::Hash), (SK, KeyType::Range)] {
        let attribute = AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(ScalarAttributeType::S);
        let element = KeySchemaElement::builder()
            .attribute_name(name)
            .key_type(key);
        definition = definition
            .attribute_definitions(attribute.build()?)
            .key_schema(element.build()?);
    }
    definition.build()
}

#[cfg(test)]
mod tests;
