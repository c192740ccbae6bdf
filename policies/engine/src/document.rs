//! Reads the host's documents into values. `wit/policy.wit` says how they are written.
//!
//! The dossier is a large part of an evaluation's work. So every string is made once, however often it occurs, and every
//! object is a copy of the one that has its keys already, whose values are then put in their places.

use std::collections::BTreeMap;
use std::slice::Iter;
use std::sync::Arc;

use regorus::Value;

use crate::Document;

/// Reads a document; what cannot be read is an error in words.
pub fn read(document: &Document) -> Result<Value, String> {
    if document.words.is_empty() {
        return Value::from_json_str(&document.text).map_err(|error| error.to_string());
    }
    let mut words = document.words.iter();
    let value = Tables::read(&document.text, &mut words)
        .and_then(|tables| {
            let value = tables.value(&mut words);
            // They go with the instance; taking them apart would be work for nothing.
            std::mem::forget(tables);
            value
        })
        .filter(|_| words.len() == 0);
    value.ok_or_else(|| "the host's document is damaged".into())
}

/// What the values of a document refer to.
struct Tables {
    strings: Vec<Value>,
    /// An object for each set of keys, with nothing in it.
    shapes: Vec<BTreeMap<Value, Value>>,
}

impl Tables {
    fn read(mut text: &str, words: &mut Iter<'_, u32>) -> Option<Self> {
        let count = number(words)?;
        let mut strings = Vec::with_capacity(count.min(words.len()));
        for _ in 0..count {
            let (string, rest) = text.split_at_checked(number(words)?)?;
            strings.push(Value::from(string));
            text = rest;
        }
        let count = number(words)?;
        let mut shapes = Vec::with_capacity(count.min(words.len()));
        for _ in 0..count {
            let keys = number(words)?;
            let key = |_| Some((strings.get(number(words)?)?.clone(), Value::Null));
            let shape: Option<BTreeMap<_, _>> = (0..keys).map(key).collect();
            shapes.push(shape?);
        }
        text.is_empty().then_some(Self { strings, shapes })
    }

    fn value(&self, words: &mut Iter<'_, u32>) -> Option<Value> {
        let word = *words.next()?;
        let n = word >> 3;
        Some(match word & 7 {
            0 => match n {
                0 => Value::Null,
                1 => Value::Bool(false),
                2 => Value::Bool(true),
                _ => return None,
            },
            1 => Value::from(i64::from(n)),
            2 => {
                let low = u64::from(*words.next()?);
                let high = u64::from(*words.next()?);
                Value::from((high << 32 | low).cast_signed())
            }
            3 => self.string(n)?.clone(),
            4 => {
                let count = usize::try_from(n).ok()?;
                let mut items = Vec::with_capacity(count.min(words.len()));
                for _ in 0..count {
                    items.push(self.value(words)?);
                }
                Value::Array(Arc::new(items.into()))
            }
            5 => {
                let mut fields = self.shapes.get(usize::try_from(n).ok()?)?.clone();
                for field in fields.values_mut() {
                    *field = self.value(words)?;
                }
                Value::Object(Arc::new(fields.into()))
            }
            6 => match self.string(n)? {
                Value::String(number) => Value::from_json_str(number).ok()?,
                _ => return None,
            },
            _ => return None,
        })
    }

    fn string(&self, n: u32) -> Option<&Value> {
        self.strings.get(usize::try_from(n).ok()?)
    }
}

fn number(words: &mut Iter<'_, u32>) -> Option<usize> {
    usize::try_from(*words.next()?).ok()
}
