//! The data folder: its lock, and what can be said of its database without touching it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use super::schema::{APPLICATION, FILE, VERSION};
use crate::OpenError;

/// A data folder that no other process uses as long as this lives.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    lock: File,
}

impl Folder {
    /// Locks a folder, which is there.
    pub(super) fn lock(path: &Path) -> Result<Self, OpenError> {
        let lock_path = path.join("lock");
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&lock_path)
            .map_err(|error| unusable(&lock_path, error))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => OpenError::Held,
            TryLockError::Error(error) => unusable(&lock_path, error),
        })?;
        Ok(Self {
            path: path.to_owned(),
            lock,
        })
    }

    /// Makes the names of its files durable; SQLite sees to their content.
    pub(super) fn sync(&self) -> Result<(), OpenError> {
        File::open(&self.path)
            .and_then(|folder| folder.sync_all())
            .map_err(|error| unusable(&self.path, error))
    }

    pub(super) fn database(&self) -> PathBuf {
        self.path.join(FILE)
    }
}

impl Drop for Folder {
    /// Unlocks in so many words: a child that this process is just starting holds the open file, too, until it runs
    /// its own program, and closing ours would leave the folder locked for that moment.
    fn drop(&mut self) {
        if let Err(error) = self.lock.unlock() {
            tracing::warn!(%error, "the data folder was not unlocked");
        }
    }
}

/// Reads the header of the database (SQLite file format, section 1.3), and refuses what this program cannot use.
///
/// Says whether there is one.
pub(super) fn probe(path: &Path) -> Result<bool, OpenError> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(unusable(path, error)),
    };
    let mut header = Vec::with_capacity(100);
    file.by_ref()
        .take(100)
        .read_to_end(&mut header)
        .map_err(|error| unusable(path, error))?;
    if header.is_empty() {
        return Ok(false);
    }
    let number = |at: usize| -> Option<u32> {
        let bytes = header.get(at..at + 4)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    };
    match (number(68), number(60)) {
        (Some(APPLICATION), Some(VERSION)) => Ok(true),
        (Some(APPLICATION), Some(found)) if found > VERSION => Err(OpenError::NewerFormat {
            found,
            known: VERSION,
        }),
        _ => Err(OpenError::Foreign),
    }
}

pub(super) fn unusable(path: &Path, error: std::io::Error) -> OpenError {
    OpenError::Folder {
        path: path.display().to_string(),
        source: error.into(),
    }
}
