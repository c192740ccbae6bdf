//! The measurements. Nothing is asserted: figures are for reading beside their floors, measured in the same run.

use std::{ffi::OsString, path::Path};

use anyhow::Result;
use clap::ValueEnum;

use crate::{guests, process, steps::Steps, tools};

mod aws;
mod languages;
mod policy;

#[derive(clap::Args)]
pub struct Options {
    /// Measure this instead of the parts
    #[arg(value_enum)]
    subject: Option<Subject>,
    /// Only the benchmarks of this package, for example `trailmark-store`
    #[arg(long, conflicts_with = "subject")]
    package: Option<String>,
    /// See whether it works: built as for tests, and little of everything
    #[arg(long, requires = "subject")]
    quick: bool,
    /// With `policy`: a million evaluations of each, to see whether memory grows
    #[arg(long, requires = "subject", conflicts_with = "quick")]
    long: bool,
    /// Handed on to criterion, for example a name to filter by
    #[arg(last = true, conflicts_with = "subject")]
    criterion: Vec<OsString>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Subject {
    /// The second home, functions, DynamoDB and S3: needs Java, Maven and Python
    Aws,
    /// The same control in every language: size, compilation, evaluation; needs Node.js, Python, clang and lld
    Languages,
    /// Policies of every size over dossiers of every size, beside their floors
    Policy,
}

/// Runs the benchmarks of the crates and of the whole, optimised as in a release.
pub fn run(root: &Path, options: &Options) -> Result<()> {
    tools::c_compiler()?;
    match options.subject {
        Some(Subject::Aws) => return aws::run(root, options.quick),
        Some(Subject::Languages) => return languages::run(root, options.quick),
        Some(Subject::Policy) => return policy::run(root, options.quick, options.long),
        None => {}
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
