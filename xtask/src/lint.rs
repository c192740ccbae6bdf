//! The quick checks, for every day: format, clippy, dependencies.

use std::path::Path;

use anyhow::Result;

use crate::{guests, process, steps::Steps, tools};

/// Runs format, clippy and, where it is installed, cargo-deny.
pub fn run(root: &Path) -> Result<()> {
    tools::format_and_lint(root)?;
    tools::c_compiler()?;
    let mut steps = Steps::of(4);
    steps.step("format", || format(root))?;
    steps.step("guests", || guests::build(root))?;
    steps.step("clippy", || clippy(root))?;
    steps.step("dependencies", || dependencies(root))?;
    steps.finish("lint");
    Ok(())
}

/// Checks the format of this workspace and of the policies' own.
pub fn format(root: &Path) -> Result<()> {
    process::run(process::cargo(root).args(["fmt", "--all", "--check"]))?;
    let policies = root.join("policies");
    if policies.join("Cargo.toml").is_file() {
        process::run(process::cargo(&policies).args(["fmt", "--all", "--check"]))?;
    }
    Ok(())
}

/// Runs clippy over every target; a warning fails it.
pub fn clippy(root: &Path) -> Result<()> {
    let arguments = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "-D",
        "warnings",
    ];
    process::run(process::cargo(root).args(arguments))
}

fn dependencies(root: &Path) -> Result<()> {
    if process::text(process::cargo(root).args(["deny", "--version"])).is_none() {
        println!(
            "cargo-deny is not installed, deny.toml is not checked; to have it: cargo install --locked cargo-deny"
        );
        return Ok(());
    }
    process::run(process::cargo(root).args([
        "deny",
        "--workspace",
        "check",
        "bans",
        "licenses",
        "sources",
    ]))
}
