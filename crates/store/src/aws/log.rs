//! The log as objects: what is read of it, at the size of a checkpoint that is published.
//!
//! Tiles and bundles are C2SP tlog-tiles, so other people's tools read them too. A checkpoint is published last, so all
//! that it speaks of is there.

mod grow;
mod heads;
mod tiles;

use std::sync::Arc;

use journal::note::{Checkpoint, Note};
use journal::receipt::Proved;
use journal::tile::{Content, Tile};
use journal::tree::{Frontier, Hash, verify_inclusion};
use journal::{Head, Receipt};
use model::limits::{HEADER_BYTES_MAX, INTEGER_MAX};
use model::{Entry, EntryHash, JournalId, StreamName};

use self::heads::Heads;
use self::tiles::{Proof, Tiles};
use super::bucket::{Bucket, Object};
use super::parallel;
use super::records::Records;
use crate::{Consistency, ReadError, Stored};

pub(super) use self::grow::grown;
pub(super) use self::tiles::{WIDTH, at as tile_at};

/// The newest checkpoint.
pub(super) const CHECKPOINT: &str = "checkpoint";
/// Longer than any checkpoint of ours.
pub(super) const NOTE_BYTES_MAX: u64 = 64 * 1024;
/// A bundle of the largest headers.
const BUNDLE_BYTES_MAX: u64 = WIDTH * (HEADER_BYTES_MAX as u64 + 2);
/// Entries that are in memory at once where the whole log is walked through.
const PART: usize = 4_096;
const MISSING: ReadError = ReadError::Corrupt("a tile of the log is missing");

/// A state of the log that can be read: a checkpoint, and all that it covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Published {
    pub(super) size: u64,
    pub(super) root: Hash,
    /// The signed checkpoint.
    pub(super) note: String,
}

impl Published {
    /// Takes a checkpoint of this journal. Who signed it is for those to ask who do not trust this store.
    pub(super) fn parse(journal: &JournalId, note: String) -> Option<Self> {
        let checkpoint: Checkpoint = note.parse::<Note>().ok()?.unverified_text().parse().ok()?;
        (checkpoint.origin == *journal).then_some(Self {
            size: checkpoint.size,
            root: checkpoint.root,
            note,
        })
    }
}

/// Reads one journal's log. A copy is cheap, and shares what is kept in memory.
#[derive(Clone)]
pub(super) struct Log {
    bucket: Bucket,
    outside: Bucket,
    records: Records,
    tiles: Arc<Tiles>,
}

impl Log {
    /// Reads the log in a bucket, and the newest checkpoint in another, or the same.
    pub(super) fn new(records: Records, bucket: Bucket, outside: Bucket) -> Self {
        let tiles = Arc::new(Tiles::new(bucket.clone()));
        Self {
            bucket,
            outside,
            records,
            tiles,
        }
    }

    /// Reads the checkpoint that is kept outside the table, as it stands there.
    pub(super) async fn outside(&self) -> Result<Option<Object>, ReadError> {
        self.outside.get(CHECKPOINT, NOTE_BYTES_MAX).await
    }

    /// Returns the newest state of the log that can be read; nothing before the first.
    pub(super) async fn published(&self) -> Result<Option<Published>, ReadError> {
        let Some(object) = self
            .outside()
            .await?
            .filter(|found| !found.bytes.is_empty())
        else {
            return Ok(None);
        };
        String::from_utf8(object.bytes)
            .ok()
            .and_then(|note| Published::parse(self.bucket.journal(), note))
            .map(Some)
            .ok_or(ReadError::Corrupt("the checkpoint is none"))
    }

    /// Returns up to `limit` entries in the order of the log, from an index on.
    pub(super) async fn entries(
        &self,
        published: &Published,
        from: u64,
        limit: usize,
    ) -> Result<Vec<Stored>, ReadError> {
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        let end = published.size.min(from.saturating_add(limit));
        if from >= end {
            return Ok(Vec::new());
        }
        let bundles = (from / WIDTH..end.div_ceil(WIDTH)).map(|index| {
            let (bucket, size) = (self.bucket.clone(), published.size);
            async move { bundle(&bucket, size, index).await }
        });
        let bundles = parallel::all(bundles).await?;
        let entries = (from / WIDTH * WIDTH..).zip(bundles.into_iter().flatten());
        Ok(entries
            .filter(|(index, _)| (from..end).contains(index))
            .map(|(index, entry)| Stored::at(index, entry))
            .collect())
    }

    /// Returns the first `width` hashes of a tile, where the log has that many.
    pub(super) async fn tile(
        &self,
        published: &Published,
        level: u8,
        index: u64,
        width: u16,
    ) -> Result<Option<Vec<u8>>, ReadError> {
        if index > INTEGER_MAX / WIDTH || width == 0 {
            return Ok(None);
        }
        let content = Content::Hashes(level);
        let Some(widest) = tile_at(published.size, content, index) else {
            return Ok(None);
        };
        if width > widest.width {
            return Ok(None);
        }
        let hashes = self.tiles.read(widest).await?;
        let first = hashes.get(..usize::from(width)).ok_or(MISSING)?;
        Ok(Some(journal::tile::write_hashes(first)))
    }

    /// Proves that the log continues that of its first `from` entries.
    pub(super) async fn consistency(
        &self,
        published: &Published,
        from: u64,
    ) -> Result<Option<Consistency>, ReadError> {
        if from == 0 || from > published.size {
            return Ok(None);
        }
        let proof = self
            .tiles
            .prove(published.size, Proof::Consistency(from))
            .await?;
        Ok(Some(Consistency {
            checkpoint: published.note.clone(),
            proof,
        }))
    }

