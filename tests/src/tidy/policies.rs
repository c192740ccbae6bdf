//! What stands beside every policy, and behind every function of the contract with policies.

use std::collections::BTreeSet;

use super::{assert_none, files, root, text};

/// Folders of `policies/` that are no policies: what their authors share, and the stock engine.
const NOT_POLICIES: [&str; 5] = ["author", "builtins", "engine", "heap", "rewrite"];

#[test]
fn every_policy_has_its_cases() {
    let files = files();
    let inside = files
        .iter()
        .filter_map(|file| file.strip_prefix("policies/")?.split_once('/'));
    let folders: BTreeSet<_> = inside
        .map(|(folder, _)| folder)
        .filter(|folder| !folder.starts_with('.') && !NOT_POLICIES.contains(folder))
        .collect();
    let cases = |folder: &&&str| {
        root()
            .join("policies")
            .join(folder)
            .join("cases.yaml")
            .is_file()
    };
    let without: Vec<_> = folders
        .iter()
        .filter(|folder| !cases(folder))
        .map(ToString::to_string)
        .collect();
    assert_none(&without, "these policies have no `cases.yaml`");
}

/// `world.function` for each exported or imported function of a WIT file.
fn functions(wit: &str) -> Vec<String> {
    let mut place = String::new();
    let mut found = Vec::new();
    for line in wit.lines().map(str::trim) {
        if let Some(name) = line
            .strip_prefix("world ")
            .or_else(|| line.strip_prefix("interface "))
        {
            name.trim_end_matches([' ', '{']).clone_into(&mut place);
        } else if let Some((name, _)) = line.split_once(": func(") {
            let name = name.rsplit(' ').next().unwrap_or(name);
            found.push(format!("{place}.{name}"));
        }
    }
    found
}

#[test]
fn functions_are_found_by_world_and_name() {
    let wit = "interface log {\n  write: func(line: string);\n}\nworld policy {\n  export evaluate: func() -> bool;\n}\n";
    assert_eq!(functions(wit), ["log.write", "policy.evaluate"]);
}

/// A test of a real guest says so in a line of its own: `// guest test of policy.evaluate`.
#[test]
fn every_function_of_the_contract_has_a_guest_test() {
    let files = files();
    let tests: Vec<_> = files
        .iter()
        .filter(|file| file.starts_with("crates/policy/") && file.ends_with(".rs"))
        .collect();
    let sources: Vec<_> = tests.into_iter().map(|file| text(file)).collect();
    let tested = |function: &str| {
        let mark = format!("// guest test of {function}");
        sources
            .iter()
            .any(|source| source.lines().any(|line| line.trim() == mark))
    };
    let wit = files
        .iter()
        .filter(|file| file.starts_with("wit/") && file.ends_with(".wit"));
    let wrong: Vec<_> = wit
        .flat_map(|file| functions(&text(file)))
        .filter(|function| !tested(function))
        .collect();
    assert_none(
        &wrong,
        "no test in crates/policy is marked `// guest test of …` for",
    );
}
