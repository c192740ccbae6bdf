//! Reading an upload once: its digests, and its facts.

use std::io::{self, Read};

use evidence::Extracted;
use model::limits::PAYLOAD_BYTES_MAX;
use model::{PayloadDigest, PersonId, Salt};
use sha2::{Digest as _, Sha256};
use store::bulk::{Parts, Upload};

use super::UploadError;
use crate::error::RecorderError;

/// An upload as it is read: its digests are computed on the way to whoever reads it.
pub(super) struct Reading {
    parts: Parts,
    upload: Upload,
    plain: Sha256,
    salted: Sha256,
    size: u64,
}

/// What was read of an upload.
pub(super) struct Contents {
    pub(super) extracted: Extracted,
    pub(super) digest: PayloadDigest,
    /// Its bytes, of one that could have come in a request.
    pub(super) whole: Option<Vec<u8>>,
}

impl Reading {
    pub(super) fn new(parts: Parts, upload: Upload, salt: &Salt) -> Self {
        Self {
            parts,
            upload,
            plain: Sha256::new(),
            salted: Sha256::new_with_prefix(salt),
            size: 0,
        }
    }

    /// Reads facts, and then what is left, on a thread of its own.
    pub(super) fn read(
        mut self,
        attestation_type: &str,
        people: &dyn Fn(&str) -> Option<PersonId>,
    ) -> Result<Contents, RecorderError> {
        let mut whole = None;
        let extracted = if self.upload.size <= PAYLOAD_BYTES_MAX as u64 {
            let mut bytes = Vec::new();
            let read = self.read_to_end(&mut bytes);
            let read = read.map_err(evidence::EvidenceError::Unreadable);
            let extracted = read.and_then(|_| evidence::extract(attestation_type, &bytes, &people));
            whole = Some(bytes);
            extracted
        } else {
            evidence::extract_stream(attestation_type, &mut self, &people)
        };
        if let Some(broken) = self.parts.broken() {
            return Err(broken.into());
        }
        let complete = self.size == self.upload.size;
        if complete && self.upload.sha256 != <[u8; 32]>::from(self.plain.finalize()) {
            return Err(UploadError::Differs.into());
        }
        let extracted = extracted?;
        if !complete {
            return Err(UploadError::Differs.into());
        }
        Ok(Contents {
            extracted,
            digest: PayloadDigest(self.salted.finalize().into()),
            whole,
        })
    }
}

impl Read for Reading {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.parts.read(buffer)?;
        let bytes = buffer.get(..read).unwrap_or_default();
        self.plain.update(bytes);
        self.salted.update(bytes);
        self.size += read as u64;
        if self.size > self.upload.size {
            return Err(io::Error::other("there is more than was announced"));
        }
        Ok(read)
    }
}
