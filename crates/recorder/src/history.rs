//! Entries with what they say: what pure functions of the record are given.

use std::collections::HashMap;
use std::sync::Arc;

use model::{Body, Entry, Role, StreamName};

use crate::error::HistoryError;

/// An entry, its fields and its facts, read once.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// Its place in the log, where it was known when it was read.
    pub index: Option<u64>,
    /// The entry.
    pub entry: Arc<Entry>,
    /// What it says.
    pub body: Body,
    /// The bytes of its `facts` payload.
    pub facts: Option<Arc<[u8]>>,
}

impl Loaded {
    /// Reads an entry; `facts` are those it names, already checked against their digest.
    ///
    /// # Errors
    /// When its fields are not of its kind's form.
    pub fn new(
        index: Option<u64>,
        entry: Entry,
        facts: Option<Arc<[u8]>>,
    ) -> Result<Self, HistoryError> {
        let body = Body::parse(entry.header()).map_err(|source| HistoryError::Entry {
            entry: entry.hash(),
            source,
        })?;
        if entry.header().payload(Role::Facts).is_some() != facts.is_some() {
            return Err(HistoryError::PayloadMissing {
                entry: entry.hash(),
            });
        }
        Ok(Self {
            index,
            entry: Arc::new(entry),
            body,
            facts,
        })
    }

    /// Returns its seq in a stream.
    #[must_use]
    pub fn seq(&self, stream: &StreamName) -> Option<u64> {
        self.entry.header().link(stream).map(|link| link.seq)
    }
}

/// A stream that a pure function needs and was not given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Missing(pub(crate) StreamName);

/// Whole streams, from their first entry up to some place.
#[derive(Debug, Clone, Default)]
pub struct History {
    streams: HashMap<StreamName, Arc<[Arc<Loaded>]>>,
}

impl History {
    /// Adds a stream.
    pub fn insert(&mut self, stream: StreamName, entries: Arc<[Arc<Loaded>]>) {
        self.streams.insert(stream, entries);
    }

    /// Returns a stream's entries, to be kept; none where it is not there.
    pub(crate) fn shared(&self, stream: &StreamName) -> Arc<[Arc<Loaded>]> {
        self.streams.get(stream).cloned().unwrap_or_default()
    }

    /// Returns how many entries of a stream there are.
    pub(crate) fn entries(&self, stream: &StreamName) -> u64 {
        self.streams
            .get(stream)
            .map_or(0, |entries| entries.len() as u64)
    }

    /// Returns the streams' names, in order.
    pub(crate) fn names(&self) -> Vec<StreamName> {
        let mut names: Vec<_> = self.streams.keys().cloned().collect();
        names.sort_unstable();
        names
    }

    /// Returns a stream's entries.
    pub(crate) fn stream(&self, stream: &StreamName) -> Result<&[Arc<Loaded>], Missing> {
        self.streams
            .get(stream)
            .map(AsRef::as_ref)
            .ok_or_else(|| Missing(stream.clone()))
    }
}
