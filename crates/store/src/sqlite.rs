//! A journal on one machine: an SQLite database in a folder of its own.
//!
//! One thread writes. It takes all batches that wait and makes them durable in one transaction with one sync (WAL,
//! `synchronous=FULL`) and one signature. Readers have connections of their own and never keep it waiting.

mod bulk;
mod failure;
mod folder;
mod lookup;
mod nodes;
mod open;
mod past;
mod read;
mod readers;
mod schema;
mod store;
mod transfer;
mod write;
mod writer;

use std::path::PathBuf;
use std::sync::{Arc, RwLock};
use std::thread::JoinHandle;

use model::JournalId;
use tokio::sync::mpsc;

use self::bulk::Files;
use self::folder::Folder;
use self::lookup::Lookup;
use self::readers::Readers;
pub use self::transfer::{SqliteOrigin, SqliteTarget};
use self::writer::Job;
use crate::{Clock, Status};

/// Where a journal is kept on one machine.
#[derive(Clone)]
pub struct Options {
    /// The data folder.
    pub folder: PathBuf,
    /// The file outside the data folder in which the newest checkpoint is kept.
    pub outside: Option<PathBuf>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// How many reads run at the same time.
    pub readers: usize,
    /// The largest that the database may become, where there is a limit: then the store is full.
    pub bytes_max: Option<u64>,
}

impl Options {
    /// Takes a folder, and this machine's clock; nothing is kept outside.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            outside: None,
            clock: Arc::new(crate::SystemClock::start()),
            readers: 4,
            bytes_max: None,
        }
    }
}

/// A journal in an SQLite database.
///
/// Whoever can change the data folder can at most take entries away from its end, or put others in their place after
/// the newest checkpoint that someone else holds; everything else is found by the verifier.
pub struct Sqlite {
    journal: JournalId,
    status: Arc<RwLock<Status>>,
    readers: Readers,
    lookup: Lookup,
    files: Files,
    jobs: Option<mpsc::Sender<Job>>,
    writer: Option<JoinHandle<()>>,
    /// Released last, when the writer is done.
    _folder: Folder,
}

impl Drop for Sqlite {
    /// Lets the writer finish what it took on, so that the folder is free afterwards. It is the last to close the
    /// database, and leaves everything in one file.
    fn drop(&mut self) {
        self.readers.close();
        self.jobs.take();
        if let Some(writer) = self.writer.take() {
            drop(writer.join());
        }
    }
}

#[cfg(test)]
mod crash;
#[cfg(test)]
mod rotating;
#[cfg(test)]
mod tests;
