//! Writes JSON as the flat documents of `wit/policy.wit`: made once per decision, copied into each instance.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::bindings::engine::Document;

/// Nesting beyond which a text goes to the engine as it is, whose reader then says no.
const DEPTH_MAX: usize = 100;
/// The largest number that a word holds beside what it is.
const N_MAX: u32 = u32::MAX >> 3;

/// What a word of the tree is.
#[derive(Clone, Copy)]
enum Kind {
    Constant,
    Integer,
    WideInteger,
    String,
    Array,
    Object,
    Number,
}

/// Encodes a text. What is not canonical JSON (RFC 8785) with keys in the order of their bytes stays a text, which the
/// engine reads more slowly and to the same end.
pub(crate) fn encode(json: &str) -> Document {
    let mut encoder = Encoder::new(json);
    let encoded = encoder.value(0).filter(|()| encoder.at == json.len());
    match encoded.and_then(|()| encoder.finish()) {
        Some(document) => document,
        None => Document {
            text: json.to_owned(),
            words: Vec::new(),
        },
    }
}

struct Encoder<'a> {
    json: &'a str,
    at: usize,
    text: String,
    /// The bytes of each distinct string.
    lengths: Vec<u32>,
    /// What stands between quotation marks, and which string that is.
    strings: HashMap<&'a str, u32, RandomState>,
    /// What is written as a number in JSON, and which string that is.
    numbers: HashMap<&'a str, u32, RandomState>,
    shapes: HashMap<Vec<u32>, u32, RandomState>,
    /// For each shape how many keys, and the keys.
    shape_words: Vec<u32>,
    /// The keys of the objects that are not complete yet.
    keys: Vec<u32>,
    tree: Vec<u32>,
}

impl<'a> Encoder<'a> {
    fn new(json: &'a str) -> Self {
        Self {
            json,
            at: 0,
            text: String::with_capacity(json.len() / 2),
            lengths: Vec::new(),
            strings: HashMap::default(),
            numbers: HashMap::default(),
            shapes: HashMap::default(),
            shape_words: Vec::new(),
            keys: Vec::new(),
            tree: Vec::with_capacity(json.len() / 8),
        }
    }

    fn finish(self) -> Option<Document> {
        let mut words =
            Vec::with_capacity(2 + self.lengths.len() + self.shape_words.len() + self.tree.len());
        words.push(u32::try_from(self.lengths.len()).ok()?);
        words.extend(self.lengths);
        words.push(u32::try_from(self.shapes.len()).ok()?);
        words.extend(self.shape_words);
        words.extend(self.tree);
        Some(Document {
            text: self.text,
            words,
        })
    }

    fn peek(&self) -> Option<u8> {
        self.json.as_bytes().get(self.at).copied()
    }

