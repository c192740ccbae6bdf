use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use policy::{Cache, Config, PolicySource, Sandbox};
use workbench::Cases;
use workbench::check::{Candidate, Report, check};

/// One sandbox for all tests of the binary; its cache lies below `target`, so that only the first run compiles.
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

pub fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

pub fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Checks Rego source with the cases of a file; those of an empty file are none.
pub fn check_rego(source: &str, cases: &Path) -> Report {
    let cases = Cases::open(cases);
    let none = cases.as_ref().err().map(ToString::to_string);
    let list = cases
        .as_ref()
        .map_or(&[][..], |cases| cases.iter().as_slice());
    let candidate = Candidate {
        source: &PolicySource::Rego(source.into()),
        modules: BTreeMap::from([("policy.rego".to_owned(), source.to_owned())]),
        cases: list,
        schema: None,
    };
    let report = check(&candidate, &sandbox());
    report.unwrap_or_else(|error| panic!("{error:?} {none:?}"))
}

/// Shows what was found, for a test that expected something else.
pub fn shown(report: &Report) -> String {
    let lacking = report.lacking.iter();
    let lacking = lacking.map(|lacking| format!("{}: {}", lacking.finding, lacking.what));
    let spotted = report.spotted.iter().map(|spotted| {
        let (line, column) = (spotted.line, spotted.column);
        format!("{}: {line}:{column} `{}`", spotted.finding, spotted.what)
    });
    let through = report.mutation.through.iter().map(|through| {
        let (before, after) = (&through.before, &through.after);
        format!(
            "{}: {}: {}\n      {before:?}\n      {after:?}",
            through.finding, through.case, through.change
        )
    });
    let all: Vec<String> = lacking.chain(spotted).chain(through).collect();
    format!("  {}", all.join("\n  "))
}
