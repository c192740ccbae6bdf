use std::collections::HashMap;

use async_trait::async_trait;
use journal::Idempotency;
use model::{Entry, EntryHash, JournalId, PayloadDigest};

use crate::aws::layout::{SHARDS, moved_size, next_day, ordinal, read_moved_uses};
use crate::aws::log::Published;
use crate::aws::records::Records;
use crate::aws::table::Range;
use crate::aws::{Dynamo, Settings, parallel};
use crate::bulk::{Bulk as _, LargeStored};
use crate::transfer::Origin;
use crate::{OpenError, ReadError, StoredPayload};

/// Seals that are read at once.
const PAGE: usize = 500;
/// An entry is stamped with its writer's time, or with a head's that is at most 5 s ahead of it.
const STAMPED_LATER_MS_MAX: u64 = 10_000;
const LOST: ReadError = ReadError::Corrupt("the batch of an entry is missing");

/// A journal that is read from a table and a bucket. It may be in use: what is sealed does not change.
pub struct DynamoOrigin {
    store: Dynamo,
    /// How many entries were copied here.
    moved: u64,
}

impl DynamoOrigin {
    /// Opens a journal; no key is needed.
    ///
    /// # Errors
    /// When there is none of this id, this program cannot use it, or it is not what the checkpoint outside speaks of.
    pub async fn open(settings: &Settings) -> Result<Self, OpenError> {
        let store = Dynamo::open(settings).await?;
        if let Some(reason) = store.look().await?.read_only {
            return Err(OpenError::ReadOnly(reason));
        }
        let item = store
            .table
            .get(store.layout.journal())
            .await
            .map_err(ReadError::from)?;
        Ok(Self {
            moved: item.map_or(0, moved_size),
            store,
        })
    }

    async fn published(&self) -> Result<Published, ReadError> {
        let published = self.store.log.published().await?;
        published.ok_or_else(|| ReadError::Unavailable("nothing is sealed yet".into()))
    }

    /// Reads the keys of entries that were copied here themselves.
    async fn moved_uses(&self, from: u64, to: u64) -> Result<HashMap<u64, Idempotency>, ReadError> {
        let range = Range {
            from: Some(ordinal(from)),
            to: to.checked_sub(1).map(ordinal),
            ..Range::all(self.store.layout.moved())
        };
        let items = self.store.table.query(range).await?;
        let uses: Vec<_> = items
            .into_iter()
            .map(read_moved_uses)
            .collect::<Result<_, _>>()?;
        Ok(uses.into_iter().flatten().collect())
    }

    /// Reads the keys of entries that were written here, from the batches of the time in which they were recorded.
    async fn written_uses(
        &self,
        entries: &[Entry],
    ) -> Result<HashMap<EntryHash, Option<Idempotency>>, ReadError> {
        let times = || entries.iter().map(|entry| entry.header().recorded_ms);
        let (Some(first), Some(last)) = (times().min(), times().max()) else {
            return Ok(HashMap::new());
        };
        let first = first.saturating_sub(STAMPED_LATER_MS_MAX);
        let days = std::iter::successors(Some(first), |ms| Some(next_day(*ms)));
        let days: Vec<u64> = days.take_while(|ms| *ms <= last).collect();
        let scans = days.into_iter().flat_map(|day| {
            (0..SHARDS).map(move |shard| {
                let records = self.store.records.clone();
                async move { scan(&records, shard, day, last).await }
            })
        });
        let found = parallel::all(scans.collect::<Vec<_>>()).await?;
        Ok(found.into_iter().flatten().collect())
    }
}

/// Reads the batches of a shard that were written on the day of a moment, from then on.
async fn scan(
    records: &Records,
    shard: u8,
    from_ms: u64,
    to_ms: u64,
) -> Result<Vec<(EntryHash, Option<Idempotency>)>, ReadError> {
    let mut found = Vec::new();
    let mut next = None;
    loop {
        let page = records.batches(shard, from_ms, next).await?;
        let last_ms = page.batches.last().map(|batch| batch.id.written_ms);
        let entries = page.batches.into_iter().flat_map(|batch| batch.entries);
        found.extend(entries.map(|entry| {
            let used = entry
                .used
                .map(|(key, content)| Idempotency { key, content });
            (entry.hash, used)
        }));
        next = page.next;
        if next.is_none() || last_ms.is_some_and(|last| last > to_ms) {
            return Ok(found);
        }
    }
}

