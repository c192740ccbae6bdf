//! The repository's own tests, really run, as a JUnit report.

use std::{fs, io::Read, path::Path};

use anyhow::{Context, Result, bail};

use super::{
    junit,
    libtest::{self, Outcome},
};
use crate::process;

/// What runs: the crates that everything else rests on, whose tests take seconds.
const PACKAGES: [&str; 2] = ["trailmark-model", "trailmark-journal"];

/// How the tests went, in numbers.
pub struct Ran {
    pub tests: usize,
    pub suites: usize,
}

/// Compiles the tests with cargo's progress shown, so that running them is quick.
pub fn build(root: &Path) -> Result<()> {
    process::run(cargo_test(root).arg("--no-run"))
}

/// Runs the tests and writes their report to `file`. Failed tests are part of the report, not an error.
pub fn run(root: &Path, file: &Path) -> Result<Ran> {
    let (output, succeeded) = output(root)?;
    let suites = libtest::parse(&output)?;
    let mut cases = suites.iter().flat_map(|suite| &suite.cases);
    if !succeeded && !cases.any(|case| matches!(case.outcome, Outcome::Failed(_))) {
        bail!("not every test was run:\n{output}");
    }
    fs::write(file, junit::report(&suites))
        .with_context(|| format!("could not write `{}`", file.display()))?;
    let told = || suites.iter().filter(|suite| !suite.cases.is_empty());
    Ok(Ran {
        tests: told().map(|suite| suite.cases.len()).sum(),
        suites: told().count(),
    })
}

fn cargo_test(root: &Path) -> std::process::Command {
    let mut cargo = process::cargo(root);
    cargo.args(["test", "--locked", "--lib", "--tests", "--no-fail-fast"]);
    for package in PACKAGES {
        cargo.args(["--package", package]);
    }
    cargo
}

/// What the runner said, and whether it was content. Both streams share one pipe: cargo names the program on one, the
/// program its tests on the other.
fn output(root: &Path) -> Result<(String, bool)> {
    let (mut reader, writer) = std::io::pipe()?;
    let mut child = {
        let mut cargo = cargo_test(root);
        cargo
            .env("CARGO_TERM_COLOR", "never")
            .stdout(writer.try_clone()?)
            .stderr(writer);
        cargo.spawn().context("could not start `cargo test`")?
        // The command is dropped here with its ends of the pipe, so that the child's end is the last.
    };
    let mut output = Vec::new();
    reader.read_to_end(&mut output)?;
    let succeeded = child.wait()?.success();
    Ok((String::from_utf8_lossy(&output).into_owned(), succeeded))
}
