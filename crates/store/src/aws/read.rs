//! The reads of streams and entries: each goes back to the bytes.

use journal::{Head, Receipt};
use model::{EntryHash, StreamName};

use super::Dynamo;
use super::layout::{Item, Key, Link, Moment, ordinal};
use super::parallel;
use super::past;
use super::table::Range;
use crate::{Direction, ReadError, Stored};

const GAP: ReadError = ReadError::Corrupt("a stream has a gap");
/// Sorts after every character of a name.
const END: char = '\u{7f}';

impl Dynamo {
    pub(super) async fn read_heads(
        &self,
        streams: &[StreamName],
    ) -> Result<Vec<Option<Head>>, ReadError> {
        let reads = streams.iter().map(|stream| {
            let (table, layout, stream) = (self.table.clone(), self.layout.clone(), stream.clone());
            async move {
                let last = past::head(&table, &layout, &stream).await?;
                Ok(last.map(|last| last.head))
            }
        });
        parallel::all(reads.collect::<Vec<_>>()).await
    }

    pub(super) async fn read_range(
        &self,
        stream: &StreamName,
        from_seq: u64,
        limit: usize,
        direction: Direction,
    ) -> Result<Vec<Stored>, ReadError> {
        let backward = direction == Direction::Backward;
        let range = Range {
            from: (!backward).then(|| ordinal(from_seq)),
            to: backward.then(|| ordinal(from_seq)),
            backward,
            limit,
            ..Range::all(self.layout.links(stream))
        };
        let items = self.table.query(range).await?;
        let mut found: Vec<Stored> = Vec::with_capacity(items.len());
        let mut before: Option<u64> = None;
        for item in items {
            let link = Link::read(&self.layout, stream, item)?;
            let follows = match (before, backward) {
                (None, true) => true,
                // Forward, what is asked for is there, or nothing after it is.
                (None, false) => link.seq == from_seq,
                (Some(before), true) => link.seq + 1 == before,
                (Some(before), false) => link.seq == before + 1,
            };
            if !follows {
                return Err(GAP);
            }
            before = Some(link.seq);
            found.push(Stored {
                index: None,
                entry: link.entry,
            });
        }
        Ok(found)
    }

    /// Finds the last entry of a stream that was recorded at a time or before.
    ///
    /// Eras rise with seqs, and within an era times do: the end is looked at first, then halves, from the newest era back.
    pub(super) async fn read_as_of(
        &self,
        stream: &StreamName,
        recorded_ms: u64,
    ) -> Result<Option<u64>, ReadError> {
        let Some(head) = past::head(&self.table, &self.layout, stream).await? else {
            return Ok(None);
        };
        let (mut last, mut era) = (head.head.seq, head.era);
        if head.head.recorded_ms <= recorded_ms {
            return Ok(Some(last));
        }
        loop {
            let first = match era {
                0 => 0,
                _ => {
                    self.first_where(stream, last, |moment| moment.era >= era)
                        .await?
                }
            };
            // The first of this era that is too late; the era's last is one.
            let late = |moment: Moment| moment.era >= era && moment.recorded_ms > recorded_ms;
            let beyond = self.first_between(stream, (first, last), late).await?;
            if beyond > first {
                return Ok(Some(beyond - 1));
            }
            let Some(before) = first.checked_sub(1) else {
                return Ok(None);
            };
            let moment = self.moment(stream, before).await?;
            if moment.recorded_ms <= recorded_ms {
                return Ok(Some(before));
            }
            (last, era) = (before, moment.era);
        }
    }

    async fn first_where(
        &self,
        stream: &StreamName,
        last: u64,
        is: impl Fn(Moment) -> bool + Send,
    ) -> Result<u64, ReadError> {
        self.first_between(stream, (0, last), is).await
    }

