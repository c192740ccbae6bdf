//! Policies that are bad on purpose: each is caught by the finding that its folder is called after.

use std::fs;

use workbench::check::Trap;

use crate::support::{check_rego, here, read, shown};

/// Reads a file of a trap's folder, or the one that all share.
fn own_or_shared(trap: Trap, name: &str, shared: &str) -> std::path::PathBuf {
    let own = here("tests/bad").join(trap.as_str()).join(name);
    if own.exists() {
        own
    } else {
        here("tests/bad").join(shared)
    }
}

#[test]
fn every_trap_has_a_bad_policy_that_it_catches() {
    let mut wrong = Vec::new();
    for trap in Trap::ALL.iter().copied() {
        let source = read(&here("tests/bad").join(trap.as_str()).join("policy.rego"));
        let report = check_rego(&source, &own_or_shared(trap, "cases.yaml", "cases.yaml"));
        if !report.findings().contains(&trap) {
            wrong.push(format!("{trap} was not found:\n{}", shown(&report)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_the_bad_policies_should_have_been_is_clean() {
    let mut wrong = Vec::new();
    for trap in Trap::ALL.iter().copied() {
        let source = read(&own_or_shared(trap, "mended.rego", "mended.rego"));
        let mended = own_or_shared(trap, "mended.yaml", "cases.yaml");
        let cases = if mended.ends_with("mended.yaml") {
            mended
        } else {
            own_or_shared(trap, "cases.yaml", "cases.yaml")
        };
        let report = check_rego(&source, &cases);
        if !report.findings().is_empty() {
            wrong.push(format!("{trap}:\n{}", shown(&report)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_folder_of_bad_policies_is_called_after_a_trap() {
    for folder in fs::read_dir(here("tests/bad")).unwrap() {
        let folder = folder.unwrap();
        let name = folder.file_name().into_string().unwrap();
        if folder.path().is_dir() {
            assert!(name.parse::<Trap>().is_ok(), "{name}");
        }
    }
}
