//! What is stored, as linking asks for it: the last entries of streams, the uses of idempotency keys.

use std::collections::HashMap;

use journal::Head;
use model::{EntryHash, StreamName};
use rusqlite::{Connection, OptionalExtension as _, Result};

use super::lookup::{Hint, Lookup};
use crate::error::Cause;
use crate::stage::{KeyUse, Last, Past};

/// Streams that the writer remembers, about 200 bytes each; past it, it forgets them all and begins anew.
const HOT_STREAMS_MAX: usize = 100_000;

/// The last entry of a stream, and its place in the log.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) head: Head,
    pub(super) index: u64,
}

/// A stream that the writer knows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hot {
    /// Its row.
    pub(super) id: u64,
    pub(super) place: Place,
}

/// The streams that were lately written to, so that most appends read nothing.
#[derive(Default)]
pub(super) struct HotStreams(HashMap<StreamName, Hot>);

impl HotStreams {
    /// Keeps the memory bounded. Only between groups: within one, what was read stays.
    pub(super) fn trim(&mut self) {
        if self.0.len() > HOT_STREAMS_MAX {
            self.0.clear();
        }
    }

    /// Forgets everything, after a write whose outcome is not in it.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Remembers streams that are stored.
    pub(super) fn fill(&mut self, connection: &Connection, streams: &[&StreamName]) -> Result<()> {
        for stream in streams {
            if !self.0.contains_key(*stream)
                && let Some(hot) = read_hot(connection, stream)?
            {
                self.0.insert((*stream).clone(), hot);
            }
        }
        Ok(())
    }

    pub(super) fn get_mut(&mut self, stream: &StreamName) -> Option<&mut Hot> {
        self.0.get_mut(stream)
    }

    pub(super) fn insert(&mut self, stream: StreamName, hot: Hot) {
        self.0.insert(stream, hot);
    }
}

/// The database and the writer's memory of it.
pub(super) struct StoredPast<'a> {
    pub(super) connection: &'a Connection,
    pub(super) lookup: &'a Lookup,
    pub(super) hot: &'a mut HotStreams,
    /// How often the clock was corrected, and the last entry that did.
    pub(super) era: u64,
    pub(super) corrected: Option<u64>,
}

impl Past for StoredPast<'_> {
    type Entry = u64;

    fn head(&mut self, stream: &StreamName) -> Result<Option<Last>, Cause> {
        if let Some(hot) = self.hot.0.get(stream) {
            return Ok(Some(self.last(hot.place)));
        }
        let Some(hot) = read_hot(self.connection, stream)? else {
            return Ok(None);
        };
        self.hot.0.insert(stream.clone(), hot);
        Ok(Some(self.last(hot.place)))
    }

    fn key(&mut self, key: &[u8; 32]) -> Result<Option<KeyUse<u64>>, Cause> {
        Ok(read_key(self.connection, &self.lookup.hint(key), key)?)
    }
}

impl StoredPast<'_> {
    /// Says whether an entry is of the present era; of which earlier one it is does not matter.
    fn last(&self, place: Place) -> Last {
        let present = self
            .corrected
            .is_none_or(|corrected| place.index >= corrected);
        Last {
            head: place.head,
            era: if present { self.era } else { 0 },
        }
    }
}

fn read_hot(connection: &Connection, stream: &StreamName) -> Result<Option<Hot>> {
    connection
        .prepare_cached(
            "SELECT s.id, l.seq, l.idx, l.recorded_ms, e.hash
             FROM stream s JOIN link l ON l.stream = s.id JOIN entry e ON e.idx = l.idx
             WHERE s.name = ?1 ORDER BY l.seq DESC LIMIT 1",
        )?
        .query_row([stream.as_str()], |row| {
            Ok(Hot {
                id: row.get(0)?,
                place: Place {
                    index: row.get(2)?,
                    head: Head {
                        seq: row.get(1)?,
                        recorded_ms: row.get(3)?,
                        hash: EntryHash(row.get(4)?),
                    },
                },
            })
        })
        .optional()
}

pub(super) fn read_key(
    connection: &Connection,
    hint: &Hint,
    key: &[u8; 32],
) -> Result<Option<KeyUse<u64>>> {
    for index in hint.candidates(connection)? {
        let used = connection
            .prepare_cached("SELECT content FROM entry WHERE idx = ?1 AND key = ?2")?
            .query_row((index, key), |row| {
                Ok(KeyUse {
                    content: row.get(0)?,
                    entry: index,
                })
            })
            .optional()?;
        if used.is_some() {
            return Ok(used);
        }
    }
    Ok(None)
}
