//! Publishing a seal: tiles, places, streams and heads as it says, and the checkpoint last. Everything here can be done
//! twice, and by two at once: what is written follows from the seal alone.

use std::sync::Arc;

use journal::kind::{Heads, read};
use journal::tile::Tile;
use model::StreamName;

use super::super::bucket::Object;
use super::super::layout::{Place, Seal};
use super::super::log::{self, CHECKPOINT, Published};
use super::super::parallel;
use super::fuse::Write;
use super::staged::Staged;
use super::{SealError, Sealer};
use crate::ReadError;

impl Sealer {
    /// Writes everything of a seal but the checkpoint.
    pub(super) async fn publish(&self, seal: &Seal, staged: &Staged) -> Result<(), SealError> {
        self.write_tiles(staged).await?;
        self.write_places(staged).await?;
        self.write_heads(seal, staged).await
    }

    /// Writes the checkpoint outside in the place of what was found there, and says whether it stands there now.
    pub(super) async fn write_checkpoint(
        &self,
        seal: &Seal,
        found: Option<&Object>,
    ) -> Result<bool, SealError> {
        self.fuse.before(Write::Checkpoint).await?;
        let note = seal.checkpoint.clone().into_bytes();
        let written = match found {
            Some(found) => self.outside.replace(CHECKPOINT, note, &found.etag).await?,
            None => self.outside.put_new(CHECKPOINT, note).await?,
        };
        if written {
            return Ok(true);
        }
        // Another sealer wrote it, or we did and did not hear of it, or another has gone further.
        let now = self.log.outside().await?;
        Ok(now.is_some_and(|now| now.bytes == seal.checkpoint.as_bytes()))
    }

    async fn write_tiles(&self, staged: &Staged) -> Result<(), SealError> {
        let (frontier, group) = staged.group();
        let shared = Arc::new((staged.clone(), group));
        let (old, new) = (staged.before.size(), frontier.size());
        let writes = Tile::grown(old, new).map(|tile| {
            let (sealer, shared) = (self.clone(), Arc::clone(&shared));
            async move {
                let (staged, group) = &*shared;
                let bytes = log::grown(&sealer.bucket, tile, &staged.entries, group).await?;
                sealer.fuse.before(Write::Tile).await?;
                sealer.bucket.put(&tile.to_string(), bytes).await?;
                Ok::<_, SealError>(())
            }
        });
        parallel::all(writes.collect::<Vec<_>>()).await?;
        Ok(())
    }

    /// Says of each entry where it is, and of each stream that begins that there is one.
    async fn write_places(&self, staged: &Staged) -> Result<(), SealError> {
        let indexed = (staged.before.size()..).zip(&staged.entries);
        let writes = indexed.filter_map(|(index, entry)| {
            let (sealer, hash) = (self.clone(), entry.hash());
            let links = &entry.header().links;
            let first = links.first()?;
            let place = Place {
                index,
                stream: first.stream.clone(),
                seq: first.seq,
            };
            let begun = links.iter().filter(|link| link.seq == 0);
            let begun: Vec<StreamName> = begun.map(|link| link.stream.clone()).collect();
            Some(async move {
                for stream in &begun {
                    sealer.fuse.before(Write::Stream).await?;
                    sealer.records.put_stream(stream).await?;
                }
                sealer.fuse.before(Write::Place).await?;
                sealer.records.put_place(&hash, &place).await?;
                Ok::<_, SealError>(())
            })
        });
        parallel::all(writes.collect::<Vec<_>>()).await?;
        Ok(())
    }

    /// Lists all heads where the seal says that it is time, and as of where a `heads` entry speaks of: an export reads
    /// them all.
    async fn write_heads(&self, seal: &Seal, staged: &Staged) -> Result<(), SealError> {
        let said = staged.entries.iter().rev();
        let said = said.filter_map(|entry| read::<Heads>(entry.header()).ok().flatten());
        let said = said
            .map(|heads| heads.size)
            .find(|size| (1..=seal.size()).contains(size));
        let due = (seal.heads == seal.size()).then_some(seal.size());
        for size in said.into_iter().chain(due) {
            let before = self.before(staged).await?;
            let (key, bytes) = self
                .log
                .list_heads(before.as_ref(), &staged.entries, size)
                .await?;
            self.fuse.before(Write::Heads).await?;
            self.bucket.put(&key, bytes).await?;
        }
        Ok(())
    }

    /// Returns the log before a seal, which was published before it.
    async fn before(&self, staged: &Staged) -> Result<Option<Published>, ReadError> {
        let Some(number) = staged.number.checked_sub(1) else {
            return Ok(None);
        };
        let seal = self.records.seal(number).await?;
        let note = seal
            .ok_or(ReadError::Corrupt("a seal is missing"))?
            .checkpoint;
        Ok(Published::parse(self.records.journal(), note))
    }
}
