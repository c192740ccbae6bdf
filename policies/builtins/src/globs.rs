//! Globs of characters: whether two of them have a text in common.

use std::collections::BTreeSet;

use anyhow::{Context, bail, ensure};
use regorus::Value;

use crate::Result;
use crate::arguments::text;

/// How many pairs of places are looked at: two globs that a person wrote have fewer.
const PAIRS_MAX: usize = 250_000;

/// Says whether there is a text, not an empty one, that both globs match. They are made of characters, `.`, and sets as
/// `[a-z_]`, each as often as `*` or `+` says.
pub(crate) fn matches(arguments: &[Value]) -> Result {
    let (one, other) = (read(text(arguments, 0)?)?, read(text(arguments, 1)?)?);
    ensure!(
        (one.len() + 1).saturating_mul(other.len() + 1) <= PAIRS_MAX,
        "the globs are too long"
    );
    // Two globs of nothing are the same, and that is enough.
    Ok((one.is_empty() && other.is_empty() || meet(&one, &other)).into())
}

/// What a glob has at one place.
struct Place {
    letters: Letters,
    /// Whether it may be left out, and whether it may come again.
    optional: bool,
    repeated: bool,
}

enum Letters {
    Any,
    /// From one to another, both included.
    Ranges(Vec<(char, char)>),
}

impl Letters {
    fn meet(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _) | (_, Self::Any) => true,
            (Self::Ranges(ours), Self::Ranges(theirs)) => ours.iter().any(|(from, to)| {
                theirs
                    .iter()
                    .any(|(begin, end)| from.max(begin) <= to.min(end))
            }),
        }
    }
}

fn read(glob: &str) -> anyhow::Result<Vec<Place>> {
    let mut places: Vec<Place> = Vec::new();
    let mut letters = glob.chars();
    while let Some(letter) = letters.next() {
        let found = match letter {
            '.' => Letters::Any,
            '[' => Letters::Ranges(set(&mut letters)?),
            '\\' => {
                let letter = letters.next().context("a backslash escapes nothing")?;
                Letters::Ranges(vec![(letter, letter)])
            }
            '*' | '+' => {
                let last = places.last_mut().context("nothing comes again")?;
                ensure!(!last.repeated, "what comes again comes again");
                last.repeated = true;
                last.optional = letter == '*';
                continue;
            }
            ']' => bail!("a set ends that did not begin"),
            letter => Letters::Ranges(vec![(letter, letter)]),
        };
        places.push(Place {
            letters: found,
            optional: false,
            repeated: false,
        });
    }
    Ok(places)
}

/// Reads a set to its end.
fn set(letters: &mut std::str::Chars<'_>) -> anyhow::Result<Vec<(char, char)>> {
    let mut ranges: Vec<(char, char)> = Vec::new();
    let mut open = false;
    loop {
        let letter = letters.next().context("a set has no end")?;
        let letter = match letter {
            ']' if open => bail!("a range has no end"),
            ']' => break,
            '-' => {
                ensure!(!open && !ranges.is_empty(), "a range has no beginning");
                open = true;
                continue;
            }
            '\\' => letters.next().context("a backslash escapes nothing")?,
            letter => letter,
        };
        match ranges.last_mut() {
            Some((from, to)) if open => {
                ensure!(*from <= letter, "a range ends before it begins");
                *to = letter;
            }
            _ => ranges.push((letter, letter)),
        }
        open = false;
    }
    Ok(ranges)
}

/// Walks through both at once.
fn meet(one: &[Place], other: &[Place]) -> bool {
    let mut seen = BTreeSet::new();
    let mut pending = vec![(0, 0, false)];
    while let Some(state) = pending.pop() {
        if !seen.insert(state) {
            continue;
        }
        let (at, there, begun) = state;
        let (first, second) = (one.get(at), other.get(there));
        if begun && first.is_none() && second.is_none() {
            return true;
        }
        if first.is_some_and(|place| place.optional) {
            pending.push((at + 1, there, begun));
        }
        if second.is_some_and(|place| place.optional) {
            pending.push((at, there + 1, begun));
        }
        let (Some(first), Some(second)) = (first, second) else {
            continue;
        };
        if first.letters.meet(&second.letters) {
            let next = |at: usize, place: &Place| at + usize::from(!place.repeated);
            pending.extend([
                (at + 1, there + 1, true),
                (next(at, first), next(there, second), true),
            ]);
            pending.extend([
                (at + 1, next(there, second), true),
                (next(at, first), there + 1, true),
            ]);
        }
    }
    false
}
