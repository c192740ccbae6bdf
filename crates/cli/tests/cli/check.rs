//! A policy is checked for ways to fail open, by itself and before it is published.

use std::fs;

use crate::policy::{run, world};

const CARELESS: &str = r#"package careless

default allow := false

allow if not refused

refused if {
	some one in input.attestations
	one.type == "signature"
	one.outcome == "failed"
}

findings := [{"control": "signed", "status": "satisfied", "reason": "nobody refused", "entries": []}]
"#;

const CASES: &str = "- case: signed
  attestations: [{entry: 1, type: signature}]
  expect: {allow: true}
- case: refused
  attestations: [{entry: 1, type: signature, outcome: failed}]
  expect: {allow: false}
";

#[test]
fn a_policy_that_cannot_fail_open_is_clean() {
    let world = world();
    let done = run(&world, &["policy", "check", "signed"]).expect(0);
    assert!(
        done.stdout.contains(" 0 got through; 0 findings"),
        "{}",
        done.stdout
    );
}

#[test]
fn what_is_found_names_its_place_and_its_mutants_and_can_be_accepted_with_reasons() {
    let world = world();
    world.file("careless/policy.rego", CARELESS);
    world.file("careless/cases.yaml", CASES);
    let done = run(&world, &["policy", "check", "careless"]).expect(1);
    for expected in [
        "negated-undefined: ",
        "careless/policy.rego:5:10: not refused",
        "silence-allows: ",
        "change: no attestation, no approval, nothing known of the change",
        "instead: ",
    ] {
        assert!(
            done.stdout.contains(expected),
            "{expected}: {}",
            done.stdout
        );
    }

    let mutants = world.path("mutants");
    let written = [
        "policy",
        "check",
        "careless",
        "--json",
        "--write-mutants",
        mutants.to_str().unwrap(),
    ];
    let report = run(&world, &written).expect(1).json();
    let first = fs::read_dir(&mutants).unwrap().next().unwrap().unwrap();
    let first = first.path();
    let judged = ["policy", "eval", "careless", "--dossier"];
    run(&world, &[&judged[..], &[first.to_str().unwrap()]].concat()).expect(0);

    let open = report["open"].as_array().unwrap();
    let accepting: Vec<&str> = open
        .iter()
        .flat_map(|finding| {
            [
                "--accept",
                finding.as_str().unwrap(),
                "--reason",
                "it is a test",
            ]
        })
        .collect();
    let accepted = [&["policy", "check", "careless"], &accepting[..]].concat();
    run(&world, &accepted).expect(0);
    let without_reason = ["policy", "check", "careless", "--accept", "silence-allows"];
    run(&world, &without_reason).expect(2);
}

#[test]
fn nothing_is_published_with_an_open_finding() {
    let world = world();
    world.file("careless/policy.rego", CARELESS);
    let publish = ["policy", "publish", "careless", "careless/policy.rego"];
    let done = run(&world, &publish).expect(1);
    assert!(done.stderr.contains("`no-cases`"), "{}", done.stderr);
    assert!(done.stderr.contains("--accept FINDING"), "{}", done.stderr);
}
