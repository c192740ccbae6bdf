//! YAML as OPA has it, through go-yaml's third version: the schema of YAML 1.2, in which `no` is a text, with the numbers
//! and merges of YAML 1.1.

mod compose;
mod order;
mod scalar;
mod style;
mod tree;
mod write;

use anyhow::{bail, ensure};
use regorus::Value;

use crate::Result;
use crate::arguments::text;

/// Gives the first document of a text.
pub(crate) fn unmarshal(arguments: &[Value]) -> Result {
    read(text(arguments, 0)?)
}

pub(crate) fn is_valid(arguments: &[Value]) -> Result {
    Ok(text(arguments, 0)
        .is_ok_and(|text| read(text).is_ok())
        .into())
}

/// Writes a value as a document, its keys in order.
pub(crate) fn marshal(arguments: &[Value]) -> Result {
    let [value] = arguments else {
        bail!("operand 1 is missing");
    };
    Ok(write::document(value)?.into())
}

fn read(text: &str) -> Result {
    // YAML 1.1 ends lines with some of them; whoever wrote one did not mean to.
    let strange = |letter: &char| {
        !is_allowed(*letter) || matches!(letter, '\u{85}' | '\u{2028}' | '\u{2029}')
    };
    if let Some(letter) = text.chars().find(strange) {
        bail!("{letter:?} is not read");
    }
    let directives = text.lines().filter(|line| line.starts_with('%'));
    for directive in directives {
        let mut words = directive.split_ascii_whitespace();
        let known = match words.next() {
            Some("%YAML") => words.next() == Some("1.1"),
            name => name == Some("%TAG"),
        };
        ensure!(known, "`{directive}` is not known");
    }
    match tree::read(text)? {
        Some(tree) => compose::value(&tree),
        None => Ok(Value::Null),
    }
}

/// Says whether a character may stand in a text of YAML (1.2, 5.1).
fn is_allowed(letter: char) -> bool {
    matches!(letter,
        '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..)
}
