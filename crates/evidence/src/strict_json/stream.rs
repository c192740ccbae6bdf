//! Strictness for JSON that is read as it comes: what [`super::from_slice`] looks for in passes of its own is found on
//! the way to the parser.

use std::collections::HashSet;
use std::io::{self, Read};

use model::limits::JSON_DEPTH_MAX;

use super::JsonError;
use crate::limits::{KEYS_BYTES_MAX, TEXT_IN_REPORT_BYTES_MAX};
use crate::text::shown;

/// What a key that is held takes beside its bytes.
const KEY_FRAME_BYTES: usize = 32;

/// Passes JSON on, until something stands in it that is refused.
pub(super) struct Strict<R> {
    raw: R,
    open: Vec<Open>,
    /// The string that has begun.
    string: Option<Text>,
    /// Bytes of all keys that are held.
    held: usize,
    at: usize,
    line: usize,
    column: usize,
    /// Why no more is passed on.
    pub(super) fault: Option<JsonError>,
}

/// An object or a list that is open.
struct Open {
    /// The keys of an object so far.
    keys: Option<HashSet<Box<[u8]>>>,
    key_next: bool,
    held: usize,
}

#[derive(Default)]
struct Text {
    /// Its bytes, where it is a key.
    key: Option<Vec<u8>>,
    bytes: usize,
    escaped: bool,
}

impl<R> Strict<R> {
    pub(super) const fn new(raw: R) -> Self {
        Self {
            raw,
            open: Vec::new(),
            string: None,
            held: 0,
            at: 0,
            line: 1,
            column: 0,
            fault: None,
        }
    }

    fn byte(&mut self, byte: u8) -> Result<(), JsonError> {
        if byte == b'\n' {
            (self.line, self.column) = (self.line + 1, 0);
        } else {
            self.column += 1;
        }
        if let Some(text) = &mut self.string {
            text.bytes += 1;
            if text.bytes > TEXT_IN_REPORT_BYTES_MAX {
                return Err(self.too_long());
            }
            if byte == b'"' && !text.escaped {
                let key = text.key.take();
                self.string = None;
                return key.map_or(Ok(()), |key| self.key(key));
            }
            text.escaped = byte == b'\\' && !text.escaped;
            text.key.as_mut().into_iter().for_each(|key| key.push(byte));
            return Ok(());
        }
        match byte {
            b'"' => {
                let is_key = self.open.last().is_some_and(|open| open.key_next);
                self.string = Some(Text {
                    key: is_key.then(Vec::new),
                    ..Text::default()
                });
            }
            b'{' => return self.open(Some(HashSet::new())),
            b'[' => return self.open(None),
            b'}' | b']' => {
                let closed = self.open.pop();
                self.held -= closed.map_or(0, |closed| closed.held);
            }
            b',' => {
                if let Some(open) = self.open.last_mut() {
                    open.key_next = open.keys.is_some();
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn open(&mut self, keys: Option<HashSet<Box<[u8]>>>) -> Result<(), JsonError> {
        if self.open.len() == JSON_DEPTH_MAX {
            return Err(JsonError::TooDeep { at: self.at });
        }
        self.open.push(Open {
            key_next: keys.is_some(),
            keys,
            held: 0,
        });
        Ok(())
    }

    /// Keys are compared as they read, not as they are escaped; what is no string is for the parser to refuse.
    fn key(&mut self, raw: Vec<u8>) -> Result<(), JsonError> {
        let key = if raw.contains(&b'\\') {
            let quoted = [b"\"", raw.as_slice(), b"\""].concat();
            let read = serde_json::from_slice::<String>(&quoted);
            read.map_or(raw, String::into_bytes)
        } else {
            raw
        };
        let (line, column) = (self.line, self.column);
        let Some(open) = self.open.last_mut() else {
            return Ok(());
        };
        open.key_next = false;
        let held = key.len() + KEY_FRAME_BYTES;
        let keys = open.keys.get_or_insert_default();
        if keys.contains(key.as_slice()) {
            return Err(JsonError::KeyTwice {
                key: shown(&String::from_utf8_lossy(&key)),
                line,
                column,
            });
        }
        keys.insert(key.into());
        open.held += held;
        self.held += held;
        if self.held > KEYS_BYTES_MAX {
            return Err(self.too_long());
        }
        Ok(())
    }

    const fn too_long(&self) -> JsonError {
        JsonError::TooLong {
            line: self.line,
            column: self.column,
        }
    }
}

impl<R: Read> Read for Strict<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.raw.read(buffer)?;
        for byte in buffer.iter().take(read) {
            if let Err(fault) = self.byte(*byte) {
                let said = io::Error::other(fault.to_string());
                self.fault = Some(fault);
                return Err(said);
            }
            self.at += 1;
        }
        Ok(read)
    }
}
