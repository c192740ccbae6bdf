//! Tokens, well signed and not, under keys of all kinds: what OPA does not take is not taken here.

use policy::{Limits, Outcome, PolicySource};
use serde_json::{Value, json};

use super::{ask, input, opa};

const POLICY: &str = include_str!("tokens.rego");
const DATA: &str = include_str!("tokens.json");

const FUNCTIONS: [&str; 14] = [
    "decode",
    "decode_verify",
    "verify_eddsa",
    "verify_es256",
    "verify_es384",
    "verify_es512",
    "verify_hs256",
    "verify_ps256",
    "verify_ps384",
    "verify_ps512",
    "verify_rs256",
    "verify_rs384",
    "verify_rs512",
    "constraints",
];

/// Every token under every key is more than a decision ever looks at.
const LIMITS: Limits = Limits {
    fuel: 1_000_000_000_000,
    memory_bytes: 64 * 1024 * 1024,
    output_bytes: 1024 * 1024,
    table_elements: 20_000,
    wall_ms: 600_000,
};

fn reasons(found: &Value) -> Vec<String> {
    let mut reasons: Vec<String> = found
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["reason"].as_str().unwrap().to_owned())
        .collect();
    reasons.sort();
    reasons
}

#[test]
fn tokens_hold_where_they_hold_in_opa() {
    let Some(opa) = opa("the comparison of tokens") else {
        return;
    };
    let input = input();
    let mut parameters: Value = serde_json::from_str(DATA).unwrap();
    let prepared = crate::support::sandbox()
        .prepare(&PolicySource::Rego(POLICY.into()))
        .unwrap();
    for function in FUNCTIONS {
        parameters["function"] = function.into();
        let outcome = prepared
            .evaluate(&input, &parameters.to_string(), &LIMITS)
            .outcome;
        let Outcome::Verdict(verdict) = outcome else {
            panic!("{function}: {outcome:?}");
        };
        let mut ours: Vec<String> = verdict
            .findings
            .into_iter()
            .map(|finding| finding.reason)
            .collect();
        ours.sort();
        let mut whole: Value = serde_json::from_str(input.canonical()).unwrap();
        whole["parameters"] = parameters.clone();
        let theirs = ask(&opa, POLICY, &whole.to_string(), "data.diff.findings").unwrap();
        let theirs = reasons(&theirs);
        assert!(theirs.len() > 40, "{function}: {}", theirs.len());
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert_eq!(ours, theirs, "{function}");
        }
        assert_eq!(ours.len(), theirs.len(), "{function}");
    }
}

#[test]
fn a_token_ends_and_begins_at_the_decisions_time() {
    let policy = "package a

default allow := false

findings contains {\"control\": name, \"status\": \"satisfied\", \"reason\": \"valid\", \"entries\": []} if {
	some name in [\"ends\", \"begins\"]
	part := input.parameters.tokens[sprintf(\"RS256 that %s now\", [name])]
	token := concat(\".\", [base64url.encode_no_pad(part[0]), base64url.encode_no_pad(part[1]), part[2]])
	io.jwt.decode_verify(token, {\"cert\": input.parameters.keys[\"rsa pem\"]})[0]
}
";
    let prepared = crate::support::sandbox()
        .prepare(&PolicySource::Rego(policy.into()))
        .unwrap();
    for (now_ms, valid) in [
        (1_699_999_999_999_u64, "ends"),
        (1_700_000_000_000, "begins"),
    ] {
        let input = crate::support::dossier(json!({ "now_ms": now_ms }));
        match prepared.evaluate(&input, DATA, &Limits::default()).outcome {
            Outcome::Verdict(verdict) => {
                let found: Vec<&str> = verdict
                    .findings
                    .iter()
                    .map(|finding| finding.control.as_str())
                    .collect();
                assert_eq!(found, [valid]);
            }
            other => panic!("{other:?}"),
        }
    }
}
