//! Patterns: what is done with regular expressions and globs.

use std::cell::RefCell;
use std::collections::BTreeMap;

use anyhow::{Context, bail, ensure};
use regex::{Regex, RegexBuilder};
use regorus::{LimitError, Value};

use crate::Result;
use crate::arguments::text;

/// What a compiled pattern may take: what is more is no pattern that a person wrote.
const COMPILED_BYTES_MAX: usize = 100 * 1024;
/// Patterns that are kept; a program that makes more of them than that makes some of them again.
const KEPT_MAX: usize = 256;

thread_local! {
    /// Compiled patterns, each with the memory in which it is matched.
    static KEPT: RefCell<BTreeMap<String, Regex>> = const { RefCell::new(BTreeMap::new()) };
}

/// Compiles a pattern and keeps it, and whatever it needs to be matched. One that is not valid is left for who uses it.
pub fn keep(pattern: &str) {
    let _ = with(pattern, |regex| regex.is_match(""));
}

/// Looks with a pattern, which is compiled when it is new: a copy of a compiled one would make its memory anew.
fn with<T>(pattern: &str, look: impl FnOnce(&Regex) -> T) -> anyhow::Result<T> {
    KEPT.with_borrow_mut(|kept| {
        if let Some(regex) = kept.get(pattern) {
            return Ok(look(regex));
        }
        let regex = compile(pattern)?;
        let seen = look(&regex);
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(pattern.to_owned(), regex);
        Ok(seen)
    })
}

/// Compiles a pattern. One that is too large ends the evaluation, whatever its rules make of what has no value.
fn compile(pattern: &str) -> anyhow::Result<Regex> {
    let compiled = RegexBuilder::new(pattern)
        .size_limit(COMPILED_BYTES_MAX)
        .build();
    compiled.map_err(|error| match error {
        regex::Error::CompiledTooBig(limit) => LimitError::RegexSizeLimitExceeded { limit }.into(),
        error => error.into(),
    })
}

/// Says whether a pattern matches somewhere in a text.
pub(crate) fn matches(arguments: &[Value]) -> Result {
    let (pattern, subject) = (text(arguments, 0)?, text(arguments, 1)?);
    Ok(with(pattern, |regex| regex.is_match(subject))?.into())
}

/// Splits a text where a pattern matches; between two letters an empty match splits too.
pub(crate) fn split(arguments: &[Value]) -> Result {
    let (pattern, whole) = (text(arguments, 0)?, text(arguments, 1)?);
    with(pattern, |regex| split_at(regex, whole))
}

fn split_at(pattern: &Regex, whole: &str) -> Value {
    if !pattern.as_str().is_empty() && whole.is_empty() {
        return Value::from(vec!["".into()]);
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
    parts.into()
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
    Ok(with(&pattern, |regex| regex.is_match(subject))?.into())
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