    /// Finds the first seq of which something is true that is true of all after it, and of the last.
    async fn first_between(
        &self,
        stream: &StreamName,
        (mut low, mut high): (u64, u64),
        is: impl Fn(Moment) -> bool + Send,
    ) -> Result<u64, ReadError> {
        while low < high {
            let middle = low + (high - low) / 2;
            if is(self.moment(stream, middle).await?) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Ok(low)
    }

    async fn moment(&self, stream: &StreamName, seq: u64) -> Result<Moment, ReadError> {
        let key = self.layout.link(stream, seq);
        let item = self
            .table
            .get_attributes(key, Some(Moment::ATTRIBUTES))
            .await?;
        Moment::read(item.ok_or(GAP)?)
    }

    pub(super) async fn read_entry(&self, hash: &EntryHash) -> Result<Option<Stored>, ReadError> {
        if let Some(stored) = self.sealed_entry(hash).await? {
            return Ok(Some(stored));
        }
        let Some((batch, place)) = self.unsealed.find(hash, self.now().0.wall_ms).await? else {
            // It may have been sealed between the two looks.
            return self.sealed_entry(hash).await;
        };
        let batched = batch.entries.get(place).ok_or(GAP)?;
        let link = (batched.stream.clone(), batched.seq);
        let entry = self.linked_entry(link, hash).await?;
        Ok(Some(Stored { index: None, entry }))
    }

    async fn sealed_entry(&self, hash: &EntryHash) -> Result<Option<Stored>, ReadError> {
        let mut places = self.records.places(&[*hash]).await?;
        let Some(place) = places.remove(hash) else {
            return Ok(None);
        };
        let entry = self.linked_entry((place.stream, place.seq), hash).await?;
        Ok(Some(Stored::at(place.index, entry)))
    }

    async fn linked_entry(
        &self,
        link: (StreamName, u64),
        hash: &EntryHash,
    ) -> Result<model::Entry, ReadError> {
        let entries = self.records.entries_at(&[link]).await?;
        let mut entries = entries.into_iter();
        let entry = entries.next().filter(|entry| entry.hash() == *hash);
        entry.ok_or(ReadError::Corrupt("an entry is not what was recorded"))
    }

    pub(super) async fn read_positions(
        &self,
        hashes: &[EntryHash],
    ) -> Result<Vec<Option<u64>>, ReadError> {
        let places = self.records.places(hashes).await?;
        let index = |hash| places.get(hash).map(|place| place.index);
        Ok(hashes.iter().map(index).collect())
    }

    /// Proves where an entry is, or returns the promise that was given for it.
    pub(super) async fn read_receipt(
        &self,
        hash: &EntryHash,
    ) -> Result<Option<Receipt>, ReadError> {
        if let Some(proved) = self.prove(hash).await? {
            return Ok(Some(proved));
        }
        match self.unsealed.find(hash, self.now().0.wall_ms).await? {
            Some((batch, place)) => Ok(batch.promise(place).map(Receipt::Promised)),
            // It may have been sealed between the two looks.
            None => self.prove(hash).await,
        }
    }

    /// Proves where an entry is; nothing where it is in no log that is published.
    async fn prove(&self, hash: &EntryHash) -> Result<Option<Receipt>, ReadError> {
        let Some(place) = self.records.places(&[*hash]).await?.remove(hash) else {
            return Ok(None);
        };
        match self.published().await? {
            Some(published) if place.index < published.size => self
                .log
                .prove(&published, place.index, hash)
                .await
                .map(Some),
            _ => Ok(None),
        }
    }

    pub(super) async fn read_streams(
        &self,
        prefix: &str,
        after: Option<&StreamName>,
        limit: usize,
    ) -> Result<Vec<(StreamName, Head)>, ReadError> {
        let now_ms = self.now().0.wall_ms;
        let (sealed, unsealed) = tokio::try_join!(
            self.sealed_streams(prefix, after, limit),
            self.unsealed.batches(now_ms)
        )?;
        let begun = unsealed.into_iter().flat_map(|batch| batch.entries);
        let begun = begun.flat_map(|entry| entry.begins);
        let wanted = |name: &StreamName| {
            name.as_str().starts_with(prefix) && after.is_none_or(|after| name > after)
        };
        let mut names: Vec<StreamName> = sealed.into_iter().chain(begun.filter(wanted)).collect();
        names.sort_unstable();
        names.dedup();
        names.truncate(limit);
        let heads = self.read_heads(&names).await?;
        let listed = names.into_iter().zip(heads);
        listed
            .map(|(name, head)| {
                Ok((
                    name,
                    head.ok_or(ReadError::Corrupt("a stream has no entry"))?,
                ))
            })
            .collect()
    }

    async fn sealed_streams(
        &self,
        prefix: &str,
        after: Option<&StreamName>,
        limit: usize,
    ) -> Result<Vec<StreamName>, ReadError> {
        let from = after.map_or("", StreamName::as_str).max(prefix);
        let to = format!("{prefix}{END}");
        if from >= to.as_str() {
            return Ok(Vec::new());
        }
        let range = Range {
            from: (!from.is_empty()).then(|| from.to_owned()),
            to: Some(to),
            // The one that is not wanted again may be among them.
            limit: limit.saturating_add(1),
            ..Range::all(self.layout.streams())
        };
        let items = self.table.query(range).await?;
        let names = items.iter().map(stream_name);
        let names: Vec<StreamName> = names.collect::<Result<_, _>>()?;
        let fresh = |name: &StreamName| after.is_none_or(|after| name > after);
        Ok(names.into_iter().filter(fresh).collect())
    }
}

fn stream_name(item: &Item) -> Result<StreamName, ReadError> {
    Key::of(item)
        .and_then(|key| key.sk.parse().ok())
        .ok_or(ReadError::Corrupt("a stream's name is none"))
}