    /// Proves that an entry stands at an index.
    ///
    /// The proof is checked. Where it fails, tiles kept in memory may be those of a log that was lost since, and are read
    /// anew.
    pub(super) async fn prove(
        &self,
        published: &Published,
        index: u64,
        entry: &EntryHash,
    ) -> Result<Receipt, ReadError> {
        let Published { size, root, note } = published;
        for _ in 0..2 {
            let proof = self.tiles.prove(*size, Proof::Inclusion(index)).await?;
            if verify_inclusion(entry, index, *size, &proof, root).is_ok() {
                return Ok(Receipt::Proved(Proved {
                    checkpoint: note.clone(),
                    entry: *entry,
                    index,
                    proof,
                }));
            }
            self.tiles.forget();
        }
        Err(ReadError::Corrupt(
            "the log's tiles are not those of its checkpoint",
        ))
    }

    /// Returns the last entry of every stream as of the log's first `size` entries, by name.
    ///
    /// It takes the newest list of heads that is not newer than that, and goes on from there.
    pub(super) async fn heads_at(
        &self,
        published: &Published,
        size: u64,
    ) -> Result<Vec<(StreamName, Head)>, ReadError> {
        let size = size.min(published.size);
        let mut heads = self.listed_heads(published, size).await?;
        while heads.size() < size {
            let limit = usize::try_from(size - heads.size()).unwrap_or(usize::MAX);
            // A part at a time, so that memory holds the heads and not the log.
            let part = self
                .entries(published, heads.size(), limit.min(PART))
                .await?;
            if part.is_empty() {
                return Err(MISSING);
            }
            for stored in &part {
                heads.append(&stored.entry);
            }
        }
        Ok(heads.into_list())
    }

    /// Reads the newest list of heads that covers at most `size` entries.
    async fn listed_heads(&self, published: &Published, size: u64) -> Result<Heads, ReadError> {
        if let Some(heads) = self.read_heads(published, size).await? {
            return Ok(heads);
        }
        let listed = self
            .records
            .seal_before(size)
            .await?
            .map_or(0, |seal| seal.heads);
        if listed == 0 {
            return Ok(Heads::default());
        }
        let heads = self.read_heads(published, listed).await?;
        heads.ok_or(ReadError::Corrupt("a list of heads is missing"))
    }

    /// Reads a list of heads, if there is one of this very log.
    async fn read_heads(
        &self,
        published: &Published,
        size: u64,
    ) -> Result<Option<Heads>, ReadError> {
        let found = self.bucket.get(&heads::key(size), heads::BYTES_MAX).await?;
        let Some(object) = found else {
            return Ok(None);
        };
        let (heads, root) = Heads::read(self.bucket.journal(), size, &object.bytes)?;
        let is_ours = self.root_at(published, size).await? == root;
        Ok(is_ours.then_some(heads))
    }

    /// Computes the root of the log's first `size` entries from its tiles.
    pub(super) async fn root_at(
        &self,
        published: &Published,
        size: u64,
    ) -> Result<Hash, ReadError> {
        Ok(self.frontier_at(published, size).await?.root())
    }

    /// Returns the tree as it was with fewer entries.
    async fn frontier_at(&self, published: &Published, size: u64) -> Result<Frontier, ReadError> {
        let edge = self.tiles.prove(published.size, Proof::Edge(size)).await?;
        Frontier::from_edge(size, edge).ok_or(MISSING)
    }

    /// Returns the list of heads of the first `size` entries as an object: its key and bytes; `after` are the entries
    /// from `published.size` on.
    pub(super) async fn list_heads(
        &self,
        before: Option<&Published>,
        after: &[Entry],
        size: u64,
    ) -> Result<(String, Vec<u8>), ReadError> {
        let (mut heads, mut frontier) = match before {
            Some(before) => {
                let size = before.size.min(size);
                let heads = Heads::of(size, self.heads_at(before, size).await?);
                (heads, self.frontier_at(before, size).await?)
            }
            None => (Heads::default(), Frontier::new()),
        };
        let beyond = usize::try_from(size - heads.size()).unwrap_or(usize::MAX);
        for entry in after.iter().take(beyond) {
            heads.append(entry);
            frontier.append(&entry.hash());
        }
        let bytes = heads.write(self.bucket.journal(), &frontier.root());
        Ok((heads::key(size), bytes))
    }
}

/// Reads a bundle of the log of `size` entries.
async fn bundle(bucket: &Bucket, size: u64, index: u64) -> Result<Vec<Entry>, ReadError> {
    let tile = tile_at(size, Content::Entries, index).ok_or(MISSING)?;
    let bytes = bundle_bytes(bucket, tile).await?;
    let headers = journal::tile::read_entries(&bytes, tile.width)
        .map_err(|_| ReadError::Corrupt("a bundle of entries is none"))?;
    headers
        .into_iter()
        .map(|header| Entry::parse(header).map_err(|_| ReadError::Corrupt("an entry is none")))
        .collect()
}

/// Reads the bytes of a bundle.
pub(super) async fn bundle_bytes(bucket: &Bucket, tile: Tile) -> Result<Vec<u8>, ReadError> {
    let found = bucket.get(&tile.to_string(), BUNDLE_BYTES_MAX).await?;
    Ok(found.ok_or(MISSING)?.bytes)
}

/// Reads the hashes of a tile.
pub(super) async fn tile_hashes(bucket: &Bucket, tile: Tile) -> Result<Vec<Hash>, ReadError> {
    let found = bucket.get(&tile.to_string(), WIDTH * 32).await?;
    journal::tile::read_hashes(&found.ok_or(MISSING)?.bytes, tile.width)
        .map_err(|_| ReadError::Corrupt("a tile of the log is none"))
}
