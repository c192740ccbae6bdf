//! What is kept of a journal that was copied here, beside what every journal has.
//!
//! Its entries have no batches, because they came sealed. So their idempotency keys stand in items of their own, by
//! which they can be copied on.

use aws_sdk_dynamodb::types::AttributeValue;
use journal::Idempotency;

use super::{BatchId, Fields, Item, Key, Layout, Use, journal_item, ordinal};
use crate::ReadError;

/// The attribute of the journal's item that says how many entries were copied here.
const SIZE: &str = "z";
/// Keys in one item, each in 72 bytes.
pub(in crate::aws) const USES_MAX: usize = 2_000;
const USE_BYTES: usize = 72;
const NO_USES: &str = "a list of copied keys is none";

/// Writes the item that says that there is a journal, of which so many entries were copied here.
pub(in crate::aws) fn moved_journal_item(layout: &Layout, size: u64) -> Item {
    let mut item = journal_item(layout);
    item.insert(SIZE.to_owned(), AttributeValue::N(size.to_string()));
    item
}

/// Reads how many entries were copied here from the journal's item.
pub(in crate::aws) fn moved_size(item: Item) -> u64 {
    Fields::read(item).take_number(SIZE).unwrap_or(0)
}

/// Makes the item of a key that a copied entry was recorded with.
pub(in crate::aws) fn moved_use_item(
    layout: &Layout,
    entry: model::EntryHash,
    used: &Idempotency,
) -> Item {
    let moved = Use {
        content: used.content,
        batch: BatchId::none(entry),
        place: 0,
    };
    moved.item(layout, &used.key)
}

/// Makes the item of the keys of copied entries, by rising index.
pub(in crate::aws) fn moved_uses_item(
    layout: &Layout,
    uses: &[(u64, Idempotency)],
) -> Option<Item> {
    let (first, _) = uses.first()?;
    let key = Key {
        pk: layout.moved(),
        sk: ordinal(*first),
    };
    let bytes = uses.iter().flat_map(|(index, used)| {
        let parts = [&index.to_be_bytes()[..], &used.key, &used.content];
        parts.concat()
    });
    Some(
        Fields::of(key)
            .bytes("b", bytes.collect::<Vec<u8>>())
            .item(),
    )
}

/// Reads the keys of copied entries.
pub(in crate::aws) fn read_moved_uses(item: Item) -> Result<Vec<(u64, Idempotency)>, ReadError> {
    const BAD: ReadError = ReadError::Corrupt(NO_USES);
    let mut fields = Fields::read(item);
    let bytes = fields.take_bytes("b").ok_or(BAD)?;
    fields.done(NO_USES)?;
    let (uses, rest) = bytes.as_chunks::<USE_BYTES>();
    let read = |bytes: &[u8; USE_BYTES]| {
        let (index, rest) = bytes.split_first_chunk()?;
        let (key, content) = rest.split_first_chunk()?;
        let used = Idempotency {
            key: *key,
            content: content.try_into().ok()?,
        };
        Some((u64::from_be_bytes(*index), used))
    };
    let uses: Option<_> = uses.iter().map(read).collect();
    uses.filter(|_| rest.is_empty()).ok_or(BAD)
}
