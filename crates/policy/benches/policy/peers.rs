//! The work on which other tools were timed: one policy of six controls and a dossier that are not ours.
//!
//! They are in a folder beside the project, or where `TRAILMARK_POLICY_BENCH` says; without it there is nothing to compare.
//! The dossier is not of our form. It goes in as it is, as any JSON: the rules see it as their `input`, the module as it
//! is, behind another one that says their verdict as `allow` and `findings`. All else is as for any decision: a fresh
//! instance, fuel, limits of memory and wall time.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use policy::{DossierInput, Limits, PolicySource, Sandbox};
use serde_json::{Value, json};

use crate::measure::{parts, sample};
use crate::native::Native;

/// Where the folder is, from the project's own.
const BESIDE: &str = "../shared/data/policy-bench";
/// Says in our words what the policy says in its own.
const VERDICT: &str = r#"package verdict

allow := data.release.decision.allow

findings := [{"control": control, "status": status(met), "reason": "as its rule says", "entries": []} |
	some control, met in data.release.decision.controls
]

status(met) := "satisfied" if met else := "failed"
"#;

/// Measures all of them.
pub fn all(sandbox: &Sandbox, seconds: f64) {
    let folder = folder();
    let Ok(release) = fs::read_to_string(folder.join("release.rego")) else {
        println!(
            "\nleft out, six controls of policy-bench: nothing in {}",
            folder.display()
        );
        return;
    };
    let Some(dossier) = dossier(&folder) else {
        println!("\nleft out, six controls of policy-bench: python3 did not write the dossier");
        return;
    };
    let bundle =
        json!({ "data": {}, "modules": { "release.rego": release, "verdict.rego": VERDICT } });
    let policy = sandbox
        .prepare(&PolicySource::Rego(bundle.to_string().as_str().into()))
        .unwrap();
    println!(
        "\nsix controls of policy-bench over its 50 attestations, {} bytes, µs",
        dossier.len()
    );
    let input = DossierInput::of_json(&dossier);
    let evaluation = policy.evaluate(&input, "{}", &Limits::default());
    assert!(evaluation.allows(), "{evaluation:?}");
    let measured = parts(&policy, &input, seconds);
    let made = sample(seconds, || {
        let input = DossierInput::of_json(&dossier);
        input.make_document();
        black_box(input);
    });
    println!(
        "in a fresh instance: p50 {:.0}, p99 {:.0}; begin {:.1}, call {:.1}, end {:.1}; fuel {}",
        measured.whole.p50,
        measured.whole.p99,
        measured.begin,
        measured.call,
        measured.end,
        measured.fuel
    );
    println!("the flat document, once per decision: {:.0}", made.p50);
    let native = |name: &str, mut native: Native| {
        let measured = sample(seconds, || {
            black_box(native.run(&dossier));
        });
        let ratio = parts(&policy, &input, seconds / 4.0).whole.p50 / measured.p50;
        println!(
            "native, {name}: p50 {:.0}, p99 {:.0}; ratio {ratio:.2}",
            measured.p50, measured.p99
        );
    };
    native(
        "the same two modules",
        Native::compile(&[&release, VERDICT], None),
    );
    native(
        "the policy alone",
        Native::compile(&[&release], Some("decision")),
    );
    if measured.whole.p50 > 350.0 {
        println!("    the aim is 350: missed");
    }
}

fn folder() -> PathBuf {
    env::var_os("TRAILMARK_POLICY_BENCH").map_or_else(
        || {
            Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("../..")
                .join(BESIDE)
        },
        PathBuf::from,
    )
}

/// Has the dossier written, and writes it as canonical JSON.
fn dossier(folder: &Path) -> Option<String> {
    let place = tempfile::tempdir().unwrap();
    let script = fs::canonicalize(folder.join("make_dossier.py")).ok()?;
    let written = Command::new("python3")
        .arg(script)
        .current_dir(place.path())
        .status()
        .ok()?;
    let text = fs::read_to_string(place.path().join("dossier.json")).ok()?;
    let dossier: Value = serde_json::from_str(&text).ok()?;
    written.success().then(|| dossier.to_string())
}
