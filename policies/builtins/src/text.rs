//! Strings, and what stands in the query of an address.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use regorus::Value;

use crate::Result;
use crate::arguments::{integer, text};

/// Says nothing: what a policy traces is shown where it is tried, and never decides.
pub(crate) fn trace(arguments: &[Value]) -> Result {
    text(arguments, 0).map(|_| true.into())
}

/// Gives the first `n` parts, or the last where `n` is negative.
pub(crate) fn split_n(arguments: &[Value]) -> Result {
    let (whole, delimiter, n) = (
        text(arguments, 0)?,
        text(arguments, 1)?,
        integer(arguments, 2)?,
    );
    let parts: Vec<&str> = if delimiter.is_empty() {
        whole.split_inclusive(|_| true).collect()
    } else {
        whole.split(delimiter).collect()
    };
    let count = usize::try_from(n.unsigned_abs()).unwrap_or(usize::MAX);
    let kept = if n >= 0 {
        &parts[..count.min(parts.len())]
    } else {
        &parts[parts.len().saturating_sub(count)..]
    };
    Ok(kept
        .iter()
        .map(|part| Value::from(*part))
        .collect::<Vec<_>>()
        .into())
}

pub(crate) fn count(arguments: &[Value]) -> Result {
    let (whole, part) = (text(arguments, 0)?, text(arguments, 1)?);
    Ok(match part {
        "" => whole.chars().count() + 1,
        part => whole.matches(part).count(),
    }
    .into())
}

/// Says where a text first occurs, in characters, or -1.
pub(crate) fn indexof(arguments: &[Value]) -> Result {
    let (whole, part) = (text(arguments, 0)?, text(arguments, 1)?);
    if part.is_empty() {
        bail!("empty search character");
    }
    Ok(whole
        .find(part)
        .map_or_else(|| (-1).into(), |at| whole[..at].chars().count().into()))
}

/// Lists where a text occurs, in characters; occurrences may overlap.
pub(crate) fn indexof_n(arguments: &[Value]) -> Result {
    let (whole, part) = (text(arguments, 0)?, text(arguments, 1)?);
    if part.is_empty() {
        bail!("empty search character");
    }
    let places: Vec<Value> = whole
        .char_indices()
        .enumerate()
        .filter(|(_, (at, _))| whole[*at..].starts_with(part))
        .map(|(place, _)| place.into())
        .collect();
    Ok(places.into())
}

/// Letter by letter: what would become several letters stays as it is.
pub(crate) fn upper(arguments: &[Value]) -> Result {
    let upper = |letter: char| {
        let mut letters = letter.to_uppercase();
        match (letters.next(), letters.next()) {
            (Some(upper), None) => upper,
            _ => letter,
        }
    };
    Ok(text(arguments, 0)?
        .chars()
        .map(upper)
        .collect::<String>()
        .into())
}

pub(crate) fn lower(arguments: &[Value]) -> Result {
    let lower = |letter: char| letter.to_lowercase().next().unwrap_or(letter);
    Ok(text(arguments, 0)?
        .chars()
        .map(lower)
        .collect::<String>()
        .into())
}

/// Replaces several texts at once: what was put in is not looked at again.
pub(crate) fn replace_n(arguments: &[Value]) -> Result {
    let [Value::Object(replacements), _] = arguments else {
        bail!("operand 1 must be an object");
    };
    let replacements: Vec<(&str, &str)> = replacements
        .iter_sorted()
        .map(|pair| match pair {
            (Value::String(old), Value::String(new)) => Ok((&**old, &**new)),
            _ => bail!("what is replaced and by what must be strings"),
        })
        .collect::<anyhow::Result<_>>()?;
    let mut rest = text(arguments, 1)?;
    let mut replaced = String::with_capacity(rest.len());
    let mut after_match = false;
    loop {
        let found = replacements
            .iter()
            .find(|(old, _)| rest.starts_with(old) && !(old.is_empty() && after_match));
        match found {
            Some((old, new)) if !old.is_empty() => {
                replaced.push_str(new);
                rest = &rest[old.len()..];
                after_match = true;
                continue;
            }
            Some((_, new)) => replaced.push_str(new),
            None => {}
        }
        after_match = false;
        let Some(letter) = rest.chars().next() else {
            return Ok(replaced.into());
        };
        replaced.push(letter);
        rest = &rest[letter.len_utf8()..];
    }
}

pub(crate) fn url_encode(arguments: &[Value]) -> Result {
    Ok(escape(text(arguments, 0)?).into())
}

pub(crate) fn url_decode(arguments: &[Value]) -> Result {
    Ok(unescape(text(arguments, 0)?)?.into())
}

pub(crate) fn url_encode_object(arguments: &[Value]) -> Result {
    let [Value::Object(object)] = arguments else {
        bail!("operand 1 must be an object");
    };
    let mut pairs = Vec::new();
    for (key, value) in object.iter_sorted() {
        let Value::String(key) = key else {
            bail!("a key of the object is not a string");
        };
        let mut pair = |value: &Value| match value {
            Value::String(value) => {
                pairs.push(format!("{}={}", escape(key), escape(value)));
                Ok(())
            }
            _ => bail!("a value of the object is neither a string nor several"),
        };
        match value {
            Value::Array(values) => values.iter().try_for_each(&mut pair)?,
            Value::Set(values) => values.iter_sorted().try_for_each(&mut pair)?,
            value => pair(value)?,
        }
    }
    Ok(pairs.join("&").into())
}

pub(crate) fn url_decode_object(arguments: &[Value]) -> Result {
    let mut object: BTreeMap<Value, Vec<Value>> = BTreeMap::new();
    for pair in text(arguments, 0)?
        .split('&')
        .filter(|pair| !pair.is_empty())
    {
        if pair.contains(';') {
            bail!("a query has no semicolons");
        }
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        object
            .entry(unescape(key)?.into())
            .or_default()
            .push(unescape(value)?.into());
    }
    let object: BTreeMap<Value, Value> = object
        .into_iter()
        .map(|(key, values)| (key, values.into()))
        .collect();
    Ok(object.into())
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                escaped.push(char::from(byte));
            }
            b' ' => escaped.push('+'),
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

fn unescape(text: &str) -> anyhow::Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => match (rest.next().and_then(nibble), rest.next().and_then(nibble)) {
                (Some(high), Some(low)) => high << 4 | low,
                _ => bail!("`{text}` has an escape that is none"),
            },
            other => other,
        });
    }
    String::from_utf8(bytes).context("what was escaped is not UTF-8")
}

/// Reads a hexadecimal digit.
pub(crate) fn nibble(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}
