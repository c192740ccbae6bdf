//! What sealing reads and writes in the table, typed.

use std::collections::HashMap;

use model::{Entry, EntryHash, JournalId, StreamName};

use super::error::CallError;
use super::layout::{Batch, Key, Layout, Link, Place, Seal, layout_version, millisecond, ordinal};
use super::parallel;
use super::table::{Placed, Range, Table};
use crate::ReadError;

/// Keys in one batch of reads.
const KEYS_AT_ONCE: usize = 100;
/// Batches that are read at once: some hundred kilobytes.
const BATCHES_AT_ONCE: usize = 500;

/// The items of one journal. A copy is the same.
#[derive(Clone)]
pub(super) struct Records {
    table: Table,
    layout: Layout,
}

/// Batches of one shard and day, in the order of their keys.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) batches: Vec<Batch>,
    /// Where the next page begins, if there is one.
    pub(super) next: Option<String>,
}

impl Records {
    pub(super) fn new(table: Table, journal: &JournalId) -> Self {
        Self {
            table,
            layout: Layout::new(journal.clone()),
        }
    }

    pub(super) const fn journal(&self) -> &JournalId {
        self.layout.journal_id()
    }

    /// Returns the version of the journal's layout; nothing where there is no journal.
    pub(super) async fn layout_version(&self) -> Result<Option<u32>, ReadError> {
        let item = self.table.get(self.layout.journal()).await?;
        item.map(layout_version).transpose()
    }

    /// Returns the newest seal.
    pub(super) async fn newest_seal(&self) -> Result<Option<Seal>, ReadError> {
        let items = self.table.query(Range::last(self.layout.seals())).await?;
        let newest = items.into_iter().next();
        newest
            .map(|item| Seal::read(&self.layout, item))
            .transpose()
    }

    pub(super) async fn seal(&self, number: u64) -> Result<Option<Seal>, ReadError> {
        let item = self.table.get(self.layout.seal(number)).await?;
        item.map(|item| Seal::read(&self.layout, item)).transpose()
    }

    /// Returns up to `limit` seals from a number on.
    pub(super) async fn seals(&self, from: u64, limit: usize) -> Result<Vec<Seal>, ReadError> {
        let range = Range {
            from: Some(ordinal(from)),
            limit,
            ..Range::all(self.layout.seals())
        };
        let items = self.table.query(range).await?;
        items
            .into_iter()
            .map(|item| Seal::read(&self.layout, item))
            .collect()
    }

    /// Returns the newest seal whose log has at most `size` entries: sizes rise with numbers, so halving finds it.
    pub(super) async fn seal_before(&self, size: u64) -> Result<Option<Seal>, ReadError> {
        let Some(newest) = self.newest_seal().await? else {
            return Ok(None);
        };
        let (mut low, mut high) = (0, newest.number + 1);
        let mut found = None;
        if newest.size() <= size {
            return Ok(Some(newest));
        }
        while low < high {
            let middle = low + (high - low) / 2;
            let seal = self.seal(middle).await?;
            let seal = seal.ok_or(ReadError::Corrupt("a seal is missing"))?;
            if seal.size() <= size {
                low = middle + 1;
                found = Some(seal);
            } else {
                high = middle;
            }
        }
        Ok(found)
    }

    /// Puts a seal, and says whether its number is this one's: also when a lost answer hid that it was done.
    pub(super) async fn put_seal(&self, seal: &Seal) -> Result<bool, CallError> {
        let item = seal.item(&self.layout);
        Ok(match self.table.put(item.clone()).await? {
            Placed::Done => true,
            Placed::Taken(taken) => taken == item,
        })
    }

    /// Reads batches of a shard that were written on the day of a moment and, on that day, no earlier than it.
    pub(super) async fn batches(
        &self,
        shard: u8,
        written_ms: u64,
        next: Option<String>,
    ) -> Result<Page, ReadError> {
        let range = Range {
            from: Some(next.unwrap_or_else(|| millisecond(written_ms))),
            limit: BATCHES_AT_ONCE,
            ..Range::all(self.layout.batches(shard, written_ms))
        };
        let items = self.table.query(range).await?;
        // `!` sorts before whatever could follow, and no key is longer than another.
        let next = items
            .get(BATCHES_AT_ONCE - 1)
            .and_then(Key::of)
            .map(|key| format!("{}!", key.sk));
        let batches = items
            .into_iter()
            .map(|item| Batch::read(&self.layout, item))
            .collect::<Result<_, _>>()?;
        Ok(Page { batches, next })
    }

    /// Returns the places of those entries that are sealed.
    pub(super) async fn places(
        &self,
        hashes: &[EntryHash],
    ) -> Result<HashMap<EntryHash, Place>, ReadError> {
        let keys = hashes.iter().map(|hash| self.layout.position(hash));
        let mut items = self.get_all(keys.collect()).await?;
        let mut places = HashMap::with_capacity(items.len());
        for hash in hashes {
            if let Some(item) = items.remove(&self.layout.position(hash)) {
                places.insert(*hash, Place::read(item)?);
            }
        }
        Ok(places)
    }

    /// Returns the entries at places in streams, in the order asked for; every one must be there.
    pub(super) async fn entries_at(
        &self,
        links: &[(StreamName, u64)],
    ) -> Result<Vec<Entry>, ReadError> {
        let keys = links
            .iter()
            .map(|(stream, seq)| self.layout.link(stream, *seq));
        let items = self.get_all(keys.collect()).await?;
        links
            .iter()
            .map(|(stream, seq)| {
                let item = items.get(&self.layout.link(stream, *seq));
                let item = item.ok_or(ReadError::Corrupt("an entry of a batch is missing"))?;
                Ok(Link::read(&self.layout, stream, item.clone())?.entry)
            })
            .collect()
    }

    /// Returns up to `limit` entries of a stream, backward from a seq.
    pub(super) async fn backward(
        &self,
        stream: &StreamName,
        from_seq: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Entry>, ReadError> {
        let range = Range {
            to: from_seq.map(ordinal),
            backward: true,
            limit,
            ..Range::all(self.layout.links(stream))
        };
        let items = self.table.query(range).await?;
        items
            .into_iter()
            .map(|item| Ok(Link::read(&self.layout, stream, item)?.entry))
            .collect()
    }

    /// Says where an entry is. What says otherwise already is an entry twice in the log.
    pub(super) async fn put_place(&self, hash: &EntryHash, place: &Place) -> Result<(), ReadError> {
        let item = place.item(&self.layout, hash);
        match self.table.put(item.clone()).await? {
            Placed::Taken(taken) if taken != item => {
                Err(ReadError::Corrupt("an entry has two places in the log"))
            }
            _ => Ok(()),
        }
    }

    /// Says that there is a stream.
    pub(super) async fn put_stream(&self, stream: &StreamName) -> Result<(), CallError> {
        self.table
            .put(self.layout.stream(stream.as_str()).item())
            .await?;
        Ok(())
    }

    async fn get_all(
        &self,
        keys: Vec<Key>,
    ) -> Result<HashMap<Key, super::layout::Item>, CallError> {
        let parts = keys.chunks(KEYS_AT_ONCE).map(|keys| {
            let (table, keys) = (self.table.clone(), keys.to_vec());
            async move { table.get_all(keys).await }
        });
        let found = parallel::all(parts.collect::<Vec<_>>()).await?;
        Ok(found.into_iter().flatten().collect())
    }
}
