//! Ten thousand sources that nobody would write: made from the shipped ones, by number, the same in every run.

use std::collections::BTreeMap;

use policy::{Outcome, PolicyForm, PolicySource, Undecided, stock};
use serde_json::json;

use super::nothing_is_left_behind;
use crate::support::{dossier, entry, sandbox};

const SOURCES: u64 = 10_000;
/// Every so many goes the whole way of a policy that is published: image, compiled, instantiated.
const WHOLE_WAY_EVERY: u64 = 500;

/// What may stand in a rule, whether or not it may stand there.
const FRAGMENTS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    ":=",
    "=",
    "==",
    "!=",
    "<",
    ">=",
    "+",
    "-",
    "*",
    "/",
    "%",
    "|",
    "&",
    ",",
    ";",
    ":",
    ".",
    "\n",
    "\n\n",
    "if",
    "else",
    "every",
    "some",
    "in",
    "contains",
    "default",
    "not",
    "with",
    "as",
    "import",
    "package",
    "null",
    "true",
    "false",
    "input",
    "data",
    "allow",
    "findings",
    "input.parameters",
    "input.attestations[_]",
    "input.attestations[i].facts",
    "_",
    "x",
    "1",
    "0",
    "-1",
    "1e309",
    "99999999999999999999",
    "0.1",
    "\"\"",
    "\"a\\u0000\"",
    "`raw`",
    "\"%v\"",
    "\u{e9}",
    "#",
    "\\",
    "\"",
    "every x in [] { x }",
    "[x | some x in input.attestations]",
    "{k: v | some k, v in input}",
    "{x | x := input[_]}",
    "f(x) := x",
    "f(1)",
    "count(",
    "sprintf(\"%v\", [",
    "walk(input, x)",
    "max([])",
    "array.slice([], 1, 0)",
    "object.union({}, {})",
    "regex.match(\"(\", \"\")",
    "numbers.range(0, 1000)",
    "else := 1",
    "default allow := true",
    "allow := true",
    "allow contains 1",
    "findings := []",
    "findings contains 1",
    "import rego.v1",
    "import data.other",
    "import input.subject as s",
    "rule[x] := 1 if some x in [1, 2]",
    "with input as {}",
    "not not x",
    "a.b.c[d][\"e\"]",
    "{\"a\": {\"b\": [1, {2}]}}",
    "set()",
];

/// Xorshift (Marsaglia 2003): the same numbers everywhere.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap()
    }

    fn one_of<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

/// Splits a source into words, signs and spaces.
fn tokens(source: &str) -> Vec<&str> {
    let is_word = |char: char| char.is_alphanumeric() || char == '_';
    let mut tokens = Vec::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let end = if is_word(first) {
            rest.find(|char| !is_word(char)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (token, after) = rest.split_at(end);
        tokens.push(token);
        rest = after;
    }
    tokens
}

fn made(number: u64, seeds: &[Vec<&str>]) -> String {
    let mut numbers = Numbers(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut tokens = seeds[numbers.below(seeds.len())].clone();
    for _ in 0..=numbers.below(4) {
        let (at, other) = (numbers.below(tokens.len()), numbers.below(tokens.len()));
        let (from, to) = (at.min(other), at.max(other));
        match numbers.below(8) {
            0 => tokens.truncate(to),
            1 => drop(tokens.drain(from..to.min(from + 8))),
            2 => tokens.swap(at, other),
            3 => tokens.insert(at, numbers.one_of(FRAGMENTS)),
            4 => tokens[at] = numbers.one_of(FRAGMENTS),
            5 => {
                let part: Vec<_> = tokens[from..to.min(from + 40)].to_vec();
                tokens.splice(at..at, part);
            }
            6 => {
                let from_other = &seeds[numbers.below(seeds.len())];
                let start = numbers.below(from_other.len());
                let part = from_other[start..].iter().take(60).copied();
                tokens.splice(at..at, part.collect::<Vec<_>>());
            }
            _ => {
                let fragment = numbers.one_of(FRAGMENTS);
                let times = 1 + numbers.below(300);
                tokens.splice(at..at, std::iter::repeat_n(fragment, times));
            }
        }
        if tokens.is_empty() {
            break;
        }
    }
    tokens.concat()
}

#[test]
fn ten_thousand_sources_are_refused_by_name_or_judge_within_their_limits() {
    let rego: Vec<PolicySource> = stock::seeds()
        .iter()
        .filter(|seed| seed.form == PolicyForm::Rego)
        .map(stock::Seed::source)
        .collect();
    let seeds: Vec<Vec<&str>> = rego
        .iter()
        .map(|source| tokens(std::str::from_utf8(source.bytes()).unwrap()))
        .collect();
    let input = dossier(json!({ "attestations": [{
        "entry": entry(1), "facts": { "errors": 0, "failed": 0, "passed": 3, "tests": 3 }, "flow": "pay", "foreign": false,
        "name": "unit-tests", "outcome": "passed", "recorded_ms": 1, "schema": "junit.v1", "subject": "artifact",
        "type": "junit",
    }]}));
    let mut ends = BTreeMap::<String, u64>::new();
    for number in 0..SOURCES {
        let source = made(number, &seeds);
        let once = sandbox().judge_once(&source, &input);
        if number % WHOLE_WAY_EVERY == 0 {
            // Published, it comes to the same end.
            let whole = sandbox()
                .prepare(&PolicySource::Rego(source.as_str().into()))
                .map(|policy| {
                    policy
                        .evaluate(&input, "{}", &policy::Limits::default())
                        .outcome
                });
            let same = match (&once, &whole) {
                (Ok(once), Ok(whole)) => once == whole,
                (Err(once), Err(whole)) => once.code() == whole.code(),
                _ => false,
            };
            assert!(same, "source {number}: {once:?}, then {whole:?}\n{source}");
        }
        let end = match once {
            Ok(Outcome::Verdict(verdict)) => format!("verdict {}", verdict.allow),
            Ok(Outcome::Denied(denial)) => denial.to_string(),
            Ok(Outcome::Undecided(Undecided::NativeStack)) => "native-stack".to_owned(),
            Ok(Outcome::Undecided(cause)) => panic!("source {number}: {cause}\n{source}"),
            Err(error) => {
                assert!(
                    error.is_the_authors(),
                    "source {number}: {error:?}\n{source}"
                );
                error.code().to_owned()
            }
        };
        *ends.entry(end).or_default() += 1;
        if number % 1_000 == 0 {
            nothing_is_left_behind();
        }
    }
    // Most are broken, and enough are not: otherwise these are not the sources to try.
    let judged = ends.get("verdict true").unwrap_or(&0) + ends.get("verdict false").unwrap_or(&0);
    assert!(judged > SOURCES / 50 && ends.len() >= 5, "{ends:?}");
    nothing_is_left_behind();
}
