//! Canonical JSON (RFC 8785): one value, one encoding.
//!
//! Writing is left to a library. Reading is ours, because a verifier must refuse every other encoding of the same
//! value: [`check`] accepts exactly the canonical bytes of a value without floating-point numbers.

use serde::Serialize;

use crate::limits::{INTEGER_MAX, JSON_DEPTH_MAX};

/// Encodes a value as canonical JSON.
///
/// # Errors
/// When the value has no JSON form.
pub fn to_vec<T: Serialize>(value: &T) -> Result<Vec<u8>, serde_json::Error> {
    serde_json_canonicalizer::to_vec(value)
}

/// Encodes a value whose members are declared in canonical order and whose raw parts are canonical: fast, and checked.
///
/// # Errors
/// When the bytes would not be canonical, or are nested too deeply.
pub fn ordered_to_vec<T: Serialize>(value: &T) -> Result<Vec<u8>, serde_json::Error> {
    let bytes = serde_json::to_vec(value)?;
    check(&bytes).map_err(serde::ser::Error::custom)?;
    Ok(bytes)
}

/// Bytes that are not canonical JSON, or hold what Trailmark's format leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte `{at}`")]
pub struct NotCanonical {
    /// What is wrong.
    pub what: &'static str,
    /// Where, counted from 0.
    pub at: usize,
}

/// Checks that `bytes` are the canonical JSON of one value that has integers only and is nested at most
/// [`JSON_DEPTH_MAX`] deep.
///
/// # Errors
/// Names the first byte that is not as it must be.
pub fn check(bytes: &[u8]) -> Result<(), NotCanonical> {
    let mut reader = Reader { bytes, at: 0 };
    reader.value(0)?;
    if reader.at == bytes.len() {
        Ok(())
    } else {
        Err(reader.wrong("a byte after the value"))
    }
}

/// Checks as [`check`] does the value that `bytes` begin with, as one that is nested `depth` deep, and returns its length.
///
/// # Errors
/// Names the first byte that is not as it must be.
pub fn check_prefix(bytes: &[u8], depth: usize) -> Result<usize, NotCanonical> {
    let mut reader = Reader { bytes, at: 0 };
    reader.value(depth)?;
    Ok(reader.at)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn wrong(&self, what: &'static str) -> NotCanonical {
        NotCanonical { what, at: self.at }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn eat(&mut self, byte: u8, what: &'static str) -> Result<(), NotCanonical> {
        if self.peek() == Some(byte) {
            self.at += 1;
            Ok(())
        } else {
            Err(self.wrong(what))
        }
    }

    fn value(&mut self, depth: usize) -> Result<(), NotCanonical> {
        if depth > JSON_DEPTH_MAX {
            return Err(self.wrong("nesting over the limit"));
        }
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(drop),
            Some(b't') => self.literal(b"true"),
            Some(b'f') => self.literal(b"false"),
            Some(b'n') => self.literal(b"null"),
            _ => self.integer(),
        }
    }

    fn literal(&mut self, word: &[u8]) -> Result<(), NotCanonical> {
        if self
            .bytes
            .get(self.at..)
            .is_some_and(|rest| rest.starts_with(word))
        {
            self.at += word.len();
            Ok(())
        } else {
            Err(self.wrong("no value"))
        }
    }

    fn array(&mut self, depth: usize) -> Result<(), NotCanonical> {
        self.at += 1;
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.value(depth + 1)?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(self.wrong("neither `,` nor `]`")),
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<(), NotCanonical> {
        self.at += 1;
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        let mut before: Option<&'a [u8]> = None;
        loop {
            let start = self.at;
            let key = self.string()?;
            if before.is_some_and(|before| !stands_before(before, key)) {
                return Err(NotCanonical {
                    what: "a key that is repeated or out of order",
                    at: start,
                });
            }
            before = Some(key);
            self.eat(b':', "no `:` after a key")?;
            self.value(depth + 1)?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(self.wrong("neither `,` nor `}`")),
            }
        }
    }

    /// Reads a string and returns its bytes between the quotes, escapes as they stand.
    fn string(&mut self) -> Result<&'a [u8], NotCanonical> {
        self.eat(b'"', "no `\"`")?;
        let start = self.at;
        let mut ascii = true;
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            self.at += rest.iter().take_while(|byte| is_plain(**byte)).count();
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.escape()?,
                Some(0..0x20) | None => {
                    return Err(self.wrong("a raw control character or an open string"));
                }
                Some(_) => {
                    ascii = false;
                    self.at += 1;
                }
            }
        }
        let text = self.bytes.get(start..self.at).unwrap_or_default();
        if !ascii && std::str::from_utf8(text).is_err() {
            return Err(NotCanonical {
                what: "a string that is not UTF-8",
                at: start,
            });
        }
        self.at += 1;
        Ok(text)
    }

    /// Accepts the escapes that RFC 8785, section 3.2.2.2, prescribes, and no other.
    fn escape(&mut self) -> Result<(), NotCanonical> {
        let rest = self.bytes.get(self.at + 1..).unwrap_or_default();
        let length = match rest {
            [b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't', ..] => 2,
            [b'u', b'0', b'0', high @ (b'0' | b'1'), low, ..] if needs_hex_escape(*high, *low) => 6,
            _ => return Err(self.wrong("an escape that is not the canonical one")),
        };
        self.at += length;
        Ok(())
    }

    fn integer(&mut self) -> Result<(), NotCanonical> {
        let start = self.at;
        let negative = self.peek() == Some(b'-');
        self.at += usize::from(negative);
        let digits = self.at;
        let mut value = 0_u64;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            value = value
                .saturating_mul(10)
                .saturating_add(u64::from(digit - b'0'));
            self.at += 1;
        }
        let count = self.at - digits;
        let fault = if count == 0 {
            "no value"
        } else if (self.bytes.get(digits) == Some(&b'0') && count > 1) || (negative && value == 0) {
            "an integer in a second form"
        } else if value > INTEGER_MAX {
            "an integer above 2^53 - 1"
        } else if matches!(self.peek(), Some(b'.' | b'e' | b'E')) {
            "a number that is not an integer"
        } else {
            return Ok(());
        };
        Err(NotCanonical {
            what: fault,
            at: start,
        })
    }
}

