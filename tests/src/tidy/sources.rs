//! What the sources of every crate must have, and must not.

use super::{assert_none, files, text};

/// Crates whose public items are words of the design: each is explained.
const NOUNS: [&str; 6] = [
    "evidence", "journal", "model", "policy", "recorder", "store",
];

/// Crates that run anywhere and answer the same everywhere: bytes in, bytes out.
const PURE: [&str; 2] = ["journal", "model"];
const IMPURE: [&str; 8] = [
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "SystemTime",
    "Instant",
    "async ",
];

fn rust_files() -> Vec<String> {
    files()
        .into_iter()
        .filter(|file| file.ends_with(".rs"))
        .collect()
}

/// A file's code and comments up to its tests.
fn before_tests(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or(text)
}

/// `file:line` for each line that is wrong.
fn lines(file: &str, text: &str, is_wrong: impl Fn(&str) -> bool) -> Vec<String> {
    let wrong = text.lines().enumerate().filter(|(_, line)| is_wrong(line));
    wrong
        .map(|(at, line)| format!("{file}:{}: {}", at + 1, line.trim()))
        .collect()
}

#[test]
fn no_test_is_ignored_and_no_lint_silently_allowed() {
    let begins = |line: &str| {
        let line = line.trim_start();
        let attribute = line.strip_prefix("#![").or_else(|| line.strip_prefix("#["));
        attribute.is_some_and(|rest| rest.starts_with("ignore") || rest.starts_with("allow("))
    };
    let wrong: Vec<_> = rust_files()
        .iter()
        .flat_map(|file| lines(file, &text(file), begins))
        .collect();
    assert_none(
        &wrong,
        "ignored tests or allowed lints (`#[expect(…, reason = …)]` is the way)",
    );
}

#[test]
fn no_file_names_a_folder_of_somebodys_machine() {
    let named =
        |names: &[&str]| -> Vec<_> { names.iter().map(|name| format!("/{name}/")).collect() };
    // Reports as they come from a person's machine name such folders; only tests hold such reports.
    let (machines, homes) = (named(&["root", "work"]), named(&["home", "Users"]));
    let names = |line: &str, homes: &[String]| {
        machines
            .iter()
            .chain(homes)
            .flat_map(|home| line.match_indices(home.as_str()))
            .any(|(at, _)| {
                // `https://example.com/home/` and `../work/` are no folders of a machine.
                !line[..at].ends_with(|before: char| {
                    before.is_alphanumeric() || "._-}{/~".contains(before)
                })
            })
    };
    let mut wrong = Vec::new();
    for file in files() {
        // Files that are no text name no folders.
        let Ok(text) = std::fs::read_to_string(super::root().join(&file)) else {
            continue;
        };
        let homes = if file.contains("/tests/") {
            &[][..]
        } else {
            &homes
        };
        wrong.extend(lines(&file, &text, |line| names(line, homes)));
    }
    assert_none(&wrong, "absolute paths of one machine");
}

#[test]
fn model_and_journal_know_neither_files_nor_clocks_nor_threads() {
    let mut wrong = Vec::new();
    for file in rust_files() {
        let pure = PURE
            .iter()
            .any(|name| file.starts_with(&format!("crates/{name}/src/")));
        if pure && !file.ends_with("tests.rs") {
            let names = |line: &str| {
                let line = line.trim_start();
                !line.starts_with("//") && IMPURE.iter().any(|word| line.contains(word))
            };
            wrong.extend(lines(&file, before_tests(&text(&file)), names));
        }
    }
    assert_none(&wrong, "input, output, clocks or threads in a pure crate");
}

#[test]
fn every_crate_says_its_purpose_first() {
    let is_entry = |file: &&String| file.ends_with("src/lib.rs") || file.ends_with("src/main.rs");
    let files = rust_files();
    let wrong: Vec<_> = files
        .iter()
        .filter(is_entry)
        .filter(|file| !text(file).starts_with("//! "))
        .cloned()
        .collect();
    assert_none(
        &wrong,
        "these do not begin with `//!` and the crate's purpose",
    );
}

#[test]
fn every_public_item_of_the_noun_crates_is_explained() {
    let without = NOUNS
        .map(|name| format!("crates/{name}/src/lib.rs"))
        .into_iter();
    let without: Vec<_> = without
        .filter(|file| !text(file).contains("#![warn(missing_docs)]"))
        .collect();
    assert_none(&without, "these lack `#![warn(missing_docs)]`");
}
