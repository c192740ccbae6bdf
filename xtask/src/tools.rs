//! What a machine must have besides rustup's Rust: found, installed and said, or named in one line to type.

use std::{path::Path, process::Command};

use anyhow::{Result, bail};

use crate::process;

/// Makes sure that rustfmt and clippy are there.
pub fn format_and_lint(root: &Path) -> Result<()> {
    component(root, "rustfmt", "fmt")?;
    component(root, "clippy", "clippy")
}

/// Makes sure that a C compiler is there: SQLite is compiled with the rest.
pub fn c_compiler() -> Result<()> {
    let chosen = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    if process::text(Command::new(chosen).arg("--version")).is_none() {
        bail!(
            "there is no C compiler; type this line, then try again:\n  sudo apt-get install gcc libc6-dev"
        );
    }
    Ok(())
}

fn component(root: &Path, name: &str, subcommand: &str) -> Result<()> {
    let there = || process::text(process::cargo(root).args([subcommand, "--version"])).is_some();
    if there() {
        return Ok(());
    }
    println!("{name} is not here yet; installing: rustup component add {name}");
    process::quiet(
        Command::new("rustup")
            .current_dir(root)
            .args(["component", "add", name]),
    );
    if !there() {
        bail!(
            "{name} could not be installed from here; type this line, then try again:\n  rustup component add {name}"
        );
    }
    Ok(())
}
