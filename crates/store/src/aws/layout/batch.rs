//! What an append leaves for the sealer, and for whoever asks for a promise again.

use aws_sdk_dynamodb::types::AttributeValue;
use journal::key::{PublicKey, Signature};
use journal::receipt::{Promised, ReceiptVoucher};
use model::{EntryHash, StreamName};

use super::{Fields, Item, Key, Layout, SHARDS};
use crate::ReadError;

const NO_BATCH: &str = "a batch is none";
/// The attribute of the token.
pub(in crate::aws) const TOKEN: &str = "w";

/// What names a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::aws) struct BatchId {
    /// The writer's time.
    pub(in crate::aws) written_ms: u64,
    /// The hash of its first entry.
    pub(in crate::aws) first: EntryHash,
}

impl BatchId {
    /// Stands for no batch: an entry that was copied here came sealed.
    pub(in crate::aws) const fn none(entry: EntryHash) -> Self {
        Self {
            written_ms: 0,
            first: entry,
        }
    }

    pub(in crate::aws) const fn is_none(&self) -> bool {
        self.written_ms == 0
    }

    pub(in crate::aws) const fn shard(&self) -> u8 {
        let [first, ..] = self.first.0;
        first % SHARDS
    }

    /// Reads it from a batch's key.
    fn of(layout: &Layout, key: &Key) -> Option<Self> {
        let (written_ms, first) = key.sk.split_once('#')?;
        let id = Self {
            written_ms: written_ms.parse().ok()?,
            first: first.parse().ok()?,
        };
        (layout.batch(&id) == *key).then_some(id)
    }
}

/// The entries that were written at once, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::aws) struct Batch {
    pub(in crate::aws) id: BatchId,
    /// Names the transaction that wrote it, by which its writer knows it again after a lost answer.
    pub(in crate::aws) token: String,
    pub(in crate::aws) promises: Promises,
    pub(in crate::aws) entries: Vec<BatchedEntry>,
}

/// What the promises of a batch have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::aws) struct Promises {
    pub(in crate::aws) latest_ms: u64,
    pub(in crate::aws) voucher: ReceiptVoucher,
}

/// An entry of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::aws) struct BatchedEntry {
    pub(in crate::aws) hash: EntryHash,
    /// Its first link, by which its header is found.
    pub(in crate::aws) stream: StreamName,
    pub(in crate::aws) seq: u64,
    /// The streams that it begins.
    pub(in crate::aws) begins: Vec<StreamName>,
    /// The idempotency key and the content that it was used for.
    pub(in crate::aws) used: Option<([u8; 32], [u8; 32])>,
    /// The receipt key's signature.
    pub(in crate::aws) promise: Signature,
}

impl Batch {
    pub(in crate::aws) fn item(&self, layout: &Layout) -> Item {
        let ReceiptVoucher {
            from_ms,
            key,
            until_ms,
            vouched,
        } = &self.promises.voucher;
        let voucher = Fields::default()
            .bytes("k", *key.as_bytes())
            .number("f", *from_ms)
            .number("u", *until_ms)
            .bytes("s", vouched.0);
        Fields::of(layout.batch(&self.id))
            .text(TOKEN, self.token.as_str())
            .number("l", self.promises.latest_ms)
            .map("v", voucher)
            .list("e", self.entries.iter().map(BatchedEntry::value).collect())
            .item()
    }

    pub(in crate::aws) fn read(layout: &Layout, item: Item) -> Result<Self, ReadError> {
        const BAD: ReadError = ReadError::Corrupt(NO_BATCH);
        let key = Key::of(&item).ok_or(BAD)?;
        let id = BatchId::of(layout, &key).ok_or(BAD)?;
        let mut fields = Fields::read(item);
        let token = fields.take_text(TOKEN).ok_or(BAD)?;
        let latest_ms = fields.take_number("l").ok_or(BAD)?;
        let voucher = read_voucher(fields.take_map("v").ok_or(BAD)?)?;
        let entries = fields.take_list("e").ok_or(BAD)?;
        let entries: Vec<_> = entries
            .into_iter()
            .map(BatchedEntry::read)
            .collect::<Result<_, _>>()?;
        fields.done(NO_BATCH)?;
        if entries.first().map(|first| first.hash) != Some(id.first) {
            return Err(BAD);
        }
        Ok(Self {
            id,
            token,
            promises: Promises { latest_ms, voucher },
            entries,
        })
    }

    /// Returns the promise of the entry at a place, as it was first given.
    pub(in crate::aws) fn promise(&self, place: usize) -> Option<Promised> {
        let entry = self.entries.get(place)?;
        Some(Promised {
            entry: entry.hash,
            latest_ms: self.promises.latest_ms,
            signature: entry.promise,
            voucher: Box::new(self.promises.voucher.clone()),
        })
    }
}

impl BatchedEntry {
    fn value(&self) -> AttributeValue {
        let mut fields = Fields::default()
            .bytes("h", self.hash.0)
            .text("s", self.stream.as_str())
            .number("n", self.seq)
            .bytes("p", self.promise.0);
        if !self.begins.is_empty() {
            let names = self.begins.iter();
            let names = names.map(|name| AttributeValue::S(name.to_string()));
            fields = fields.list("b", names.collect());
        }
        if let Some((key, content)) = self.used {
            fields = fields.bytes("k", key).bytes("c", content);
        }
        fields.value()
    }

    fn read(value: AttributeValue) -> Result<Self, ReadError> {
        let mut fields = Fields::from_value(value).ok_or(ReadError::Corrupt(NO_BATCH))?;
        let entry = Self::take(&mut fields).ok_or(ReadError::Corrupt(NO_BATCH))?;
        fields.done(NO_BATCH)?;
        Ok(entry)
    }

    fn take(fields: &mut Fields) -> Option<Self> {
        let begins = if fields.has("b") {
            fields.take_list("b")?
        } else {
            Vec::new()
        };
        let begins = begins
            .into_iter()
            .map(|name| name.as_s().ok()?.parse().ok())
            .collect::<Option<_>>()?;
        let used = if fields.has("k") {
            Some((fields.take_hash("k")?, fields.take_hash("c")?))
        } else {
            None
        };
        Some(Self {
            hash: EntryHash(fields.take_hash("h")?),
            stream: fields.take_text("s")?.parse().ok()?,
            seq: fields.take_number("n")?,
            begins,
            used,
            promise: Signature(fields.take_hash("p")?),
        })
    }
}

fn read_voucher(mut fields: Fields) -> Result<ReceiptVoucher, ReadError> {
    let mut read = || {
        Some(ReceiptVoucher {
            key: PublicKey::from_bytes(&fields.take_hash("k")?)?,
            from_ms: fields.take_number("f")?,
            until_ms: fields.take_number("u")?,
            vouched: Signature(fields.take_hash("s")?),
        })
    };
    let voucher = read().ok_or(ReadError::Corrupt(NO_BATCH))?;
    fields.done(NO_BATCH)?;
    Ok(voucher)
}
