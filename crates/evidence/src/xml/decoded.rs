//! The text of a document as it comes: decoded part by part, with as much in memory as one tag or text needs.

use std::io::{self, BufRead, Read};

use encoding_rs::{Decoder, DecoderResult, Encoding};

use super::{Text, XmlError, encoding_of};
use crate::limits::TEXT_IN_REPORT_BYTES_MAX;

/// Bytes that are decoded at once.
const RAW_BYTES: usize = 64 * 1024;
/// Each byte becomes at most three of UTF-8.
const TEXT_BYTES: usize = 3 * RAW_BYTES + 16;

/// Bytes in any encoding, read as UTF-8.
pub(crate) struct Decoded<'a> {
    raw: &'a mut dyn Read,
    encoding: &'static Encoding,
    decoder: Decoder,
    /// What was read and not decoded yet.
    waiting: Vec<u8>,
    text: Vec<u8>,
    /// How far the text was taken.
    taken: usize,
    /// How much was taken since the last tag or text began.
    since_begin: usize,
    ended: bool,
}

impl<'a> Decoded<'a> {
    /// Finds out the encoding from the first bytes.
    pub(crate) fn new(raw: &'a mut dyn Read) -> Result<Self, XmlError> {
        let mut waiting = Vec::with_capacity(RAW_BYTES);
        (&mut *raw)
            .take(RAW_BYTES as u64)
            .read_to_end(&mut waiting)
            .map_err(XmlError::Unreadable)?;
        let (encoding, mark_bytes) = encoding_of(&waiting)?;
        waiting.drain(..mark_bytes);
        Ok(Self {
            raw,
            encoding,
            decoder: encoding.new_decoder_without_bom_handling(),
            waiting,
            text: Vec::new(),
            taken: 0,
            since_begin: 0,
            ended: false,
        })
    }

    /// Decodes more, until there is some text or none is left.
    fn decode(&mut self) -> io::Result<()> {
        self.taken = 0;
        self.text.clear();
        while self.text.is_empty() && !self.ended {
            if self.waiting.is_empty() {
                let raw = &mut *self.raw;
                raw.take(RAW_BYTES as u64).read_to_end(&mut self.waiting)?;
            }
            self.ended = self.waiting.is_empty();
            self.text.resize(TEXT_BYTES, 0);
            let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(
                &self.waiting,
                &mut self.text,
                self.ended,
            );
            self.text.truncate(written);
            self.waiting.drain(..read);
            if let DecoderResult::Malformed(..) = result {
                let encoding = self.encoding.name();
                return Err(io::Error::other(XmlError::Encoding { encoding }));
            }
        }
        Ok(())
    }
}

impl Text for Decoded<'_> {
    fn begin(&mut self) {
        self.since_begin = 0;
    }
}

impl Read for Decoded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

impl BufRead for Decoded<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.taken == self.text.len() {
            self.decode()?;
        }
        if self.since_begin > TEXT_IN_REPORT_BYTES_MAX {
            return Err(io::Error::other(XmlError::TextTooLong));
        }
        Ok(self.text.get(self.taken..).unwrap_or_default())
    }

    fn consume(&mut self, bytes: usize) {
        self.taken = self.text.len().min(self.taken + bytes);
        self.since_begin = self.since_begin.saturating_add(bytes);
    }
}

/// Takes out of an error what stopped the reading here.
pub(super) fn fault(error: &io::Error) -> Option<XmlError> {
    match error.get_ref()?.downcast_ref()? {
        XmlError::Encoding { encoding } => Some(XmlError::Encoding { encoding }),
        XmlError::TextTooLong => Some(XmlError::TextTooLong),
        _ => None,
    }
}