    /// Consumes a byte if it is the next one.
    fn eat(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn push(&mut self, kind: Kind, n: u32) -> Option<()> {
        self.tree.push(word(kind, n)?);
        Some(())
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        if depth > DEPTH_MAX {
            return None;
        }
        match self.peek()? {
            b'"' => {
                let string = self.string()?;
                self.push(Kind::String, string)
            }
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'n' => self.constant("null", 0),
            b'f' => self.constant("false", 1),
            b't' => self.constant("true", 2),
            _ => self.number(),
        }
    }

    fn constant(&mut self, name: &str, n: u32) -> Option<()> {
        self.json.get(self.at..)?.starts_with(name).then_some(())?;
        self.at += name.len();
        self.push(Kind::Constant, n)
    }

    fn object(&mut self, depth: usize) -> Option<()> {
        let place = self.tree.len();
        let first_key = self.keys.len();
        self.push(Kind::Object, 0)?;
        self.eat(b'{')?;
        if self.eat(b'}').is_none() {
            let mut last = "";
            loop {
                let start = self.at;
                let key = self.string()?;
                let raw = self.json.get(start..self.at)?;
                // With an escape in it, the order of what is written says nothing.
                if raw.contains('\\') || (self.keys.len() > first_key && raw <= last) {
                    return None;
                }
                last = raw;
                self.keys.push(key);
                self.eat(b':')?;
                self.value(depth + 1)?;
                if self.eat(b',').is_none() {
                    break;
                }
            }
            self.eat(b'}')?;
        }
        let shape = self.shape(first_key)?;
        *self.tree.get_mut(place)? = word(Kind::Object, shape)?;
        Some(())
    }

    /// Finds or makes the shape whose keys are the last ones.
    fn shape(&mut self, first_key: usize) -> Option<u32> {
        let keys = self.keys.get(first_key..)?;
        let shape = match self.shapes.get(keys) {
            Some(shape) => *shape,
            None => {
                let shape = u32::try_from(self.shapes.len()).ok()?;
                self.shape_words.push(u32::try_from(keys.len()).ok()?);
                self.shape_words.extend_from_slice(keys);
                self.shapes.insert(keys.to_vec(), shape);
                shape
            }
        };
        self.keys.truncate(first_key);
        Some(shape)
    }

    fn array(&mut self, depth: usize) -> Option<()> {
        let place = self.tree.len();
        self.push(Kind::Array, 0)?;
        self.eat(b'[')?;
        let mut count = 0;
        if self.eat(b']').is_none() {
            loop {
                self.value(depth + 1)?;
                count += 1;
                if self.eat(b',').is_none() {
                    break;
                }
            }
            self.eat(b']')?;
        }
        *self.tree.get_mut(place)? = word(Kind::Array, count)?;
        Some(())
    }

    /// Reads a string and returns its number.
    fn string(&mut self) -> Option<u32> {
        self.eat(b'"')?;
        let start = self.at;
        let mut escaped = false;
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => {
                    escaped = true;
                    self.at += 2;
                }
                0..b' ' => return None,
                _ => self.at += 1,
            }
        }
        let raw = self.json.get(start..self.at)?;
        self.at += 1;
        if let Some(string) = self.strings.get(raw) {
            return Some(*string);
        }
        let string = if escaped {
            let quoted = self.json.get(start - 1..self.at)?;
            self.add(&serde_json::from_str::<String>(quoted).ok()?)?
        } else {
            self.add(raw)?
        };
        self.strings.insert(raw, string);
        Some(string)
    }

    fn add(&mut self, string: &str) -> Option<u32> {
        let number = u32::try_from(self.lengths.len()).ok()?;
        self.lengths.push(u32::try_from(string.len()).ok()?);
        self.text.push_str(string);
        Some(number)
    }

    fn number(&mut self) -> Option<()> {
        let start = self.at;
        let of_number = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        let rest = self.json.as_bytes().get(start..)?;
        self.at += rest.iter().take_while(|byte| of_number(byte)).count();
        let raw = self.json.get(start..self.at)?;
        if let Some(integer) = integer(raw) {
            return self.integer(integer);
        }
        // Whatever JSON does not write so is no number.
        serde_json::from_str::<serde_json::Number>(raw).ok()?;
        let string = match self.numbers.get(raw) {
            Some(string) => *string,
            None => {
                let string = self.add(raw)?;
                self.numbers.insert(raw, string);
                string
            }
        };
        self.push(Kind::Number, string)
    }

    fn integer(&mut self, integer: i64) -> Option<()> {
        match u32::try_from(integer) {
            Ok(n) if n <= N_MAX => self.push(Kind::Integer, n),
            _ => {
                self.push(Kind::WideInteger, 0)?;
                let [a, b, c, d, e, f, g, h] = integer.to_le_bytes();
                self.tree.push(u32::from_le_bytes([a, b, c, d]));
                self.tree.push(u32::from_le_bytes([e, f, g, h]));
                Some(())
            }
        }
    }
}

/// Reads an integer of 64 bits in its one form.
fn integer(raw: &str) -> Option<i64> {
    let digits = raw.strip_prefix('-').unwrap_or(raw);
    let one_form = raw == "0" || digits.starts_with(|first| matches!(first, '1'..='9'));
    if one_form { raw.parse().ok() } else { None }
}

