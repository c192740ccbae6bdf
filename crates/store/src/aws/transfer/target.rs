use std::sync::Arc;

use async_trait::async_trait;
use journal::Head;
use journal::kind::ClockCorrected;
use journal::tile::{Content, Tile, WIDTH_MAX, read_entries, write_entry, write_hashes};
use journal::tree::Frontier;
use model::kind::Fields as _;
use model::{Entry, EntryHash, JournalId, LargePayload, Payload, StreamName};

use crate::aws::bucket::{Bucket, Object};
use crate::aws::layout::{
    self, Item, Key, LAYOUT, Layout, Link, Place, Seal, USES_MAX, moved_journal_item,
    moved_use_item, moved_uses_item,
};
use crate::aws::log::{self, CHECKPOINT, Log, Published};
use crate::aws::payload::Payloads;
use crate::aws::records::Records;
use crate::aws::table::{Placed, Range, Table};
use crate::aws::{Address, Clients, parallel, past};
use crate::bulk::Parts;
use crate::transfer::{Group, PutError, Standing, Target};
use crate::{OpenError, ReadError};

/// What the seals of a copy name instead of what they staged: they are never published anew.
const COPIED: &str = "copied";
/// No batch of a copy waits to be sealed; who writes next has a clock that differs by at most this much.
const CLOCKS_MS: u64 = 60_000;
const MISSING: ReadError = ReadError::Corrupt("a seal is missing");

/// A table and a bucket that a journal is written to.
pub struct DynamoTarget {
    layout: Layout,
    table: Table,
    records: Records,
    payloads: Payloads,
    log: Log,
    bucket: Bucket,
    outside: Bucket,
    /// The checkpoint outside as it was found: that of an earlier copy.
    found: Option<Object>,
    /// Whether the tiles are those of the newest seal.
    mended: bool,
}

impl DynamoTarget {
    /// Takes a table and buckets for a journal: ones that hold none of this id, or the part of it that was copied so far.
    ///
    /// # Errors
    /// When there is a journal of this id in use, or there was one according to the checkpoint outside.
    pub async fn open(
        clients: &Clients,
        address: &Address,
        journal: &JournalId,
    ) -> Result<Self, OpenError> {
        let layout = Layout::new(journal.clone());
        let table = Table::new(clients, &address.table);
        let records = Records::new(table.clone(), journal);
        let bucket = Bucket::new(clients.s3.clone(), &address.bucket, journal);
        let outside = Bucket::new(clients.s3.clone(), address.checkpoint_bucket(), journal);
        let log = Log::new(records.clone(), bucket.clone(), outside.clone());
        let item = table.get(layout.journal()).await.map_err(ReadError::from)?;
        match item.map(layout::layout_version).transpose()? {
            None => {}
            Some(found) if found > LAYOUT => {
                return Err(OpenError::NewerFormat {
                    found,
                    known: LAYOUT,
                });
            }
            Some(_) => return Err(OpenError::Exists),
        }
        let found = log.outside().await?;
        let newest = records.newest_seal().await?;
        let is_ours = |found: &Object| {
            found.bytes.is_empty()
                || newest.is_some_and(|seal| seal.checkpoint.as_bytes() == found.bytes)
        };
        if !found.as_ref().is_none_or(is_ours) {
            return Err(OpenError::OutsideExists);
        }
        Ok(Self {
            payloads: Payloads {
                table: table.clone(),
                layout: layout.clone(),
                bucket: bucket.clone(),
            },
            layout,
            table,
            records,
            log,
            bucket,
            outside,
            found,
            mended: false,
        })
    }

    /// Returns the state of the log that is written, whatever the checkpoint outside says.
    async fn published(&self) -> Result<Published, ReadError> {
        let seal = self.records.newest_seal().await?.ok_or(MISSING)?;
        Ok(Published {
            size: seal.size(),
            root: seal.frontier.root(),
            note: seal.checkpoint,
        })
    }

    /// Makes the items of a group: links, keys, places, and names of streams.
    fn items(&self, group: &Group) -> Vec<Item> {
        let mut items = Vec::new();
        let mut uses = Vec::new();
        let mut era = group.era;
        for (index, record) in (group.before.size()..).zip(&group.records) {
            let entry = &record.entry;
            let header = entry.header();
            era += u64::from(header.kind.as_str() == ClockCorrected::KIND);
            for link in &header.links {
                items.push(Link::item(
                    &self.layout,
                    &link.stream,
                    link.seq,
                    (entry, era),
                ));
                if link.seq == 0 {
                    items.push(self.layout.stream(link.stream.as_str()).item());
                }
            }
            if let Some(first) = header.links.first() {
                let place = Place {
                    index,
                    stream: first.stream.clone(),
                    seq: first.seq,
                };
                items.push(place.item(&self.layout, &entry.hash()));
            }
            if let Some(used) = &record.used {
                items.push(moved_use_item(&self.layout, entry.hash(), used));
                uses.push((index, *used));
            }
        }
        let uses = uses.chunks(USES_MAX);
        items.extend(uses.filter_map(|uses| moved_uses_item(&self.layout, uses)));
        items
    }

