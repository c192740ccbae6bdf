//! Policies of every size.

use std::fmt::Write as _;

use policy::{PolicyForm, PolicySource, Prepared, Sandbox, stock};

/// Rego that says nothing: what remains is to instantiate, lower the dossier and read it.
pub const EMPTY: &str = "package bench.empty\n\nallow := false\n\nfindings := []\n";
/// Six controls.
pub const SIX: &str = include_str!("six.rego");

pub struct Policy {
    pub name: &'static str,
    pub prepared: Prepared,
    /// Rego source, which can also run natively.
    pub source: Option<String>,
}

pub fn policies(sandbox: &Sandbox) -> Vec<Policy> {
    let component = |name, control| Policy {
        name,
        prepared: sandbox
            .prepare(
                &stock::seed(control, PolicyForm::Component)
                    .unwrap()
                    .source(),
            )
            .unwrap(),
        source: None,
    };
    let rego = |name, source: String| Policy {
        name,
        prepared: sandbox
            .prepare(&PolicySource::Rego(source.as_str().into()))
            .unwrap(),
        source: Some(source),
    };
    vec![
        component("component, unit-tested", "unit-tested"),
        component("component, four-eyes", "four-eyes"),
        component("component, provenance", "provenance"),
        rego("rego small, 1 control", small()),
        rego("rego medium, 6 controls", SIX.into()),
        rego("rego large, 300 rules", large()),
    ]
}

fn small() -> String {
    let seed = stock::seed("unit-tested", PolicyForm::Rego).unwrap();
    String::from_utf8(seed.source().bytes().to_vec()).unwrap()
}

/// Three hundred rules, each of which looks for one piece of evidence.
fn large() -> String {
    let mut source = String::from(
        "package bench.large\n\ndefault allow := false\n\nallow if count(met) == 300\n\njunit := [a | some a in input.attestations; a.type == \"junit\"]\n\n",
    );
    for rule in 0..300 {
        let _ = writeln!(
            source,
            "met contains {rule} if {{ some a in junit; a.facts.passed > {} }}",
            rule % 90
        );
    }
    source.push_str("\nfindings := [{\"control\": \"all\", \"status\": status, \"reason\": \"as its rules say\", \"entries\": []}]\n\nstatus := \"satisfied\" if allow else := \"failed\"\n");
    source
}