/// Says whether a byte is an ASCII character that stands for itself in a string.
const fn is_plain(byte: u8) -> bool {
    matches!(byte, 0x20..0x80) && byte != b'"' && byte != b'\\'
}

/// Says whether `\u00<high><low>` is the canonical escape: a control character without a short escape.
fn needs_hex_escape(high: u8, low: u8) -> bool {
    let lower_hex = matches!(low, b'0'..=b'9' | b'a'..=b'f');
    let short = high == b'0' && matches!(low, b'8' | b'9' | b'a' | b'c' | b'd');
    lower_hex && !short
}

/// Orders keys by their UTF-16 code units (RFC 8785, section 3.2.3).
fn stands_before(left: &[u8], right: &[u8]) -> bool {
    let plain = |text: &[u8]| text.iter().all(|byte| byte.is_ascii() && *byte != b'\\');
    if plain(left) && plain(right) {
        return left < right;
    }
    match (utf16(left), utf16(right)) {
        (Some(left), Some(right)) => left < right,
        _ => false,
    }
}

fn utf16(raw: &[u8]) -> Option<Vec<u16>> {
    let quoted = [b"\"", raw, b"\""].concat();
    let text: String = serde_json::from_slice(&quoted).ok()?;
    Some(text.encode_utf16().collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn the_example_of_rfc_8785_section_3_2_4_is_encoded_to_its_bytes() {
        let input = r#"{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}"#;
        let value: Value = serde_json::from_str(input).unwrap();
        let hexadecimal = "7b226c69746572616c73223a5b6e756c6c2c747275652c66616c73655d2c226e756d62657273223a5b3333333333333333332e333333333333332c31652b33302c342e352c302e3030322c31652d32375d2c22737472696e67223a22e282ac245c75303030665c6e4127425c225c5c5c5c5c222f227d";
        assert_eq!(hex::encode(to_vec(&value).unwrap()), hexadecimal);
    }

    #[test]
    fn the_sorting_example_of_rfc_8785_section_3_2_3_is_ordered_by_utf_16() {
        let value = json!({"\u{20ac}": "Euro Sign", "\r": "Carriage Return", "\u{fb33}": "Hebrew Letter Dalet With Dagesh",
            "1": "One", "\u{1f600}": "Emoji: Grinning Face", "\u{80}": "Control", "\u{f6}": "Latin Small Letter O With Diaeresis"});
        let bytes = to_vec(&value).unwrap();
        let order = [
            "Carriage", "One", "Control", "Latin", "Euro", "Emoji", "Hebrew",
        ];
        let text = String::from_utf8(bytes.clone()).unwrap();
        let places: Vec<_> = order.iter().map(|word| text.find(word).unwrap()).collect();
        assert!(places.is_sorted(), "{text}");
        check(&bytes).unwrap();
    }

    #[test]
    fn raw_json_inside_a_value_is_kept_as_it_stands() {
        #[derive(Serialize)]
        struct Outer {
            raw: Box<serde_json::value::RawValue>,
            z: u8,
        }
        let raw = serde_json::value::RawValue::from_string(r#"{"a":[1,"x"]}"#.to_owned()).unwrap();
        assert_eq!(
            ordered_to_vec(&Outer { raw, z: 1 }).unwrap(),
            br#"{"raw":{"a":[1,"x"]},"z":1}"#
        );
    }

    #[test]
    fn every_second_encoding_is_refused() {
        let deep = "[".repeat(10_000);
        let bad: &[&[u8]] = &[
            b"",
            b" 1",
            b"1 ",
            b"{\"a\": 1}",
            b"{\"b\":1,\"a\":2}",
            b"{\"a\":1,\"a\":1}",
            b"01",
            b"-0",
            b"1.0",
            b"1e3",
            b"+1",
            b"-",
            b"9007199254740992",
            b"\"\\u0041\"",
            b"\"\\/\"",
            b"\"\\u000A\"",
            b"\"\\u000a\"",
            b"\"\\u001F\"",
            b"\"\n\"",
            b"\"\xff\"",
            b"\"a",
            b"[1,]",
            b"{\"a\":1,}",
            b"[1 ,2]",
            b"tru",
            b"nullx",
            b"{1:2}",
            b"\"\\ud83d\\ude00\"",
            deep.as_bytes(),
        ];
        for bytes in bad {
            assert!(check(bytes).is_err(), "accepted `{}`", bytes.escape_ascii());
        }
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-9_007_199_254_740_991_i64..=9_007_199_254_740_991).prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|map| map.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_accepted_and_reads_back(value in any_value()) {
            let bytes = to_vec(&value).unwrap();
            prop_assert_eq!(check(&bytes), Ok(()));
            prop_assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), value);
        }

        #[test]
        fn whatever_is_accepted_is_what_would_be_written(bytes in prop::collection::vec(prop::sample::select(b"{}[]\",:\\u0019aftruen-e. ".to_vec()), 0..24)) {
            if check(&bytes).is_ok() {
                let value: Value = serde_json::from_slice(&bytes).unwrap();
                prop_assert_eq!(to_vec(&value).unwrap(), bytes);
            }
        }
    }
}
