//! `docs/rego.md` says what differs from OPA; each of its rows is tried here.

use policy::{PolicySource, PublishError};
use serde_json::Value;

use super::generate::Case;
use super::{ask, generate, numbers, opa, ours, value};

const PAGE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/rego.md"));

/// Operators by name, and what OPA's compiler writes for itself.
const NOT_FOR_AUTHORS: [&str; 16] = [
    "and", "assign", "div", "eq", "equal", "gt", "gte", "lt", "lte", "minus", "mul", "neq", "or",
    "plus", "rem", "print",
];

/// Reads the rows of the table below a heading, without the marks around code.
fn rows(heading: &str) -> Vec<Vec<String>> {
    let section = PAGE
        .split("\n## ")
        .find(|section| section.starts_with(heading))
        .unwrap_or_else(|| panic!("the page has `{heading}`"));
    let rows: Vec<Vec<String>> = section
        .lines()
        .filter(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| {
            line.trim_matches('|')
                .replace("\\|", "\u{1}")
                .split('|')
                .map(|cell| {
                    let cell = cell.trim();
                    let code = cell
                        .strip_prefix('`')
                        .and_then(|cell| cell.strip_suffix('`'));
                    code.unwrap_or(cell).replace('\u{1}', "|")
                })
                .collect()
        })
        .collect();
    assert!(!rows.is_empty(), "{heading}");
    rows
}

/// Makes cases of expressions.
fn cases(expressions: impl Iterator<Item = String>) -> Vec<Case> {
    expressions
        .enumerate()
        .map(|(at, expression)| {
            let name = format!("row_{at}");
            let text = format!("{name} := {expression}\n");
            Case { name, text }
        })
        .collect()
}

/// Compares what cases give here, or in OPA, with what the page says; `undefined` is no value.
fn hold(cases: &[Case], said: &[&String], gives: impl Fn(&Case) -> Option<Value>) {
    for (case, said) in cases.iter().zip(said) {
        let said = match said.as_str() {
            "undefined" => None,
            said => Some(value(said)),
        };
        assert_eq!(gives(case), said, "{}", case.text);
    }
}

/// Evaluates all cases here.
fn here(cases: &[Case]) -> impl Fn(&Case) -> Option<Value> {
    let found = ours(&generate::policy(cases), &super::input());
    move |case| found.get(&case.name).map(|text| value(text))
}

/// Evaluates all cases in OPA.
fn there(opa: &std::path::PathBuf, cases: &[Case]) -> impl Fn(&Case) -> Option<Value> + use<> {
    let found = ask(opa, &generate::policy(cases), "{}", "data.diff").unwrap();
    move |case| {
        let mut value = found.get(&case.name).cloned()?;
        numbers(&mut value);
        Some(value)
    }
}

#[test]
fn each_built_in_gives_what_the_page_says() {
    let rows = rows("Built-ins that give");
    let cases = cases(rows.iter().map(|row| row[1].clone()));
    let said: Vec<&String> = rows.iter().map(|row| &row[2]).collect();
    for row in &rows {
        assert!(row[1].contains(&row[0]), "{row:?}");
    }
    hold(&cases, &said, here(&cases));
    if let Some(opa) = opa("what OPA gives for each built-in") {
        hold(&cases, &said, there(&opa, &cases));
    }
}

#[test]
fn what_differs_is_what_the_page_says() {
    let rows = rows("What differs");
    let cases = cases(rows.iter().map(|row| row[1].clone()));
    let said: Vec<&String> = rows.iter().map(|row| &row[3]).collect();
    hold(&cases, &said, here(&cases));
    if let Some(opa) = opa("what OPA gives where it differs") {
        let said: Vec<&String> = rows.iter().map(|row| &row[2]).collect();
        hold(&cases, &said, there(&opa, &cases));
    }
}

#[test]
fn what_the_page_calls_refused_is_refused() {
    let refusal = |added: &str| -> PublishError {
        let source = format!("package a\n\ndefault allow := false\n\nfindings := []\n\n{added}\n");
        crate::support::sandbox()
            .prepare(&PolicySource::Rego(source.into()))
            .expect_err(added)
    };
    for row in rows("Built-ins that are not pure") {
        let error = refusal(&format!("extra := {}(1)", row[0]));
        assert_eq!(error.code(), "rego-impure-function");
        assert!(error.to_string().contains(&row[1]), "{error}");
    }
    for row in rows("Built-ins that are pure, and refused") {
        let error = refusal(&format!("extra := {}(1)", row[0]));
        assert_eq!(error.code(), "rego-unknown-function");
        assert!(error.to_string().contains(&row[1]), "{error}");
    }
    for row in rows("Language that is refused") {
        assert_eq!(
            refusal(&row[1].replace(" if two; ", " if two\n")).code(),
            row[2],
            "{row:?}"
        );
    }
}

#[test]
fn the_page_has_every_built_in_of_opa() {
    let Some(opa) = opa("the list of OPA's built-ins") else {
        return;
    };
    let output = std::process::Command::new(opa)
        .args(["capabilities", "--current"])
        .output()
        .unwrap();
    let capabilities: Value = serde_json::from_slice(&output.stdout).unwrap();
    let theirs = capabilities["builtins"].as_array().unwrap();
    assert!(theirs.len() > 200);
    let listed: Vec<String> = [
        "Built-ins that give",
        "Built-ins that are not pure",
        "Built-ins that are pure, and refused",
    ]
    .into_iter()
    .flat_map(rows)
    .map(|mut row| row.swap_remove(0))
    .collect();
    for builtin in theirs {
        let name = builtin["name"].as_str().unwrap();
        let ours = name.starts_with("internal.")
            || NOT_FOR_AUTHORS.contains(&name)
            || name == "time.now_ns";
        assert!(
            ours || listed.iter().any(|listed| listed == name),
            "`{name}` is not on the page"
        );
    }
    for name in generate::names() {
        assert!(
            listed.iter().any(|listed| listed == name),
            "`{name}` is tried and not on the page"
        );
    }
}
