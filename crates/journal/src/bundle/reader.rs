use std::io::{self, BufRead, Read as _};

use sha2::{Digest as _, Sha256};

use crate::tree::Hash;

/// A line is never longer: room for the largest payload in base64.
const LINE_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Why there is no next line.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("the bundle cannot be read")]
    Unreadable(#[from] io::Error),
    #[error("the bundle ends without an `end` line")]
    Truncated,
    #[error("the line is over 8 MiB")]
    TooLong,
}

/// Reads the lines of a bundle one by one, and keeps count and hash of what it has read.
pub(crate) struct Reader<R> {
    input: R,
    line: Vec<u8>,
    /// Lines before the current one.
    before: u64,
    bytes: u64,
    hasher: Sha256,
}

impl<R: BufRead> Reader<R> {
    pub(crate) fn new(input: R) -> Self {
        Self {
            input,
            line: Vec::new(),
            before: 0,
            bytes: 0,
            hasher: Sha256::new(),
        }
    }

    /// Reads the next line, which [`Reader::line`] then gives.
    pub(crate) fn advance(&mut self) -> Result<(), ReadError> {
        if !self.line.is_empty() {
            self.hasher.update(super::sealed(&self.line));
            self.before += 1;
            self.line.clear();
        }
        let mut input = self.input.by_ref().take(LINE_BYTES_MAX);
        let read = input.read_until(b'\n', &mut self.line)?;
        self.bytes += read as u64;
        if self.line.ends_with(b"\n") {
            Ok(())
        } else if read as u64 == LINE_BYTES_MAX {
            Err(ReadError::TooLong)
        } else {
            Err(ReadError::Truncated)
        }
    }

    /// Returns the current line, without its line feed.
    pub(crate) fn line(&self) -> &[u8] {
        self.line.strip_suffix(b"\n").unwrap_or(&self.line)
    }

    /// Returns how many lines stand before the current one.
    pub(crate) const fn before(&self) -> u64 {
        self.before
    }

    /// Returns how many bytes were read.
    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Computes the hash of all lines before the current one.
    pub(crate) fn digest(&self) -> Hash {
        Hash(self.hasher.clone().finalize().into())
    }

    /// Says whether nothing stands after the current line.
    pub(crate) fn is_at_end(&mut self) -> io::Result<bool> {
        Ok(self.input.fill_buf()?.is_empty())
    }
}
