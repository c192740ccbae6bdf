//! Reads the host's JSON into values.
//!
//! The dossier is the larger part of an evaluation's work. It comes as canonical JSON (RFC 8785: no white space, keys
//! sorted), with integers only and few escapes, which is much quicker to read than any JSON. What is not of that kind
//! is left to the general reader, so that the result is always the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use regorus::Value;

/// Nesting beyond which the general reader may say no.
const DEPTH_MAX: usize = 64;

/// Reads a text; what cannot be read is an error with the general reader's words.
pub fn read(text: &str) -> Result<Value, String> {
    let mut reader = Reader {
        text,
        at: 0,
        keys: BTreeMap::new(),
    };
    match reader.value(0) {
        Some(value) if reader.at == text.len() => Ok(value),
        _ => Value::from_json_str(text).map_err(|error| error.to_string()),
    }
}

/// Reads what is canonical and plain; `None` is for everything else.
struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// The keys seen so far: a dossier has few, and each of them many times.
    keys: BTreeMap<&'a str, Value>,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Consumes a byte if it is the next one.
    fn eat(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > DEPTH_MAX {
            return None;
        }
        match self.peek()? {
            b'"' => self.string().map(Value::from),
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b't' => self.word("true", Value::Bool(true)),
            b'f' => self.word("false", Value::Bool(false)),
            b'n' => self.word("null", Value::Null),
            _ => self.integer(),
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Option<Value> {
        let there = self.text.get(self.at..)?.starts_with(word);
        self.at += word.len();
        there.then_some(value)
    }

    fn object(&mut self, depth: usize) -> Option<Value> {
        self.at += 1;
        let mut fields = Vec::new();
        if !self.eat(b'}') {
            loop {
                let key = self.string()?;
                let key = self
                    .keys
                    .entry(key)
                    .or_insert_with(|| Value::from(key))
                    .clone();
                if !self.eat(b':') {
                    return None;
                }
                fields.push((key, self.value(depth + 1)?));
                if !self.eat(b',') {
                    break;
                }
            }
            if !self.eat(b'}') {
                return None;
            }
        }
        // Sorted as they are, the fields make a tree at once; one by one they would be sorted in.
        let fields: BTreeMap<Value, Value> = fields.into_iter().collect();
        Some(Value::Object(Arc::new(fields.into())))
    }

    fn array(&mut self, depth: usize) -> Option<Value> {
        self.at += 1;
        let mut items = Vec::new();
        if !self.eat(b']') {
            loop {
                items.push(self.value(depth + 1)?);
                if !self.eat(b',') {
                    break;
                }
            }
            if !self.eat(b']') {
                return None;
            }
        }
        Some(Value::Array(Arc::new(items.into())))
    }

    /// Reads a string without escapes.
    fn string(&mut self) -> Option<&'a str> {
        if !self.eat(b'"') {
            return None;
        }
        let rest = self.text.get(self.at..)?;
        let end = rest
            .bytes()
            .position(|byte| byte == b'"' || byte == b'\\' || byte < b' ')?;
        self.at += end;
        if self.eat(b'"') {
            rest.get(..end)
        } else {
            None
        }
    }

    /// Reads an integer that a double holds exactly, in its one form.
    fn integer(&mut self) -> Option<Value> {
        let start = self.at;
        self.eat(b'-');
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        let digits = self.text.get(start..self.at)?;
        let plain = digits.len() <= 16
            && !digits.starts_with("-0")
            && (digits == "0" || !digits.starts_with('0'));
        if !plain || matches!(self.peek(), Some(b'.' | b'e' | b'E')) {
            return None;
        }
        digits.parse::<i64>().ok().map(Value::from)
    }
}
