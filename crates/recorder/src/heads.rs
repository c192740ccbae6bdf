//! `heads` entries: what every stream's end was, as one root.

use journal::Expectation;
use journal::kind::Heads;
use journal::map::{Leaf, Map};
use model::limits::{HEADS_INTERVAL, INTEGER_MAX};
use model::{By, StreamName};
use store::{AppendError, Appended, Direction, Store, Stored};
use tokio::sync::MutexGuard;

use crate::error::RecorderError;
use crate::recorder::Recorder;

/// Entries read at once when the map is brought up to date.
const PAGE: usize = 1_000;
/// Where another seals, exports are complete up to a `heads` entry that was sealed before: it is at most about this old.
const HEADS_AGE_MS_MAX: u64 = 5 * 60 * 1000;
/// So many of the newest `heads` entries may not be sealed yet.
const UNSEALED_MAX: usize = 16;

/// The Merkle map of all streams over the log's first `size` entries, kept so that only what is new must be read.
#[derive(Debug, Default)]
pub(crate) struct Keeper {
    map: Map,
    size: u64,
    /// What the last `heads` entry covers.
    written: u64,
}

/// A `heads` entry that is sealed, and what it is of.
pub(crate) struct Covered<'a> {
    /// Its place in the log.
    pub(crate) index: u64,
    /// Its place in its stream.
    pub(crate) seq: u64,
    /// A checkpoint that covers it.
    pub(crate) checkpoint: String,
    /// The map whose root it names.
    pub(crate) keeper: MutexGuard<'a, Keeper>,
}

impl Recorder {
    /// Writes a `heads` entry whenever the log has grown by [`HEADS_INTERVAL`] since the last one, for as long as it is
    /// polled.
    ///
    /// # Errors
    /// When the journal cannot be read or written; the next call goes on from there.
    pub async fn keep_heads(&self) -> Result<(), RecorderError> {
        let last = self.last_heads(1).await?.into_iter().next();
        self.heads.lock().await.written = last.map_or(0, |(_, heads)| heads.size);
        loop {
            let grown = self.appended.notified();
            let status = self.store.status().await?;
            let mut keeper = self.heads.lock().await;
            if status.size.saturating_sub(keeper.written) >= HEADS_INTERVAL
                && status.read_only.is_none()
            {
                self.write_heads_with(&mut keeper, None).await?;
            }
            drop(keeper);
            grown.await;
        }
    }

    /// Writes a `heads` entry if one is due; for whoever seals, after sealing.
    ///
    /// One is due when the log has grown by [`HEADS_INTERVAL`] since the last one, and, where a store is sealed later and
    /// has anything new, when the last one is 5 minutes old. Of several who find that at once, one writes.
    ///
    /// # Errors
    /// When the journal cannot be read or written.
    pub async fn write_heads_if_due(&self) -> Result<Option<Appended>, RecorderError> {
        let last = self.last_heads(1).await?.into_iter().next();
        if !self.heads_due(last.as_ref()).await? {
            return Ok(None);
        }
        let seq = last.as_ref().map_or(0, |(stored, _)| seq_of(stored) + 1);
        let mut keeper = self.heads.lock().await;
        match self.write_heads_with(&mut keeper, Some(seq)).await {
            Err(RecorderError::Append(AppendError::Moved { .. })) => Ok(None),
            written => written.map(Some),
        }
    }

    async fn heads_due(&self, last: Option<&(Stored, Heads)>) -> Result<bool, RecorderError> {
        let status = self.store.status().await?;
        if status.read_only.is_some() {
            return Ok(false);
        }
        let Some((stored, heads)) = last else {
            return Ok(status.size > 0);
        };
        if status.size.saturating_sub(heads.size) >= HEADS_INTERVAL {
            return Ok(true);
        }
        if self.store.seals_at_once() {
            return Ok(false);
        }
        // The entry itself is nothing new: sealing goes quiet where nothing else was recorded.
        let Some(index) = self.index_of(stored).await? else {
            return Ok(false);
        };
        let nothing_new = heads.size == index && status.size == index + 1;
        let age_ms = self
            .now_ms()
            .saturating_sub(stored.entry.header().recorded_ms);
        Ok(!nothing_new && age_ms >= HEADS_AGE_MS_MAX)
    }