    async fn put_items(&self, items: Vec<Item>) -> Result<(), PutError> {
        let puts = items.into_iter().map(|item| {
            let table = self.table.clone();
            async move { put(&table, item).await }
        });
        parallel::all(puts.collect::<Vec<_>>()).await?;
        Ok(())
    }

    /// Writes the tiles that groups let grow, as wide as they are at the end.
    async fn put_tiles(&self, groups: &[Group]) -> Result<(), PutError> {
        let Some(first) = groups.first() else {
            return Ok(());
        };
        let records = groups.iter().flat_map(|group| &group.records);
        let entries: Vec<Entry> = records.map(|record| record.entry.clone()).collect();
        let hashes: Vec<EntryHash> = entries.iter().map(Entry::hash).collect();
        let mut frontier: Frontier = first.before.clone();
        let grown = Arc::new((entries, frontier.append_group(&hashes)));
        let writes = Tile::grown(first.before.size(), frontier.size()).map(|tile| {
            let (bucket, grown) = (self.bucket.clone(), Arc::clone(&grown));
            async move {
                let (entries, group) = &*grown;
                let bytes = log::grown(&bucket, tile, entries, group).await?;
                bucket
                    .put(&tile.to_string(), bytes)
                    .await
                    .map_err(ReadError::from)
            }
        });
        parallel::all(writes.collect::<Vec<_>>()).await?;
        Ok(())
    }

    /// Makes the tiles that are not full those of a log of some size, which are read to go on from there.
    ///
    /// Tiles are written once for several seals, before these. Dying between the seals leaves tiles that are wider than
    /// the newest seal's log, and begin with its own.
    async fn mend_tiles(&self, size: u64) -> Result<(), PutError> {
        for content in std::iter::once(Content::Entries).chain((0..=6).map(Content::Hashes)) {
            let level = match content {
                Content::Entries => 0,
                Content::Hashes(level) => level,
            };
            let last = (size >> (8 * level)).checked_sub(1);
            let tile = last.and_then(|last| log::tile_at(size, content, last / log::WIDTH));
            if let Some(tile) = tile.filter(|tile| tile.width < WIDTH_MAX) {
                self.mend_tile(tile).await?;
            }
        }
        Ok(())
    }

    async fn mend_tile(&self, tile: Tile) -> Result<(), PutError> {
        const MISSING: ReadError = ReadError::Corrupt("a tile of the log is missing");
        let stem = Tile {
            width: WIDTH_MAX,
            ..tile
        };
        let listed = self.bucket.list(&stem.to_string(), None).await?;
        let mut listed = listed.iter().filter_map(|key| key.parse::<Tile>().ok());
        let begins = |found: &Tile| {
            (found.content, found.index) == (tile.content, tile.index) && found.width >= tile.width
        };
        let found = listed.find(begins).ok_or(MISSING)?;
        let width = usize::from(tile.width);
        let mut bytes = Vec::new();
        match tile.content {
            Content::Hashes(_) => {
                let hashes = log::tile_hashes(&self.bucket, found).await?;
                bytes = write_hashes(hashes.get(..width).ok_or(MISSING)?);
            }
            Content::Entries => {
                let wider = log::bundle_bytes(&self.bucket, found).await?;
                let headers = read_entries(&wider, found.width).map_err(|_| MISSING)?;
                for header in headers.into_iter().take(width) {
                    write_entry(&mut bytes, header).map_err(|_| MISSING)?;
                }
            }
        }
        let put = self.bucket.put(&tile.to_string(), bytes).await;
        Ok(put.map_err(ReadError::from)?)
    }

    /// Makes the seal of a group that follows another.
    fn seal(before: Option<&Seal>, group: &Group) -> Seal {
        let headers = || group.records.iter().map(|record| record.entry.header());
        let begun = headers().flat_map(|header| &header.links);
        let begun = begun.filter(|link| link.seq == 0).count() as u64;
        let last = group.records.last();
        let recorded_ms = last.map_or(0, |last| last.entry.header().recorded_ms);
        Seal {
            number: before.map_or(0, |before| before.number + 1),
            checkpoint: group.checkpoint.clone(),
            key: group.key.clone(),
            over: None,
            frontier: group.after.clone(),
            staged: COPIED.to_owned(),
            low_ms: recorded_ms.saturating_sub(CLOCKS_MS),
            streams: before.map_or(0, |before| before.streams) + begun,
            // The sealer lists them with its next seal.
            heads: 0,
        }
    }
}

#[async_trait]
impl Target for DynamoTarget {
    fn journal(&self) -> &JournalId {
        self.layout.journal_id()
    }

