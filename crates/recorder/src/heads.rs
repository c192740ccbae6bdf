//! `heads` entries: what every stream's end was, as one root.

use journal::kind::Heads;
use journal::map::{Leaf, Map};
use model::limits::HEADS_INTERVAL;
use model::{By, StreamName};
use store::Appended;
use tokio::sync::MutexGuard;

use crate::error::RecorderError;
use crate::recorder::Recorder;

/// Entries read at once when the map is brought up to date.
const PAGE: usize = 1_000;

/// The Merkle map of all streams over the log's first `size` entries, kept so that only what is new must be read.
#[derive(Debug, Default)]
pub(crate) struct Keeper {
    map: Map,
    size: u64,
    /// What the last `heads` entry covers.
    written: u64,
}

impl Recorder {
    /// Writes a `heads` entry whenever the log has grown by [`HEADS_INTERVAL`] since the last one, for as long as it is
    /// polled.
    ///
    /// # Errors
    /// When the journal cannot be read or written; the next call goes on from there.
    pub async fn keep_heads(&self) -> Result<(), RecorderError> {
        let last = self.store.head(&StreamName::heads()).await?;
        if let Some(last) = last
            && let Some(stored) = self.store.entry(&last.hash).await?
            && let Ok(Some(heads)) = journal::kind::read::<Heads>(stored.entry.header())
        {
            self.heads.lock().await.written = heads.size;
        }
        loop {
            let grown = self.appended.notified();
            let status = self.store.status().await?;
            let mut keeper = self.heads.lock().await;
            if status.size.saturating_sub(keeper.written) >= HEADS_INTERVAL
                && status.read_only.is_none()
            {
                self.write_heads_with(&mut keeper).await?;
            }
            drop(keeper);
            grown.await;
        }
    }

    /// Writes a `heads` entry now, and hands out the map that it is of.
    pub(crate) async fn write_heads(
        &self,
    ) -> Result<(Appended, MutexGuard<'_, Keeper>), RecorderError> {
        let mut keeper = self.heads.lock().await;
        let appended = self.write_heads_with(&mut keeper).await?;
        Ok((appended, keeper))
    }

    async fn write_heads_with(&self, keeper: &mut Keeper) -> Result<Appended, RecorderError> {
        self.bring_up_to_date(keeper).await?;
        let fields = Heads {
            root: keeper.map.root(),
            size: keeper.size,
            streams: keeper.map.streams(),
        };
        let draft = self.draft(By::recorder(), &fields, vec![StreamName::heads()])?;
        let appended = self.append_one(draft).await?;
        keeper.written = keeper.size;
        Ok(appended)
    }

    async fn bring_up_to_date(&self, keeper: &mut Keeper) -> Result<(), RecorderError> {
        if keeper.size == 0 {
            let size = self.store.status().await?.size;
            for (stream, head) in self.store.heads_at(size).await? {
                keeper.map.set(Leaf::new(&stream, head.seq, head.hash));
            }
            keeper.size = size;
        }
        loop {
            let page = self.store.entries(keeper.size, PAGE).await?;
            for stored in &page {
                for link in &stored.entry.header().links {
                    keeper
                        .map
                        .set(Leaf::new(&link.stream, link.seq, stored.entry.hash()));
                }
            }
            keeper.size += page.len() as u64;
            if page.len() < PAGE {
                return Ok(());
            }
        }
    }
}

impl Keeper {
    /// Returns the map, over the first [`Keeper::size`] entries.
    pub(crate) const fn map(&mut self) -> &mut Map {
        &mut self.map
    }
}