    /// Returns a sealed `heads` entry with its map: one written now where sealing is at once, and else the newest.
    pub(crate) async fn covered(&self) -> Result<Covered<'_>, RecorderError> {
        let (stored, size) = if self.store.seals_at_once() {
            let (appended, keeper) = self.write_heads().await?;
            let size = keeper.size;
            drop(keeper);
            (appended.stored, size)
        } else {
            self.newest_sealed().await?
        };
        let checkpoint = self.store.checkpoint().await?;
        let mut keeper = self.heads.lock().await;
        keeper.bring_to(self.store.as_ref(), size).await?;
        Ok(Covered {
            index: self
                .index_of(&stored)
                .await?
                .ok_or(RecorderError::Unsealed)?,
            seq: seq_of(&stored),
            checkpoint,
            keeper,
        })
    }

    async fn newest_sealed(&self) -> Result<(Stored, u64), RecorderError> {
        let last = self.last_heads(UNSEALED_MAX).await?;
        let hashes: Vec<_> = last.iter().map(|(stored, _)| stored.entry.hash()).collect();
        let positions = if hashes.is_empty() {
            Vec::new()
        } else {
            self.store.positions(&hashes).await?
        };
        let size = self.store.status().await?.size;
        let sealed = last.into_iter().zip(positions).find_map(|(heads, index)| {
            let index = index.filter(|index| *index < size)?;
            Some((heads, index))
        });
        let ((stored, heads), index) = sealed.ok_or(RecorderError::Unsealed)?;
        Ok((Stored::at(index, stored.entry), heads.size))
    }

    /// Returns the last `heads` entries, newest first.
    async fn last_heads(&self, limit: usize) -> Result<Vec<(Stored, Heads)>, RecorderError> {
        let stream = StreamName::heads();
        let last = self
            .store
            .range(&stream, INTEGER_MAX, limit, Direction::Backward)
            .await?;
        let read = |stored: Stored| {
            let heads = journal::kind::read::<Heads>(stored.entry.header());
            let heads = heads.ok().flatten()?;
            Some((stored, heads))
        };
        Ok(last.into_iter().filter_map(read).collect())
    }

    async fn index_of(&self, stored: &Stored) -> Result<Option<u64>, RecorderError> {
        if stored.index.is_some() {
            return Ok(stored.index);
        }
        let positions = self.store.positions(&[stored.entry.hash()]).await?;
        Ok(positions.into_iter().next().flatten())
    }

    /// Writes a `heads` entry now, and hands out the map that it is of.
    pub(crate) async fn write_heads(
        &self,
    ) -> Result<(Appended, MutexGuard<'_, Keeper>), RecorderError> {
        let mut keeper = self.heads.lock().await;
        let appended = self.write_heads_with(&mut keeper, None).await?;
        Ok((appended, keeper))
    }

    async fn write_heads_with(
        &self,
        keeper: &mut Keeper,
        seq: Option<u64>,
    ) -> Result<Appended, RecorderError> {
        let size = self.store.status().await?.size;
        keeper.bring_to(self.store.as_ref(), size).await?;
        let fields = Heads {
            root: keeper.map.root(),
            size: keeper.size,
            streams: keeper.map.streams(),
        };
        let stream = StreamName::heads();
        let mut draft = self.draft(By::recorder(), &fields, vec![stream.clone()])?;
        draft
            .expected
            .extend(seq.map(|seq| Expectation { stream, seq }));
        let appended = self.append_one(draft).await?;
        keeper.written = keeper.size;
        Ok(appended)
    }
}

fn seq_of(stored: &Stored) -> u64 {
    let link = stored.entry.header().link(&StreamName::heads());
    link.map_or(0, |link| link.seq)
}

impl Keeper {
    /// Returns the map, over the first [`Keeper::size`] entries.
    pub(crate) const fn map(&mut self) -> &mut Map {
        &mut self.map
    }

    /// Makes it the map over the log's first `size` entries.
    async fn bring_to(&mut self, store: &dyn Store, size: u64) -> Result<(), RecorderError> {
        if self.size == 0 || self.size > size {
            let mut map = Map::new();
            for (stream, head) in store.heads_at(size).await? {
                map.set(Leaf::new(&stream, head.seq, head.hash));
            }
            (self.map, self.size) = (map, size);
        }
        while self.size < size {
            let limit = usize::try_from(size - self.size).map_or(PAGE, |missing| missing.min(PAGE));
            let page = store.entries(self.size, limit).await?;
            if page.is_empty() {
                return Err(RecorderError::Unsealed);
            }
            for stored in &page {
                for link in &stored.entry.header().links {
                    let leaf = Leaf::new(&link.stream, link.seq, stored.entry.hash());
                    self.map.set(leaf);
                }
            }
            self.size += page.len() as u64;
        }
        Ok(())
    }
}
