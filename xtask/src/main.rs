//! Trailmark's own commands: `cargo xtask demo|test|lint|bench|fuzz|guests|aws`.
//!
//! Each command does its own set-up on a machine that has git, rustup's Rust and a C compiler: what else is needed it
//! finds or installs, saying so, and where it may not, it prints the one line to type and stops.
#![expect(
    clippy::print_stdout,
    reason = "these commands talk to a person on a terminal"
)]

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

mod aws;
mod bench;
mod demo;
mod fuzz;
mod go;
mod guests;
mod install;
mod languages;
mod lint;
mod process;
mod readme;
mod scratch;
mod steps;
mod test;
mod tools;
mod wasm;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Trailmark's own commands")]
struct Xtask {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Walk one commit of this repository to production, on a server of its own
    Demo,
    /// Run every check: format, infrastructure, guests, clippy, tests, documentation, WebAssembly, README
    Test(test::Options),
    /// Run the quick checks: format, clippy, and dependencies where cargo-deny is installed
    Lint,
    /// Measure: the parts with criterion, `aws`: the second home, or `policy`: policies
    Bench(bench::Options),
    /// Run the readers of outside formats over kept and new inputs that nobody would write
    Fuzz(fuzz::Options),
    /// Build the WebAssembly policies
    Guests,
    /// Run a command beside DynamoDB Local and moto, for example `-- cargo test --package trailmark-store`
    Aws(aws::Options),
}

fn main() -> Result<ExitCode> {
    let root = root()?;
    let done = match Xtask::parse().command {
        Task::Demo => demo::run(&root),
        Task::Test(options) => test::run(&root, &options),
        Task::Lint => lint::run(&root),
        Task::Bench(options) => bench::run(&root, &options),
        Task::Fuzz(options) => fuzz::run(&root, &options),
        Task::Guests => guests::build(&root),
        Task::Aws(options) => return aws::run(&root, &options),
    };
    done.map(|()| ExitCode::SUCCESS)
}

/// The workspace that this xtask was built from.
fn root() -> Result<PathBuf> {
    let parent = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    Ok(parent
        .context("xtask has no workspace above it")?
        .to_owned())
}
