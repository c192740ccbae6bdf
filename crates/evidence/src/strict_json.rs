//! JSON from outside, read strictly: one value, every key once, nested at most [`JSON_DEPTH_MAX`] deep.
//!
//! Readers differ on which of two equal keys counts, so a text with both means different things to different people;
//! and deep nesting overflows the stack of whoever reads recursively. Both are refused before the value is built.

mod stream;

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;
use std::io::{BufReader, Read};
use std::marker::PhantomData;

use model::limits::JSON_DEPTH_MAX;
use serde::Deserialize;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor,
};
use serde_json::error::Category;

use self::stream::Strict;
use crate::limits::TEXT_IN_REPORT_BYTES_MAX;
use crate::text::shown;

/// Not JSON, but common tools write one, and RFC 8259, section 8.1, lets readers ignore it.
pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Bytes that are not the JSON that was expected.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// Arrays and objects are nested too deep.
    #[error("the JSON is nested deeper than {JSON_DEPTH_MAX} levels at byte `{at}`")]
    TooDeep {
        /// Where the level too many begins, counted from 0.
        at: usize,
    },
    /// An object names a key twice.
    #[error(
        "the JSON names the key `{key}` twice in one object, at line `{line}`, column `{column}`"
    )]
    KeyTwice {
        /// The key, shortened and with control characters escaped.
        key: String,
        /// The line, counted from 1.
        line: usize,
        /// The column, counted from 1.
        column: usize,
    },
    /// A string, or the keys of objects, are too long to be held.
    #[error(
        "the JSON has a string or keys of more than {TEXT_IN_REPORT_BYTES_MAX} bytes, at line `{line}`, column `{column}`"
    )]
    TooLong {
        /// The line, counted from 1.
        line: usize,
        /// The column, counted from 1.
        column: usize,
    },
    /// The bytes are not one JSON value.
    #[error("the bytes are not valid JSON, at line `{line}`, column `{column}`")]
    Syntax {
        /// The line, counted from 1.
        line: usize,
        /// The column, counted from 1.
        column: usize,
        /// What is wrong there.
        #[source]
        source: serde_json::Error,
    },
    /// The value is not of the expected form.
    #[error("the JSON is not of the expected form, at line `{line}`, column `{column}`")]
    Form {
        /// The line, counted from 1.
        line: usize,
        /// The column, counted from 1.
        column: usize,
        /// What was expected.
        #[source]
        source: serde_json::Error,
    },
}

/// Reads a value from bytes that hold it and nothing else.
///
/// # Errors
/// When the bytes are not one JSON value, name a key twice anywhere, are nested too deep, or are not of the form of `T`.
pub fn from_slice<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, JsonError> {
    check_depth(bytes)?;
    check_keys(bytes)?;
    serde_json::from_slice(bytes).map_err(at_fault)
}

/// Reads a value as [`from_slice`] does, as it comes: nothing is held but what `T` holds, keys, and one string.
///
/// A byte order mark before it is passed over.
///
/// # Errors
/// As [`from_slice`], and when a string or the keys are too long to be held.
pub(crate) fn from_reader<T: DeserializeOwned>(raw: &mut dyn Read) -> Result<T, JsonError> {
    let mut start = Vec::new();
    // Whatever goes wrong here goes wrong below again.
    drop(
        (&mut *raw)
            .take(BYTE_ORDER_MARK.len() as u64)
            .read_to_end(&mut start),
    );
    let start = start.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&start);
    let mut strict = Strict::new(start.chain(raw));
    let read = {
        let mut reader = serde_json::Deserializer::from_reader(BufReader::new(&mut strict));
        T::deserialize(&mut reader).and_then(|value| reader.end().map(|()| value))
    };
    match strict.fault.take() {
        Some(fault) => Err(fault),
        None => read.map_err(at_fault),
    }
}

/// Finds nesting over the limit without recursion. Text that is not JSON passes; the parser meets it next.
fn check_depth(bytes: &[u8]) -> Result<(), JsonError> {
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > JSON_DEPTH_MAX {
            return Err(JsonError::TooDeep { at });
        }
    }
    Ok(())
}

/// Finds a key that stands twice in one object; keys are compared as they read, not as they are escaped.
fn check_keys(bytes: &[u8]) -> Result<(), JsonError> {
    let repeated = RefCell::new(None);
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let read = UniqueKeys {
        repeated: &repeated,
    }
    .deserialize(&mut reader)
    .and_then(|()| reader.end());
    read.map_err(|source| match repeated.take() {
        Some(key) => JsonError::KeyTwice {
            key,
            line: source.line(),
            column: source.column(),
        },
        None => at_fault(source),
    })
}

fn at_fault(source: serde_json::Error) -> JsonError {
    let (line, column) = (source.line(), source.column());
    match source.classify() {
        Category::Data => JsonError::Form {
            line,
            column,
            source,
        },
        Category::Syntax | Category::Eof | Category::Io => JsonError::Syntax {
            line,
            column,
            source,
        },
    }
}

/// Reads any value and keeps nothing of it but, when there is one, the first repeated key.
#[derive(Clone, Copy)]
struct UniqueKeys<'a> {
    repeated: &'a RefCell<Option<String>>,
}

