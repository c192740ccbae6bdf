//! What is too large for the database: uploads and large payloads are files beside it.
//!
//! `uploads/<sha-256>-<key>` is what somebody announced and sent; with `.<number>.part` at its end it is still being
//! written, and anything there goes away in time. `large/<digest>` is a payload; its salt stands in the database.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use model::{PayloadDigest, Salt};
use sha2::{Digest as _, Sha256};

use super::{Sqlite, read};
use crate::bulk::{Announced, Bulk, LargeStored, Parts, ReceiveError, Upload};
use crate::{OpenError, ReadError};

const UPLOADS: &str = "uploads";
const LARGE: &str = "large";
const PART: &str = "part";
/// How long an upload that nobody uses is there: as in the second home.
const UPLOAD_KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// All uploads together: some of the largest, so that nobody fills the disk with what nothing names.
const UPLOADS_BYTES_MAX: u64 = 8 * model::limits::LARGE_PAYLOAD_BYTES_MAX;

/// The files of one data folder.
#[derive(Debug, Clone)]
pub(super) struct Files {
    folder: PathBuf,
}

impl Files {
    pub(super) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    /// Removes what a crash left unfinished, and what nobody used in time.
    pub(super) fn sweep_at_start(&self) -> Result<(), OpenError> {
        let unfinished = |path: &Path| path.extension().is_some_and(|end| end == PART);
        self.sweep(unfinished)
            .map(drop)
            .map_err(|error| super::folder::unusable(&self.folder.join(UPLOADS), error))
    }

    /// Removes uploads, and returns how many bytes the others have.
    fn sweep(&self, remove: impl Fn(&Path) -> bool) -> io::Result<u64> {
        let listed = match std::fs::read_dir(self.folder.join(UPLOADS)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
            listed => listed?,
        };
        let mut bytes = 0;
        for file in listed {
            let file = file?;
            let path = file.path();
            match file.metadata() {
                Ok(found) if remove(&path) || is_old(&found) => gone(std::fs::remove_file(&path))?,
                Ok(found) => bytes += found.len(),
                Err(error) => gone(Err(error))?,
            }
        }
        Ok(bytes)
    }

    fn upload(&self, upload: &Upload) -> PathBuf {
        self.folder.join(UPLOADS).join(upload.name())
    }

    fn large(&self, digest: &PayloadDigest) -> PathBuf {
        self.folder.join(LARGE).join(digest.to_string())
    }

    /// Writes an upload beside its name, and gives it that when it is whole.
    fn receive(&self, upload: &Upload, parts: Parts) -> Result<(), ReceiveError> {
        let there = self.sweep(|_| false).map_err(unwritable)?;
        if there.saturating_add(upload.size) > UPLOADS_BYTES_MAX {
            return Err(ReceiveError::Full);
        }
        let path = self.upload(upload);
        let part = part_beside(&path).map_err(unwritable)?;
        let written = write(&part, upload.size, parts).and_then(|sha256| {
            if sha256 != upload.sha256 {
                return Err(ReceiveError::Digest);
            }
            // Two who send the same leave the same, whoever comes last.
            std::fs::rename(&part, &path).map_err(unwritable)
        });
        if written.is_err() {
            drop(std::fs::remove_file(&part));
        }
        written
    }

    /// Gives a file the name of a payload as well, durably.
    fn keep(&self, from: &Path, digest: &PayloadDigest) -> io::Result<()> {
        let to = self.large(digest);
        let folder = self.folder.join(LARGE);
        std::fs::create_dir_all(&folder)?;
        match std::fs::hard_link(from, &to) {
            // Linked by who died before it was recorded, or who does the same.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(error),
            // Not every file system has links.
            Err(_) => {
                let part = part_beside(&to)?;
                std::fs::copy(from, &part)?;
                std::fs::rename(&part, &to)?;
            }
            Ok(()) => {}
        }
        File::open(&to)?.sync_all()?;
        File::open(&folder)?.sync_all()?;
        File::open(&self.folder)?.sync_all()
    }

    /// Takes a payload that is copied from another store: its digest is checked before it has its name.
    pub(super) fn copy(
        &self,
        size: u64,
        salt: &Salt,
        digest: &PayloadDigest,
        parts: Parts,
    ) -> Result<(), ReceiveError> {
        let path = self.large(digest);
        let part = part_beside(&path).map_err(unwritable)?;
        let mut hasher = Sha256::new_with_prefix(salt);
        let written = write_hashing(&part, size, parts, &mut hasher).and_then(|()| {
            if digest.0 != <[u8; 32]>::from(hasher.finalize()) {
                return Err(ReceiveError::Digest);
            }
            let named = File::open(&part)
                .and_then(|file| file.sync_all())
                .and_then(|()| std::fs::rename(&part, &path))
                .and_then(|()| File::open(self.folder.join(LARGE))?.sync_all());
            named.map_err(unwritable)
        });
        if written.is_err() {
            drop(std::fs::remove_file(&part));
        }
        written
    }