    async fn standing(&mut self) -> Result<Standing, ReadError> {
        let newest = self.records.newest_seal().await?;
        let frontier = newest.map(|seal| seal.frontier).unwrap_or_default();
        let admin = StreamName::admin();
        let first = self.table.get(self.layout.link(&admin, 0)).await?;
        let first = first
            .map(|item| Link::read(&self.layout, &admin, item))
            .transpose()?;
        Ok(Standing {
            size: frontier.size(),
            root: frontier.root(),
            first: first.map(|link| link.entry.hash()),
        })
    }

    /// In the order of an append and a seal: dying leaves what is found again, and seals whose tiles and items are whole.
    async fn put(&mut self, groups: &[Group]) -> Result<(), PutError> {
        let records = || groups.iter().flat_map(|group| &group.records);
        let before = groups.first().map_or(0, |group| group.before.size());
        if before > 0 && !self.mended {
            self.mend_tiles(before).await?;
        }
        self.mended = true;
        if before == 0
            && let Some(genesis) = records().next()
        {
            // Before anything else: where another journal of this id was begun, nothing is added to it.
            let link = Link::item(&self.layout, &StreamName::admin(), 0, (&genesis.entry, 0));
            put(&self.table, link).await?;
        }
        let payloads: Vec<&Payload> = records().flat_map(|record| &record.payloads).collect();
        self.payloads.put(&payloads).await?;
        self.put_items(groups.iter().flat_map(|group| self.items(group)).collect())
            .await?;
        self.put_tiles(groups).await?;
        let mut before = self.records.newest_seal().await?;
        for group in groups {
            let seal = Self::seal(before.as_ref(), group);
            put(&self.table, seal.item(&self.layout)).await?;
            before = Some(seal);
        }
        Ok(())
    }

    async fn put_large(&mut self, payload: &LargePayload, parts: Parts) -> Result<(), PutError> {
        let LargePayload { reference, salt } = payload;
        let put = self.payloads.put_large(&reference.digest, salt, parts);
        Ok(put.await?)
    }

    async fn checkpoint(&mut self) -> Result<String, ReadError> {
        Ok(self.published().await?.note)
    }

    async fn entries(&mut self, from: u64, to: u64) -> Result<Vec<Entry>, ReadError> {
        let limit = usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX);
        let found = self
            .log
            .entries(&self.published().await?, from, limit)
            .await?;
        Ok(found.into_iter().map(|stored| stored.entry).collect())
    }

    async fn tile(
        &mut self,
        level: u8,
        index: u64,
        width: u16,
    ) -> Result<Option<Vec<u8>>, ReadError> {
        self.log
            .tile(&self.published().await?, level, index, width)
            .await
    }

    async fn heads(&mut self) -> Result<Vec<(StreamName, Head)>, ReadError> {
        let items = self.table.query(Range::all(self.layout.streams())).await?;
        let reads = items.into_iter().map(|item| {
            let (table, layout) = (self.table.clone(), self.layout.clone());
            async move {
                let name = Key::of(&item).and_then(|key| key.sk.parse::<StreamName>().ok());
                let name = name.ok_or(ReadError::Corrupt("a stream's name is none"))?;
                let last = past::head(&table, &layout, &name).await?;
                let last = last.ok_or(ReadError::Corrupt("a stream has no entry"))?;
                Ok::<_, ReadError>((name, last.head))
            }
        });
        parallel::all(reads.collect::<Vec<_>>()).await
    }

    /// First the checkpoint outside, then the item that says that there is a journal: dying between them leaves one that
    /// can be finished.
    async fn finish(&mut self) -> Result<(), PutError> {
        let published = self.published().await?;
        let note = published.note.into_bytes();
        let written = match &self.found {
            Some(found) if found.bytes == note => true,
            Some(found) => {
                let replaced = self
                    .outside
                    .replace(CHECKPOINT, note.clone(), &found.etag)
                    .await;
                replaced.map_err(ReadError::from)?
            }
            None => {
                let put = self.outside.put_new(CHECKPOINT, note.clone()).await;
                put.map_err(ReadError::from)?
            }
        };
        // A lost answer is sent again by the client, and finds its own.
        if !written
            && self
                .log
                .outside()
                .await?
                .is_none_or(|found| found.bytes != note)
        {
            return Err(PutError::Taken(CHECKPOINT.to_owned()));
        }
        put(
            &self.table,
            moved_journal_item(&self.layout, published.size),
        )
        .await
    }
}

/// Puts an item, or finds it there: written by an earlier run, or when an answer was lost.
async fn put(table: &Table, item: Item) -> Result<(), PutError> {
    let key = Key::of(&item);
    match table.put(item.clone()).await.map_err(ReadError::from)? {
        Placed::Taken(taken) if taken != item => {
            let key = key.map(|key| format!("{} {}", key.pk, key.sk));
            Err(PutError::Taken(key.unwrap_or_default()))
        }
        _ => Ok(()),
    }
}
