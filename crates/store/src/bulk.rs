//! What is too large to be held in memory: it goes and comes in parts.
//!
//! A reporter announces bytes by their SHA-256, sends them to where it is told, and then records what they are evidence
//! of. Until then they are an *upload*, which nothing names and which goes away by itself; kept, they are a payload.

use std::io::{self, Read};

use async_trait::async_trait;
use model::{KeyId, PayloadDigest, Salt};
use tokio::sync::mpsc;

use crate::ReadError;
use crate::error::Cause;

/// Bytes of a part, at most.
pub const PART_BYTES_MAX: usize = 256 * 1024;
/// Parts that are read ahead of whoever takes them.
const PARTS_AHEAD: usize = 4;
/// How long an upload can be sent after it was announced.
pub const SEND_MS: u64 = 15 * 60 * 1000;

/// The part of a store that takes and gives what is too large for [`Store::append`](crate::Store::append) and
/// [`Store::payloads`](crate::Store::payloads): payloads over [`model::limits::PAYLOAD_BYTES_MAX`].
///
/// **Durability.** What [`keep`](Bulk::keep) returned from is on disk, and an entry may name it. Uploads are not: one
/// that is not kept within a day is gone, and may be gone after a crash.
///
/// **Dying** at any point leaves uploads that go away, or payloads that nothing names.
#[async_trait]
pub trait Bulk: Send + Sync {
    /// Says where somebody without any permission sends an upload, within [`SEND_MS`]; nothing where whoever asks is to
    /// take the bytes and pass them to [`receive`](Bulk::receive).
    async fn announce(&self, upload: &Upload) -> Result<Option<Announced>, ReadError>;

    /// Takes an upload, of which its sender may say how long it is: all of it, or with an error nothing. Taken twice it is the same, also at the same time.
    ///
    /// # Errors
    /// When what comes is not what was promised.
    async fn receive(
        &self,
        upload: &Upload,
        length: Option<u64>,
        parts: Parts,
    ) -> Result<(), ReceiveError>;

    /// Returns an upload's bytes; nothing where it did not arrive, or is gone.
    async fn received(&self, upload: &Upload) -> Result<Option<Parts>, ReadError>;

    /// Makes an upload a payload. Kept twice it is the same; under another digest it is another payload.
    async fn keep(
        &self,
        upload: &Upload,
        salt: &Salt,
        digest: &PayloadDigest,
    ) -> Result<(), ReadError>;

    /// Returns a large payload that an entry names.
    async fn payload(&self, digest: &PayloadDigest) -> Result<Option<LargeStored>, ReadError>;
}

/// Bytes that somebody promised to send. They are another's, if another key announced the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// The key that announced them.
    pub key: KeyId,
    /// Their SHA-256.
    pub sha256: [u8; 32],
    /// How many they are.
    pub size: u64,
}

impl Upload {
    /// Names it among all uploads of a journal.
    pub(crate) fn name(&self) -> String {
        format!("{}-{}", hex::encode(self.sha256), self.key)
    }

    /// Checks what its sender says about its length.
    pub(crate) fn check_length(&self, length: Option<u64>) -> Result<(), ReceiveError> {
        let promised = self.size;
        match length.filter(|found| *found != promised) {
            Some(found) => Err(ReceiveError::Size { promised, found }),
            None => Ok(()),
        }
    }
}

/// A request that somebody without any permission can send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announced {
    /// Where to, with `PUT`.
    pub url: String,
    /// Headers that must be sent with it.
    pub headers: Vec<(String, String)>,
}

/// A large payload as it is stored.
#[derive(Debug)]
pub struct LargeStored {
    /// Its salt.
    pub salt: Salt,
    /// Its bytes.
    pub parts: Parts,
}

/// Why an upload was not taken. Nothing of it is kept.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// There are more or fewer bytes than promised.
    #[error("`{found}` bytes came, or more, where `{promised}` were promised")]
    Size {
        /// How many were promised.
        promised: u64,
        /// How many came until that was clear.
        found: u64,
    },
    /// They are other bytes than promised.
    #[error("other bytes came than were promised: their SHA-256 is another")]
    Digest,
    /// They broke off.
    #[error("the bytes broke off")]
    Broken(#[source] Cause),
    /// They are sent elsewhere in this home.
    #[error("uploads are sent to the address that they are given")]
    Elsewhere,
    /// There is no room for it.
    #[error("there is no room for the upload")]
    Full,
    /// It could not be written.
    #[error("the upload could not be written")]
    Unavailable(#[source] Cause),
}

/// Bytes that come in parts, of which only a few are in memory at a time.
#[derive(Debug)]
pub struct Parts {
    parts: mpsc::Receiver<Result<Vec<u8>, ReadError>>,
    /// What of the last part was not read yet.
    rest: io::Cursor<Vec<u8>>,
    /// Why they broke off.
    broken: Option<ReadError>,
}

/// Where parts come from. Dropped, it ends them.
#[derive(Debug, Clone)]
pub struct PartsSender(mpsc::Sender<Result<Vec<u8>, ReadError>>);

impl Parts {
    /// Makes an empty sequence, and what parts are put into it with.
    #[must_use]
    pub fn channel() -> (PartsSender, Self) {
        let (sender, parts) = mpsc::channel(PARTS_AHEAD);
        let parts = Self {
            parts,
            rest: io::Cursor::default(),
            broken: None,
        };
        (PartsSender(sender), parts)
    }

    /// Reads from a blocking reader, on a thread of its own.
    pub fn of(mut reader: impl Read + Send + 'static) -> Self {
        let (sender, parts) = Self::channel();
        tokio::task::spawn_blocking(move || {
            loop {
                let mut part = Vec::new();
                let limit = PART_BYTES_MAX as u64;
                let part = match reader.by_ref().take(limit).read_to_end(&mut part) {
                    Ok(0) => return,
                    Ok(_) => Ok(part),
                    Err(error) => Err(ReadError::Unavailable(error.into())),
                };
                let broken = part.is_err();
                // Who no longer listens has heard enough.
                if sender.0.blocking_send(part).is_err() || broken {
                    return;
                }
            }
        });
        parts
    }

    /// Returns the next part; nothing at the end.
    ///
    /// # Errors
    /// When they broke off.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, ReadError> {
        self.parts.recv().await.transpose()
    }

    /// As [`Parts::next`], on a thread of one's own.
    pub(crate) fn blocking_next(&mut self) -> Option<Result<Vec<u8>, ReadError>> {
        self.parts.blocking_recv()
    }

    /// Says why they broke off, of parts that were read as a [`Read`].
    pub fn broken(&mut self) -> Option<ReadError> {
        self.broken.take()
    }
}

impl PartsSender {
    /// Puts a part in, once there is room, and says whether anybody still listens.
    pub async fn send(&self, part: Result<Vec<u8>, ReadError>) -> bool {
        self.0.send(part).await.is_ok()
    }
}

/// Blocking: for a thread of one's own.
impl Read for Parts {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.rest.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            match self.parts.blocking_recv() {
                None => return Ok(0),
                Some(Ok(part)) => self.rest = io::Cursor::new(part),
                Some(Err(error)) => {
                    let said = io::Error::other(error.to_string());
                    self.broken = Some(error);
                    return Err(said);
                }
            }
        }
    }
}
