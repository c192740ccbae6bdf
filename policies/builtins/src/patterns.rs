//! Patterns: what is done with regular expressions and globs.

use anyhow::{Context, bail, ensure};
use regex::Regex;
use regorus::Value;

use crate::Result;
use crate::arguments::text;

/// Splits a text where a pattern matches; between two letters an empty match splits too.
pub(crate) fn split(arguments: &[Value]) -> Result {
    let pattern = Regex::new(text(arguments, 0)?)?;
    let whole = text(arguments, 1)?;
    if !pattern.as_str().is_empty() && whole.is_empty() {
        return Ok(Value::from(vec!["".into()]));
    }
    let mut parts: Vec<Value> = Vec::new();
    let (mut begin, mut end) = (0, 0);
    for found in pattern.find_iter(whole) {
        end = found.start();
        if found.end() != 0 {
            parts.push(whole[begin..end].into());
        }
        begin = found.end();
    }
    if end != whole.len() {
        parts.push(whole[begin..].into());
    }
    Ok(parts.into())
}

/// Holds a text against a template, of which some parts are patterns.
pub(crate) fn template_match(arguments: &[Value]) -> Result {
    let delimiter = |at: usize| -> anyhow::Result<char> {
        let mut letters = text(arguments, at)?.chars();
        match (letters.next(), letters.next()) {
            (Some(letter), None) => Ok(letter),
            _ => bail!("a delimiter is one character"),
        }
    };
    let (start, end) = (delimiter(2)?, delimiter(3)?);
    let (template, subject) = (text(arguments, 0)?, text(arguments, 1)?);
    let mut pattern = String::from("^");
    let (mut level, mut from) = (0_usize, 0);
    for (at, letter) in template.char_indices() {
        if letter == start {
            if level == 0 {
                pattern.push_str(&regex::escape(&template[from..at]));
                from = at + letter.len_utf8();
            }
            level += 1;
        } else if letter == end {
            level = level
                .checked_sub(1)
                .with_context(|| format!("`{template}` closes what it did not open"))?;
            if level == 0 {
                pattern.push_str(&format!("({})", &template[from..at]));
                from = at + letter.len_utf8();
            }
        }
    }
    ensure!(level == 0, "`{template}` does not close what it opens");
    pattern.push_str(&regex::escape(&template[from..]));
    pattern.push('$');
    Ok(Regex::new(&pattern)?.is_match(subject).into())
}

pub(crate) fn quote_meta(arguments: &[Value]) -> Result {
    let mut quoted = String::new();
    for letter in text(arguments, 0)?.chars() {
        if matches!(letter, '*' | '?' | '\\' | '[' | ']' | '{' | '}') {
            quoted.push('\\');
        }
        quoted.push(letter);
    }
    Ok(quoted.into())
}