impl<'de> DeserializeSeed<'de> for UniqueKeys<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for UniqueKeys<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(Key(key)) = members.next_key()? {
            if seen.contains(&key) {
                self.repeated.replace(Some(shown(&key)));
                return Err(A::Error::custom("a key stands twice"));
            }
            seen.insert(key);
            members.next_value_seed(self)?;
        }
        Ok(())
    }
}

/// A key, borrowed where it has no escapes.
struct Key<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a key")
            }

            fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(key)))
            }

            fn visit_str<E>(self, key: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(key.to_owned())))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}

/// Reads a list item by item, of which none is kept.
pub(crate) fn each<'de, T, D>(deserializer: D, take: impl FnMut(T)) -> Result<(), D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    struct Each<F, T>(F, PhantomData<T>);
    impl<'de, T: Deserialize<'de>, F: FnMut(T)> Visitor<'de> for Each<F, T> {
        type Value = ();

        fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            out.write_str("a list")
        }

        fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
            while let Some(item) = items.next_element()? {
                (self.0)(item);
            }
            Ok(())
        }
    }
    deserializer.deserialize_seq(Each(take, PhantomData))
}

/// Reads a list of at most `MAX` items, so that a small text cannot become a large value.
pub(crate) fn at_most<'de, const MAX: usize, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    struct AtMost<const MAX: usize, T>(PhantomData<T>);
    impl<'de, const MAX: usize, T: Deserialize<'de>> Visitor<'de> for AtMost<MAX, T> {
        type Value = Vec<T>;

        fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(out, "a list of at most {MAX} items")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
            let mut list = Vec::new();
            while let Some(item) = items.next_element()? {
                if list.len() == MAX {
                    return Err(A::Error::invalid_length(MAX + 1, &self));
                }
                list.push(item);
            }
            Ok(list)
        }
    }
    deserializer.deserialize_seq(AtMost::<MAX, T>(PhantomData))
}

#[cfg(test)]
mod tests {
    use model::dossier::Outcome;
    use serde_json::Value;

    use super::*;

    fn refusal(bytes: &[u8]) -> String {
        from_slice::<Value>(bytes).unwrap_err().to_string()
    }

    #[test]
    fn what_readers_could_disagree_on_is_refused() {
        insta::assert_snapshot!(refusal(br#"{"a":1,"b":{"c":1,"c":2}}"#), @"the JSON names the key `c` twice in one object, at line `1`, column `21`");
        insta::assert_snapshot!(refusal(br#"{"a":1,"\u0061":2}"#), @"the JSON names the key `a` twice in one object, at line `1`, column `15`");
        insta::assert_snapshot!(refusal(br#"[{"":1,"":1}]"#), @"the JSON names the key `` twice in one object, at line `1`, column `9`");
        insta::assert_snapshot!(refusal(b"{\"a\":1} x"), @"the bytes are not valid JSON, at line `1`, column `9`");
        insta::assert_snapshot!(refusal(b""), @"the bytes are not valid JSON, at line `1`, column `0`");
        insta::assert_snapshot!(refusal(b"\xef\xbb\xbf{}"), @"the bytes are not valid JSON, at line `1`, column `1`");
        insta::assert_snapshot!(refusal(b"\"\xff\""), @"the bytes are not valid JSON, at line `1`, column `2`");
        insta::assert_snapshot!(refusal(b"1e999"), @"the bytes are not valid JSON, at line `1`, column `5`");
    }

    #[test]
    fn the_same_key_in_two_objects_is_fine() {
        assert!(from_slice::<Value>(br#"[{"a":{"a":1}},{"a":"{\"a\":1,\"a\":2}"}]"#).is_ok());
    }

    #[test]
    fn ten_thousand_levels_are_refused_without_recursion() {
        for open in ["[", "{\"a\":", "[{\"]\":"] {
            let deep = open.repeat(10_000);
            assert!(matches!(
                from_slice::<Value>(deep.as_bytes()),
                Err(JsonError::TooDeep { .. })
            ));
        }
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(from_slice::<Value>(nested(JSON_DEPTH_MAX).as_bytes()).is_ok());
        assert!(from_slice::<Value>(nested(JSON_DEPTH_MAX + 1).as_bytes()).is_err());
    }

    #[test]
    fn brackets_inside_strings_are_no_nesting() {
        let text = format!("\"\\\"{}\"", "[".repeat(100));
        assert!(from_slice::<Value>(text.as_bytes()).is_ok());
    }

    #[test]
    fn a_value_of_another_form_is_told_from_text_that_is_not_json() {
        assert!(matches!(
            from_slice::<Outcome>(b"\"perhaps\""),
            Err(JsonError::Form { .. })
        ));
        assert!(matches!(
            from_slice::<Outcome>(b"\"passed"),
            Err(JsonError::Syntax { .. })
        ));
    }

    #[test]
    fn a_list_over_its_limit_is_refused() {
        #[derive(Debug, Deserialize)]
        struct List {
            #[serde(deserialize_with = "at_most::<2, _, _>")]
            items: Vec<u8>,
        }
        assert_eq!(
            from_slice::<List>(br#"{"items":[1,2]}"#).unwrap().items,
            [1, 2]
        );
        assert!(from_slice::<List>(br#"{"items":[1,2,3]}"#).is_err());
    }
}
