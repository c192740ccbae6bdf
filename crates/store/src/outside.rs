//! The newest checkpoint, kept outside the data folder, where an old copy of the folder does not bring it along.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use journal::note::{Checkpoint, NoteError};
use journal::tree::Hash;

use crate::{OutsideCheckpoint, ReadOnlyReason};

/// Longer than any checkpoint of ours.
const NOTE_BYTES_MAX: u64 = 4 * 1024;

/// The file that holds it, locked as long as this lives.
#[derive(Debug)]
pub(crate) struct Outside {
    file: File,
    /// What we last read or wrote there.
    note: String,
}

/// Why the file cannot be used.
#[derive(Debug)]
pub(crate) enum OutsideError {
    /// Another process has locked it.
    Held,
    /// It cannot be opened, read or locked.
    Io(io::Error),
}

impl Outside {
    /// Opens, locks and reads the file; creates an empty one where there is none.
    pub(crate) fn open(path: &Path) -> Result<Self, OutsideError> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(OutsideError::Io)?;
        }
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(OutsideError::Io)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => OutsideError::Held,
            TryLockError::Error(error) => OutsideError::Io(error),
        })?;
        let note = read(&file).map_err(OutsideError::Io)?;
        Ok(Self { file, note })
    }

    /// Returns what we last read or wrote there.
    pub(crate) fn note(&self) -> &str {
        &self.note
    }

    /// Says whether the file still holds what we last read or wrote.
    pub(crate) fn is_unchanged(&self) -> bool {
        read(&self.file).is_ok_and(|found| found == self.note)
    }

    /// Reads the file anew, whatever it holds now.
    pub(crate) fn reread(&mut self) -> io::Result<()> {
        self.note = read(&self.file)?;
        Ok(())
    }

    /// Writes a checkpoint, which the store already holds durably.
    ///
    /// The note is written in place, so that the lock stays on the file. It fits in one sector; a crash leaves the old
    /// one or the new one, and the old one is as true as the new. It is not synced: to lag behind does no harm.
    pub(crate) fn write(&mut self, note: &str) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(note.as_bytes())?;
        if note.len() < self.note.len() {
            self.file.set_len(note.len() as u64)?;
        }
        note.clone_into(&mut self.note);
        Ok(())
    }
}

impl Drop for Outside {
    /// Unlocks in so many words, as the data folder does.
    fn drop(&mut self) {
        if let Err(error) = self.file.unlock() {
            tracing::warn!(%error, "the checkpoint outside the store was not unlocked");
        }
    }
}

fn read(mut file: &File) -> io::Result<String> {
    file.seek(SeekFrom::Start(0))?;
    let mut bytes = Vec::with_capacity(512);
    file.take(NOTE_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Compares a store with the checkpoint found outside it.
///
/// `open` reads a checkpoint that one of the log's keys signed, whichever; `root_at` gives the root of the log's first so
/// many entries.
pub(crate) fn judge(
    note: &str,
    open: impl FnOnce(&str) -> Result<Checkpoint, NoteError>,
    size: u64,
    root_at: impl FnOnce(u64) -> Option<Hash>,
) -> Result<OutsideCheckpoint, ReadOnlyReason> {
    if note.is_empty() {
        return Ok(OutsideCheckpoint::Missing);
    }
    let Ok(outside) = open(note) else {
        return Err(ReadOnlyReason::OutsideUnreadable);
    };
    if outside.size > size {
        Err(ReadOnlyReason::Behind {
            stored: size,
            outside: outside.size,
        })
    } else if root_at(outside.size) == Some(outside.root) {
        Ok(OutsideCheckpoint::Continued)
    } else {
        Err(ReadOnlyReason::Forked {
            outside: outside.size,
        })
    }
}
