//! Every check that a change must pass, in the order in which they fail fastest.

use std::{path::Path, process::Command};

use anyhow::Result;

use crate::{guests, lint, process, readme, steps::Steps, tools, wasm};

/// The crates that strangers may run anywhere, a browser included.
const PORTABLE: [&str; 2] = ["trailmark-model", "trailmark-journal"];

/// What is compiled and run: unit and integration tests, and the programs they start. Benchmarks are not run.
const TARGETS: [&str; 5] = ["--workspace", "--locked", "--lib", "--bins", "--tests"];

/// Runs all steps; the first that fails ends it.
pub fn run(root: &Path) -> Result<()> {
    tools::format_and_lint(root)?;
    tools::c_compiler()?;
    let mut steps = Steps::of(8);
    steps.step("format", || lint::format(root))?;
    steps.step("guests", || guests::build(root))?;
    steps.step("clippy", || lint::clippy(root))?;
    // Tests and programs in one command: with the same features, nothing is compiled twice.
    steps.step("build", || {
        process::run(process::cargo(root).arg("build").args(TARGETS))
    })?;
    steps.step("tests", || process::run(&mut tests(root)))?;
    steps.step("documentation tests", || {
        process::run(process::cargo(root).args(["test", "--workspace", "--locked", "--doc"]))
    })?;
    steps.step("model and journal for WebAssembly", || portable(root))?;
    steps.step("commands of the README", || readme::check(root))?;
    steps.finish("test");
    Ok(())
}

fn tests(root: &Path) -> Command {
    let mut cargo = process::cargo(root);
    cargo.arg("test").args(TARGETS).arg("--no-fail-fast");
    cargo
}

fn portable(root: &Path) -> Result<()> {
    let toolchain = wasm::Toolchain::find()?;
    println!("{}", toolchain.describe());
    let mut cargo = toolchain.cargo("check", root, &root.join("target/wasm"));
    for package in PORTABLE {
        cargo.args(["--package", package]);
    }
    process::run(cargo.args(["--lib", "--locked"]))
}
