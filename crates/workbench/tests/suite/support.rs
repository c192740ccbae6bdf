//! What the tests of this crate share.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use policy::{Cache, Config, Sandbox};
use tempfile::TempDir;
use workbench::{CaseResult, Folder};

/// One sandbox for all tests; its cache lies below `target`, so that only the first run compiles the engine.
pub fn sandbox() -> &'static Sandbox {
    static SANDBOX: LazyLock<Sandbox> = LazyLock::new(|| {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("policy-cache");
        Sandbox::new(Config {
            cache: Some(Cache::in_folder(folder, [7; 32])),
            ..Config::default()
        })
        .unwrap()
    });
    &SANDBOX
}

/// The folder of the policies that come with Trailmark.
pub fn policies() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies")
}

/// A folder with a policy in Rego and cases.
pub fn folder(rego: &str, cases: &str) -> (TempDir, Folder) {
    let at = tempfile::Builder::new().prefix("policy").tempdir().unwrap();
    fs::write(at.path().join("policy.rego"), rego).unwrap();
    fs::write(at.path().join("cases.yaml"), cases).unwrap();
    let folder = Folder::open(at.path()).unwrap();
    (at, folder)
}

/// Runs all cases of a folder.
pub fn results(folder: &Folder) -> Vec<CaseResult> {
    let policy = sandbox().prepare(&folder.source().unwrap()).unwrap();
    let cases = folder.cases().unwrap();
    let run = |case| workbench::run(&policy, case).unwrap();
    cases.iter().map(run).collect()
}
