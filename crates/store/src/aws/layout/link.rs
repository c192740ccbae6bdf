//! What is looked up by stream, by idempotency key and by hash.

use journal::Head;
use model::{Entry, EntryHash, StreamName};

use super::{BatchId, Fields, Item, Key, Layout};
use crate::ReadError;
use crate::stage::Last;

const NO_LINK: ReadError = ReadError::Corrupt("a link is none");
const NO_USE: &str = "a use of an idempotency key is none";
const NO_PLACE: &str = "a position is none";

/// An entry's place in one of its streams, with the entry.
#[derive(Debug, Clone)]
pub(in crate::aws) struct Link {
    pub(in crate::aws) seq: u64,
    pub(in crate::aws) era: u64,
    pub(in crate::aws) entry: Entry,
}

impl Link {
    pub(in crate::aws) fn item(
        layout: &Layout,
        stream: &StreamName,
        seq: u64,
        (entry, era): (&Entry, u64),
    ) -> Item {
        Fields::of(layout.link(stream, seq))
            .bytes("h", entry.bytes())
            .number("t", entry.header().recorded_ms)
            .number("e", era)
            .item()
    }

    /// Reads a link of a stream; what its key says and what the entry says must agree.
    pub(in crate::aws) fn read(
        layout: &Layout,
        stream: &StreamName,
        item: Item,
    ) -> Result<Self, ReadError> {
        let key = Key::of(&item).ok_or(NO_LINK)?;
        let mut fields = Fields::read(item);
        let entry = fields
            .take_bytes("h")
            .and_then(|header| Entry::parse(&header).ok())
            .ok_or(NO_LINK)?;
        let header = entry.header();
        let recorded_ms = fields.take_number("t");
        let era = fields.take_number("e").ok_or(NO_LINK)?;
        fields.done("a link is none")?;
        let seq = header.link(stream).ok_or(NO_LINK)?.seq;
        let agrees = header.journal == *layout.journal_id()
            && recorded_ms == Some(header.recorded_ms)
            && key == layout.link(stream, seq);
        if !agrees {
            return Err(NO_LINK);
        }
        Ok(Self { seq, era, entry })
    }

    pub(in crate::aws) fn last(&self) -> Last {
        Last {
            head: Head {
                seq: self.seq,
                hash: self.entry.hash(),
                recorded_ms: self.entry.header().recorded_ms,
            },
            era: self.era,
        }
    }
}

/// When a link's entry was recorded: as much as finding a time takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::aws) struct Moment {
    pub(in crate::aws) era: u64,
    pub(in crate::aws) recorded_ms: u64,
}

impl Moment {
    /// The attributes that it needs.
    pub(in crate::aws) const ATTRIBUTES: &'static str = "t, e";

    pub(in crate::aws) fn read(item: Item) -> Result<Self, ReadError> {
        let mut fields = Fields::read(item);
        let moment = fields.take_number("e").zip(fields.take_number("t"));
        let (era, recorded_ms) = moment.ok_or(NO_LINK)?;
        Ok(Self { era, recorded_ms })
    }
}

/// What an idempotency key was used for: the content, and the batch and place of its entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::aws) struct Use {
    pub(in crate::aws) content: [u8; 32],
    pub(in crate::aws) batch: BatchId,
    pub(in crate::aws) place: usize,
}

impl Use {
    pub(in crate::aws) fn item(&self, layout: &Layout, key: &[u8; 32]) -> Item {
        Fields::of(layout.idempotency(key))
            .bytes("c", self.content)
            .number("t", self.batch.written_ms)
            .bytes("f", self.batch.first.0)
            .number("i", self.place as u64)
            .item()
    }

    pub(in crate::aws) fn read(item: Item) -> Result<Self, ReadError> {
        let mut fields = Fields::read(item);
        let mut read = || {
            Some(Self {
                content: fields.take_hash("c")?,
                batch: BatchId {
                    written_ms: fields.take_number("t")?,
                    first: EntryHash(fields.take_hash("f")?),
                },
                place: usize::try_from(fields.take_number("i")?).ok()?,
            })
        };
        let used = read().ok_or(ReadError::Corrupt(NO_USE))?;
        fields.done(NO_USE)?;
        Ok(used)
    }
}

/// Where a sealed entry is: in the log, and one link by which its header is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::aws) struct Place {
    pub(in crate::aws) index: u64,
    pub(in crate::aws) stream: StreamName,
    pub(in crate::aws) seq: u64,
}

impl Place {
    pub(in crate::aws) fn item(&self, layout: &Layout, hash: &EntryHash) -> Item {
        Fields::of(layout.position(hash))
            .number("i", self.index)
            .text("s", self.stream.as_str())
            .number("n", self.seq)
            .item()
    }

    pub(in crate::aws) fn read(item: Item) -> Result<Self, ReadError> {
        let mut fields = Fields::read(item);
        let mut read = || {
            Some(Self {
                index: fields.take_number("i")?,
                stream: fields.take_text("s")?.parse().ok()?,
                seq: fields.take_number("n")?,
            })
        };
        let place = read().ok_or(ReadError::Corrupt(NO_PLACE))?;
        fields.done(NO_PLACE)?;
        Ok(place)
    }
}
