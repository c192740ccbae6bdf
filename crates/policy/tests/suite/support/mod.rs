//! What the tests of this crate share.

pub mod component;

use std::path::PathBuf;
use std::sync::LazyLock;

use model::Dossier;
use policy::{Cache, Config, DossierInput, Sandbox};
use serde_json::{Value, json};

/// One sandbox for all tests of a binary; its cache lies below `target`, so that only the first run compiles the engine.
pub fn sandbox() -> Sandbox {
    static SANDBOX: LazyLock<Sandbox> = LazyLock::new(|| {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("policy-cache");
        Sandbox::new(Config {
            cache: Some(Cache::in_folder(folder, [7; 32])),
            ..Config::default()
        })
        .unwrap()
    });
    SANDBOX.clone()
}

/// A dossier about nothing, with some of its fields replaced.
pub fn dossier(fields: Value) -> DossierInput {
    let mut dossier = json!({
        "approvals": [],
        "attestations": [],
        "change": { "commits": [], "complete": true },
        "now_ms": 1_000_000,
        "required": [],
        "subject": {
            "environment": "production",
            "fingerprint": "f".repeat(64),
            "flow": "pay",
            "name": "pay-1.2.3",
            "trail": "run-1",
        },
    });
    for (key, value) in fields.as_object().unwrap() {
        dossier[key] = value.clone();
    }
    let dossier: Dossier = serde_json::from_value(dossier).unwrap();
    DossierInput::new(&dossier).unwrap()
}

/// The entry that a number stands for.
pub fn entry(number: u64) -> String {
    format!("{number:064x}")
}
