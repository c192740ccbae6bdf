//! Which keys a journal has and had, as its own entries say.

use journal::key::KeyChain;
use model::{Entry, JournalId, StreamName};

use crate::{Direction, ReadError, Store, Stored};

/// Entries read at once.
pub(crate) const PAGE: usize = 1_000;

/// Reads a journal's keys, from genesis to the newest.
///
/// # Errors
/// When they cannot be read, or do not lead from one to the next.
pub async fn key_chain(store: &dyn Store) -> Result<KeyChain, ReadError> {
    let admin = StreamName::admin();
    let mut told = Told::default();
    while told.wants_more() {
        let page = store.range(&admin, told.next(), PAGE, Direction::Forward);
        told.take(page.await?);
    }
    told.chain(store.journal())
}

/// What stream `admin` told of keys, page by page.
#[derive(Debug, Default)]
pub(crate) struct Told {
    entries: Vec<Entry>,
    read: u64,
    ended: bool,
}

impl Told {
    pub(crate) const fn wants_more(&self) -> bool {
        !self.ended
    }

    /// Returns the seq from which on the next page is read.
    pub(crate) const fn next(&self) -> u64 {
        self.read
    }

    pub(crate) fn take(&mut self, page: Vec<Stored>) {
        self.ended = page.len() < PAGE;
        self.read += page.len() as u64;
        let entries = page.into_iter().map(|stored| stored.entry);
        self.entries
            .extend(entries.filter(|entry| KeyChain::is_told_by(entry.header())));
    }

    pub(crate) fn chain(&self, journal: &JournalId) -> Result<KeyChain, ReadError> {
        KeyChain::read(journal, self.entries.iter().map(Entry::header))
            .map_err(|_| ReadError::Corrupt("its keys do not lead from one to the next"))
    }
}