#[async_trait]
impl Origin for DynamoOrigin {
    fn journal(&self) -> &JournalId {
        self.store.layout.journal_id()
    }

    async fn size(&self) -> Result<u64, ReadError> {
        Ok(self.published().await?.size)
    }

    async fn waiting(&self) -> Result<u64, ReadError> {
        let size = self.size().await?;
        let batches = self
            .store
            .unsealed
            .batches(self.store.now().0.wall_ms)
            .await?;
        let entries = batches.iter().flat_map(|batch| &batch.entries);
        let hashes: Vec<EntryHash> = entries.map(|entry| entry.hash).collect();
        let places = self.store.records.places(&hashes).await?;
        let sealed = |hash: &EntryHash| places.get(hash).is_some_and(|place| place.index < size);
        Ok(hashes.iter().filter(|hash| !sealed(hash)).count() as u64)
    }

    async fn checkpoints(&self, after: u64) -> Result<Vec<String>, ReadError> {
        let published = self.published().await?;
        let before = self.store.records.seal_before(after).await?;
        let first = before.map_or(0, |seal| seal.number + 1);
        let seals = self.store.records.seals(first, PAGE).await?;
        let seals = seals
            .into_iter()
            .filter(|seal| seal.size() <= published.size);
        Ok(seals.map(|seal| seal.checkpoint).collect())
    }

    async fn entries(&self, from: u64, to: u64) -> Result<Vec<Entry>, ReadError> {
        let published = self.published().await?;
        let limit = usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX);
        let found = self.store.log.entries(&published, from, limit).await?;
        Ok(found.into_iter().map(|stored| stored.entry).collect())
    }

    async fn uses(
        &self,
        from: u64,
        entries: &[Entry],
    ) -> Result<Vec<Option<Idempotency>>, ReadError> {
        let end = from + entries.len() as u64;
        let copied = usize::try_from(self.moved.saturating_sub(from)).unwrap_or(usize::MAX);
        let (copied, written) = entries.split_at(copied.min(entries.len()));
        let mut moved = if copied.is_empty() {
            HashMap::new()
        } else {
            self.moved_uses(from, end.min(self.moved)).await?
        };
        let mut uses: Vec<_> = (from..)
            .zip(copied)
            .map(|(index, _)| moved.remove(&index))
            .collect();
        let mut found = self.written_uses(written).await?;
        for entry in written {
            uses.push(found.remove(&entry.hash()).ok_or(LOST)?);
        }
        Ok(uses)
    }

    async fn payloads(
        &self,
        _: u64,
        entries: &[Entry],
    ) -> Result<Vec<Vec<StoredPayload>>, ReadError> {
        let held = |entry: &Entry| {
            let payloads = entry.header().payloads.clone();
            payloads.into_iter().filter(|payload| !payload.is_large())
        };
        let named = entries.iter().flat_map(held);
        let digests: Vec<_> = named.map(|payload| payload.digest).collect();
        let mut found = self.store.payloads.get(&digests).await?.into_iter();
        let payloads = entries.iter().map(|entry| {
            let count = held(entry).count();
            found.by_ref().take(count).flatten().collect()
        });
        Ok(payloads.collect())
    }

    async fn large(
        &self,
        _: u64,
        _: usize,
        digest: &PayloadDigest,
    ) -> Result<Option<LargeStored>, ReadError> {
        self.store.payloads.payload(digest).await
    }

    async fn tile(&self, level: u8, index: u64, width: u16) -> Result<Option<Vec<u8>>, ReadError> {
        let published = self.published().await?;
        self.store.log.tile(&published, level, index, width).await
    }
}
