//! Dossiers of any size, in which every kind of evidence has its turn.

use policy::DossierInput;
use serde_json::{Value, json};

fn hex(number: u64, digits: usize) -> String {
    format!("{number:0digits$x}")
}

/// What the numbered attestation says: type, schema, outcome, name, facts.
fn evidence(number: u64) -> (&'static str, &'static str, &'static str, String, Value) {
    match number % 5 {
        0 => {
            let suites: Vec<Value> = (0..4)
                .map(|suite| json!({ "errors": 0, "failed": 0, "name": format!("suite-{suite}"), "passed": 25, "skipped": 0, "tests": 25 }))
                .collect();
            let of = ["unit", "integration"][usize::from(!number.is_multiple_of(10))];
            let facts = json!({ "duration_ms": 1234, "errors": 0, "failed": 0, "failures": [], "passed": 100, "skipped": 0, "suites": suites, "tests": 100 });
            ("junit", "junit.v1", "passed", format!("{of}-tests"), facts)
        }
        1 => {
            let facts = json!({ "approvers": ["person-00000000000000bb"], "author": "person-00000000000000aa", "base": "main", "commits": [hex(number, 40)], "head": hex(number, 40), "number": number, "provider": "github", "repository": "example/pay", "stale_approvers": [], "state": "merged", "unregistered_people": 0, "url": format!("https://git.example/pay/{number}") });
            let name = format!("pull-request-{number}");
            ("pull-request", "pull-request.v1", "passed", name, facts)
        }
        2 => {
            let findings: Vec<Value> = (0..6)
                .map(|rule| json!({ "location": format!("src/file-{rule}.rs:{number}"), "rule": format!("rule-{rule}"), "severity": if rule == 0 { "high" } else { "low" } }))
                .collect();
            let facts = json!({ "by_severity": { "critical": 0, "high": 1, "low": 5, "medium": 0, "none": 0 }, "failed_runs": 0, "findings": findings, "results": 6, "suppressed": 0, "tools": [{ "name": "scan", "version": "1.2.3" }] });
            let name = format!("scan-{}", number % 3);
            ("sarif", "sarif.v1", "passed", name, facts)
        }
        3 => {
            let facts = json!({ "build_url": "https://ci.example/1", "builder": "https://ci.example", "commit": hex(1, 40), "commits": 10, "contains": [], "materials": 3, "repository": "https://git.example/pay" });
            let name = "build".into();
            ("provenance", "provenance.v1", "neutral", name, facts)
        }
        _ => {
            let facts = json!({ "data": { "note": "as it should be" }, "outcome": "passed" });
            let name = format!("check-{number}");
            ("generic", "generic.v1", "passed", name, facts)
        }
    }
}

/// Makes a dossier with so many attestations.
pub fn dossier(size: u64) -> model::Dossier {
    let attestations: Vec<Value> = (0..size)
        .map(|number| {
            let (kind, schema, outcome, name, facts) = evidence(number);
            json!({ "entry": hex(number, 64), "facts": facts, "flow": "pay", "foreign": number % 25 == 24, "name": name, "outcome": outcome, "recorded_ms": 1_000 + number, "reporter": "key-0000000000000001", "schema": schema, "subject": "artifact", "type": kind })
        })
        .collect();
    let commits: Vec<Value> = (0..size)
        .filter(|number| number % 5 == 1)
        .map(|number| json!({ "people": ["person-00000000000000aa"], "sha": hex(number, 40), "unregistered": 0 }))
        .collect();
    let approval = json!({ "entry": hex(1 << 40, 64), "expires_ms": 2_000_000, "person": "person-00000000000000bb", "recorded_ms": 1, "status": "valid" });
    let dossier = json!({
        "approvals": [approval],
        "attestations": attestations,
        "change": { "commits": commits, "complete": true },
        "now_ms": 1_000_000,
        "required": [],
        "subject": { "environment": "production", "fingerprint": hex(1, 64), "flow": "pay", "name": "pay", "trail": "run-1" },
    });
    serde_json::from_value(dossier).unwrap()
}

/// Makes a dossier ready for policies.
pub fn input(size: u64) -> DossierInput {
    DossierInput::new(&dossier(size)).unwrap()
}
