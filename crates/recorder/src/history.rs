//! Entries with what they say: what pure functions of the record are given.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use model::{Body, Entry, Fingerprint, Role, StreamName};

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
        entry: impl Into<Arc<Entry>>,
        facts: Option<Arc<[u8]>>,
    ) -> Result<Self, HistoryError> {
        let entry = entry.into();
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
            entry,
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

/// A stream that many look at, each at as much of it as there was for them. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shared {
    entries: Arc<[Arc<Loaded>]>,
    /// By artifact, where it was decided on first; made when it is first asked for.
    decided: Arc<OnceLock<HashMap<Fingerprint, usize>>>,
}

impl Shared {
    pub(crate) fn new(entries: Vec<Arc<Loaded>>) -> Self {
        Self {
            entries: entries.into(),
            decided: Arc::default(),
        }
    }

    pub(crate) fn len(&self) -> u64 {
        self.entries.len() as u64
    }

    fn first_decided(&self, fingerprint: &Fingerprint) -> Option<usize> {
        let index = || {
            let mut first = HashMap::new();
            for (place, loaded) in self.entries.iter().enumerate() {
                if let Body::Decided(decided) = &loaded.body {
                    first.entry(decided.fingerprint).or_insert(place);
                }
            }
            first
        };
        self.decided.get_or_init(index).get(fingerprint).copied()
    }
}

/// Streams, from their first entry up to some place.
#[derive(Debug, Clone, Default)]
pub struct History {
    streams: HashMap<StreamName, Part>,
}

/// The first entries of a stream.
#[derive(Debug, Clone, Default)]
struct Part {
    entries: Arc<[Arc<Loaded>]>,
    len: usize,
    shared: Option<Shared>,
}

impl Part {
    fn entries(&self) -> &[Arc<Loaded>] {
        self.entries.get(..self.len).unwrap_or_default()
    }
}

impl History {
    /// Adds a whole stream.
    pub fn insert(&mut self, stream: StreamName, entries: Arc<[Arc<Loaded>]>) {
        let part = Part {
            len: entries.len(),
            entries,
            shared: None,
        };
        self.streams.insert(stream, part);
    }

    /// Adds the first `len` entries of a stream that others look at, too.
    pub(crate) fn insert_first(&mut self, stream: StreamName, shared: Shared, len: usize) {
        let part = Part {
            entries: shared.entries.clone(),
            len,
            shared: Some(shared),
        };
        self.streams.insert(stream, part);
    }

    /// Forgets what came after the first `len` entries of a stream; says whether there are so many.
    pub(crate) fn keep_first(&mut self, stream: &StreamName, len: usize) -> bool {
        match self.streams.get_mut(stream) {
            Some(part) if len <= part.len => {
                part.len = len;
                true
            }
            _ => false,
        }
    }

    /// Returns a stream's entries, to be kept; none where it is not there.
    pub(crate) fn shared(&self, stream: &StreamName) -> Arc<[Arc<Loaded>]> {
        match self.streams.get(stream) {
            Some(part) if part.len == part.entries.len() => part.entries.clone(),
            Some(part) => part.entries().into(),
            None => Arc::default(),
        }
    }

    /// Returns how many entries of a stream there are.
    pub(crate) fn entries(&self, stream: &StreamName) -> u64 {
        self.streams.get(stream).map_or(0, |part| part.len as u64)
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
            .map(Part::entries)
            .ok_or_else(|| Missing(stream.clone()))
    }

    /// Finds where in a stream an artifact was first decided on.
    pub(crate) fn first_decided(
        &self,
        stream: &StreamName,
        fingerprint: &Fingerprint,
    ) -> Result<Option<usize>, Missing> {
        let part = self.streams.get(stream);
        let part = part.ok_or_else(|| Missing(stream.clone()))?;
        let first = match &part.shared {
            Some(shared) => shared.first_decided(fingerprint),
            None => part.entries.iter().position(
                |loaded| matches!(&loaded.body, Body::Decided(decided) if decided.fingerprint == *fingerprint),
            ),
        };
        Ok(first.filter(|place| *place < part.len))
    }
}