    /// Opens a payload's file.
    pub(super) fn payload(&self, digest: &PayloadDigest) -> Result<Parts, ReadError> {
        match File::open(self.large(digest)) {
            Ok(file) => Ok(Parts::of(file)),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Err(ReadError::Corrupt("the file of a payload is missing"))
            }
            Err(error) => Err(ReadError::Unavailable(error.into())),
        }
    }
}

#[async_trait]
impl Bulk for Sqlite {
    async fn announce(&self, _: &Upload) -> Result<Option<Announced>, ReadError> {
        Ok(None)
    }

    async fn receive(
        &self,
        upload: &Upload,
        length: Option<u64>,
        parts: Parts,
    ) -> Result<(), ReceiveError> {
        upload.check_length(length)?;
        let (files, upload) = (self.files.clone(), upload.clone());
        tokio::task::spawn_blocking(move || files.receive(&upload, parts))
            .await
            .map_err(|error| ReceiveError::Unavailable(error.into()))?
    }

    async fn received(&self, upload: &Upload) -> Result<Option<Parts>, ReadError> {
        match File::open(self.files.upload(upload)) {
            Ok(file) => Ok(Some(Parts::of(file))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(ReadError::Unavailable(error.into())),
        }
    }

    async fn keep(
        &self,
        upload: &Upload,
        _: &Salt,
        digest: &PayloadDigest,
    ) -> Result<(), ReadError> {
        let (files, from, digest) = (self.files.clone(), self.files.upload(upload), *digest);
        tokio::task::spawn_blocking(move || files.keep(&from, &digest))
            .await
            .map_err(|error| ReadError::Unavailable(error.into()))?
            .map_err(|error| ReadError::Unavailable(error.into()))
    }

    async fn payload(&self, digest: &PayloadDigest) -> Result<Option<LargeStored>, ReadError> {
        let (hint, wanted) = (self.lookup.hint(&digest.0), *digest);
        let salt = self
            .readers
            .read(move |connection| read::large_salt(connection, &hint, &wanted))
            .await?;
        salt.map(|salt| {
            let parts = self.files.payload(digest)?;
            Ok(LargeStored { salt, parts })
        })
        .transpose()
    }
}

/// Makes a new name for a file that is still being written, in a folder that is there.
fn part_beside(path: &Path) -> io::Result<PathBuf> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    Ok(path.with_added_extension(format!("{number}.{PART}")))
}

/// Writes parts to a new file, and returns the SHA-256 of what came: exactly so many bytes.
fn write(path: &Path, size: u64, parts: Parts) -> Result<[u8; 32], ReceiveError> {
    let mut hasher = Sha256::new();
    write_hashing(path, size, parts, &mut hasher)?;
    Ok(hasher.finalize().into())
}

fn write_hashing(
    path: &Path,
    size: u64,
    mut parts: Parts,
    hasher: &mut Sha256,
) -> Result<(), ReceiveError> {
    let new = OpenOptions::new().write(true).create_new(true).open(path);
    let mut file = new.map_err(unwritable)?;
    let mut found = 0;
    let wrong = |found| ReceiveError::Size {
        promised: size,
        found,
    };
    while let Some(part) = parts.blocking_next() {
        let part = part.map_err(|error| ReceiveError::Broken(error.into()))?;
        found += part.len() as u64;
        if found > size {
            return Err(wrong(found));
        }
        hasher.update(&part);
        file.write_all(&part).map_err(unwritable)?;
    }
    if found == size {
        Ok(())
    } else {
        Err(wrong(found))
    }
}

fn is_old(found: &Metadata) -> bool {
    // A time in the future is of a clock that was wrong: it is left alone.
    let age = found.modified().ok().and_then(|at| at.elapsed().ok());
    age.is_some_and(|age| age > UPLOAD_KEPT)
}

/// What somebody else removed is gone, too.
fn gone(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

fn unwritable(error: io::Error) -> ReceiveError {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => ReceiveError::Full,
        _ => ReceiveError::Unavailable(error.into()),
    }
}