/// Puts what a word is beside its number.
fn word(kind: Kind, n: u32) -> Option<u32> {
    let kind = match kind {
        Kind::Constant => 0,
        Kind::Integer => 1,
        Kind::WideInteger => 2,
        Kind::String => 3,
        Kind::Array => 4,
        Kind::Object => 5,
        Kind::Number => 6,
    };
    (n <= N_MAX).then_some(n << 3 | kind)
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value};

    use super::*;

    /// Reads a document as `wit/policy.wit` says it is written.
    fn read(document: &Document) -> Value {
        let mut words = document.words.iter().copied();
        let mut text = document.text.as_str();
        let count = words.next().unwrap();
        let strings: Vec<&str> = (0..count)
            .map(|_| {
                let (string, rest) = text.split_at(words.next().unwrap() as usize);
                text = rest;
                string
            })
            .collect();
        assert_eq!(text, "");
        let count = words.next().unwrap();
        let shapes: Vec<Vec<&str>> = (0..count)
            .map(|_| {
                let keys = words.next().unwrap();
                (0..keys)
                    .map(|_| strings[words.next().unwrap() as usize])
                    .collect()
            })
            .collect();
        let value = value(&mut words, &strings, &shapes);
        assert_eq!(words.next(), None);
        value
    }

    fn value(
        words: &mut impl Iterator<Item = u32>,
        strings: &[&str],
        shapes: &[Vec<&str>],
    ) -> Value {
        let word = words.next().unwrap();
        let n = word >> 3;
        match word & 7 {
            0 => [Value::Null, false.into(), true.into()][n as usize].clone(),
            1 => n.into(),
            2 => {
                let low = u64::from(words.next().unwrap());
                let high = u64::from(words.next().unwrap());
                (high << 32 | low).cast_signed().into()
            }
            3 => strings[n as usize].into(),
            4 => (0..n).map(|_| value(words, strings, shapes)).collect(),
            5 => {
                let fields = shapes[n as usize].iter();
                let fields: Map<String, Value> = fields
                    .map(|key| ((*key).to_owned(), value(words, strings, shapes)))
                    .collect();
                fields.into()
            }
            6 => serde_json::from_str(strings[n as usize]).unwrap(),
            _ => panic!("there is no such kind"),
        }
    }

    #[test]
    fn a_document_says_what_the_text_says() {
        for json in [
            "{}",
            "[]",
            "null",
            r#"{"a":{"b":[]},"b":[true,false,null,"a","b"],"c":""}"#,
            r#"[{"a":1,"b":2},{"a":3,"b":4},{"b":5},{}]"#,
            r#"[0,1,-1,536870911,536870912,9007199254740993,-9223372036854775808,9223372036854775807]"#,
            r#"[1.5,1e+21,-0.25,9223372036854775808,1.5]"#,
            r#"["\"\\\n\u001f","ä€𐍈","\u00e4"]"#,
        ] {
            let document = encode(json);
            let value: Value = serde_json::from_str(json).unwrap();
            assert_eq!(read(&document), value, "{json}");
        }
    }

    #[test]
    fn a_string_and_a_shape_are_written_once() {
        let document = encode(r#"[{"a":"b","b":"a"},{"a":"a","b":"b"}]"#);
        assert_eq!(document.text, "ab");
        let (string, object) = (3, 5);
        let objects = [
            object,
            1 << 3 | string,
            string,
            object,
            string,
            1 << 3 | string,
        ];
        let head = [2, 1, 1, 1, 2, 0, 1, 2 << 3 | 4];
        assert_eq!(document.words, [&head[..], &objects].concat());
    }

    #[test]
    fn what_is_not_canonical_stays_a_text() {
        let deep = "[".repeat(200) + &"]".repeat(200);
        for json in [
            "",
            "{",
            "[1,]",
            "[1, 2]",
            "nul",
            "{}{}",
            r#"{"b":1,"a":2}"#,
            r#"{"a":1,"a":2}"#,
            r#"{"\u0061":1}"#,
            r#"{"a"}"#,
            "\"\n\"",
            r#""\x""#,
            r#"""#,
            "01",
            "-",
            "1.",
            deep.as_str(),
        ] {
            let document = encode(json);
            assert_eq!((document.text.as_str(), document.words.len()), (json, 0));
        }
    }
}
