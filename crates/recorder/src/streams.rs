//! Whole streams, kept in memory: they only grow at their ends, so what is kept stays true, whoever appends.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError};

use model::{EntryHash, PayloadDigest, Role, StreamName};
use store::{Direction, Stored};

use crate::error::{HistoryError, RecorderError};
use crate::history::{History, Loaded};
use crate::recorder::Recorder;
use crate::together::together;

/// Entries read at once when a stream is loaded.
const PAGE: usize = 1_000;
/// Streams kept in memory.
const STREAMS_KEPT_MAX: usize = 256;

/// A stream from its first entry on.
pub(crate) type Stream = Arc<[Arc<Loaded>]>;
/// Streams by name.
pub(crate) type Kept = HashMap<StreamName, Stream>;
type Facts = HashMap<PayloadDigest, Arc<[u8]>>;

/// A stream that was read on, before its facts are read.
pub(crate) struct Read {
    stream: StreamName,
    kept: Stream,
    added: Vec<Stored>,
}

impl Read {
    /// Names the facts that what was added rests on.
    fn facts(&self) -> impl Iterator<Item = PayloadDigest> {
        self.added.iter().filter_map(facts_of)
    }

    /// Returns the entries, old and new.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &model::Entry> {
        let kept = self.kept.iter().map(|loaded| loaded.entry.as_ref());
        kept.chain(self.added.iter().map(|stored| &stored.entry))
    }
}

fn facts_of(stored: &Stored) -> Option<PayloadDigest> {
    let facts = stored.entry.header().payload(Role::Facts)?;
    Some(facts.digest)
}

impl Recorder {
    /// Returns a whole stream with its facts. Only what is not in memory yet is read.
    pub(crate) async fn load(&self, stream: &StreamName) -> Result<Stream, RecorderError> {
        let mut history = History::default();
        self.load_into(&mut history, [stream.clone()]).await?;
        Ok(history.shared(stream))
    }

    /// Adds whole streams with their facts: two round trips, however many they are.
    pub(crate) async fn load_into(
        &self,
        history: &mut History,
        streams: impl IntoIterator<Item = StreamName>,
    ) -> Result<(), RecorderError> {
        let read = together(streams.into_iter().map(|stream| self.read(stream))).await;
        let read = read.into_iter().collect::<Result<Vec<_>, _>>()?;
        self.complete(history, read, Facts::new()).await
    }

    /// Reads what a stream has grown by.
    pub(crate) async fn read(&self, stream: StreamName) -> Result<Read, RecorderError> {
        let kept = self.kept(&stream);
        let mut added: Vec<Stored> = Vec::new();
        loop {
            let from = (kept.len() + added.len()) as u64;
            let page = self
                .store
                .range(&stream, from, PAGE, Direction::Forward)
                .await?;
            let last = page.len() < PAGE;
            added.extend(page);
            if last {
                return Ok(Read {
                    stream,
                    kept,
                    added,
                });
            }
        }
    }

    /// Reads on in two streams while the facts of another, which was read before, come in: then all facts are there but
    /// those that only the later streams have.
    pub(crate) async fn read_beside(
        &self,
        first: Read,
        others: impl IntoIterator<Item = StreamName>,
        history: &mut History,
    ) -> Result<(), RecorderError> {
        let others = together(others.into_iter().map(|stream| self.read(stream)));
        let (facts, others) = tokio::join!(self.facts(first.facts(), Facts::new()), others);
        let mut read = vec![first];
        for other in others {
            read.push(other?);
        }
        self.complete(history, read, facts?).await
    }

    /// Reads the facts of streams that are not there yet, and keeps the streams.
    async fn complete(
        &self,
        history: &mut History,
        read: Vec<Read>,
        facts: Facts,
    ) -> Result<(), RecorderError> {
        let facts = self.facts(read.iter().flat_map(Read::facts), facts).await?;
        for Read {
            stream,
            kept,
            added,
        } in read
        {
            let whole = if added.is_empty() {
                kept
            } else {
                let added = with_facts(added, &facts)?.into_iter().map(Arc::new);
                let whole: Stream = kept.iter().cloned().chain(added).collect();
                self.keep(stream.clone(), whole.clone());
                whole
            };
            history.insert(stream, whole);
        }
        Ok(())
    }

    /// Adds payloads to those that are there.
    async fn facts(
        &self,
        named: impl Iterator<Item = PayloadDigest>,
        mut facts: Facts,
    ) -> Result<Facts, RecorderError> {
        let missing: HashSet<_> = named.filter(|digest| !facts.contains_key(digest)).collect();
        let missing: Vec<_> = missing.into_iter().collect();
        if missing.is_empty() {
            return Ok(facts);
        }
        let payloads = self.store.payloads(&missing).await?;
        for (digest, payload) in missing.into_iter().zip(payloads) {
            facts.extend(payload.map(|payload| (digest, payload.bytes.into())));
        }
        Ok(facts)
    }

    /// Reads the facts that entries name.
    pub(crate) async fn with_facts(&self, page: Vec<Stored>) -> Result<Vec<Loaded>, RecorderError> {
        let named = page.iter().filter_map(facts_of);
        let facts = self.facts(named, Facts::new()).await?;
        with_facts(page, &facts)
    }

    fn kept(&self, stream: &StreamName) -> Stream {
        let streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.get(stream).cloned().unwrap_or_default()
    }

    fn keep(&self, stream: StreamName, whole: Stream) {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        if streams.len() >= STREAMS_KEPT_MAX && !streams.contains_key(&stream) {
            streams.clear();
        }
        let kept = streams.entry(stream).or_default();
        // Two may load at once; the one that saw more stands.
        if kept.len() < whole.len() {
            *kept = whole;
        }
    }
}

fn with_facts(page: Vec<Stored>, facts: &Facts) -> Result<Vec<Loaded>, RecorderError> {
    let missing = |entry: EntryHash| HistoryError::PayloadMissing { entry };
    let load = |stored: Stored| {
        let found = match facts_of(&stored) {
            Some(digest) => {
                let found = facts.get(&digest).cloned();
                Some(found.ok_or_else(|| missing(stored.entry.hash()))?)
            }
            None => None,
        };
        Ok(Loaded::new(stored.index, stored.entry, found)?)
    };
    page.into_iter().map(load).collect()
}
