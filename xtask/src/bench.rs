//! The measurements. Nothing is asserted: figures are for reading beside their floors, measured in the same run.

use std::{ffi::OsString, path::Path};

use anyhow::Result;
use clap::ValueEnum;

use crate::{guests, process, steps::Steps, tools};

mod aws;

#[derive(clap::Args)]
pub struct Options {
    /// Measure this home instead of the parts
    #[arg(value_enum)]
    home: Option<Home>,
    /// Only the benchmarks of this package, for example `trailmark-store`
    #[arg(long, conflicts_with = "home")]
    package: Option<String>,
    /// See whether it works: built as for tests, and little of everything
    #[arg(long, requires = "home")]
    quick: bool,
    /// Handed on to criterion, for example a name to filter by
    #[arg(last = true, conflicts_with = "home")]
    criterion: Vec<OsString>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Home {
    /// Functions, DynamoDB and S3: needs Java, Maven and Python
    Aws,
}

/// Runs the benchmarks of the crates and of the whole, optimised as in a release.
pub fn run(root: &Path, options: &Options) -> Result<()> {
    tools::c_compiler()?;
    if options.home == Some(Home::Aws) {
        return aws::run(root, options.quick);
    }
    let mut steps = Steps::of(2);
    steps.step("guests", || guests::build(root))?;
    steps.step("benchmarks", || all(root, options))?;
    steps.finish("bench");
    Ok(())
}

/// `--benches` alone would run the unit tests of every library too.
fn all(root: &Path, options: &Options) -> Result<()> {
    let mut cargo = process::cargo(root);
    cargo.args(["bench", "--locked", "--bench", "*"]);
    match &options.package {
        Some(package) => cargo.args(["--package", package]),
        None => cargo.arg("--workspace"),
    };
    process::run(cargo.arg("--").args(&options.criterion))
}
