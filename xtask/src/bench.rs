//! The measurements. Nothing is asserted: figures are for reading beside their floors, measured in the same run.

use std::{ffi::OsString, path::Path};

use anyhow::Result;

use crate::{guests, process, steps::Steps, tools};

#[derive(clap::Args)]
pub struct Options {
    /// Only the benchmarks of this package, for example `trailmark-store`
    #[arg(long)]
    package: Option<String>,
    /// Handed on to criterion, for example a name to filter by
    #[arg(last = true)]
    criterion: Vec<OsString>,
}

/// Runs the criterion benchmarks of the crates, optimised as in a release.
pub fn run(root: &Path, options: &Options) -> Result<()> {
    tools::c_compiler()?;
    let mut steps = Steps::of(2);
    steps.step("guests", || guests::build(root))?;
    steps.step("parts (criterion)", || parts(root, options))?;
    steps.finish("bench");
    Ok(())
}

/// `--benches` alone would run the unit tests of every library too: the names of the bench targets are given.
fn parts(root: &Path, options: &Options) -> Result<()> {
    let mut cargo = process::cargo(root);
    cargo.args(["bench", "--locked"]);
    let folder = match &options.package {
        Some(package) => {
            cargo.args(["--package", package]);
            package.trim_start_matches("trailmark-")
        }
        None => {
            cargo.arg("--workspace");
            ""
        }
    };
    let benches = bench_targets(root, folder)?;
    if benches.is_empty() {
        println!("there is no benchmark to run");
        return Ok(());
    }
    for bench in &benches {
        cargo.args(["--bench", bench]);
    }
    process::run(cargo.arg("--").args(&options.criterion))
}

/// Benchmarks are `benches/NAME.rs` of the crate in `folder`, or of any crate when it is empty.
fn bench_targets(root: &Path, folder: &str) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for member in std::fs::read_dir(root.join("crates"))? {
        let member = member?;
        if !folder.is_empty() && member.file_name() != folder {
            continue;
        }
        let Ok(benches) = std::fs::read_dir(member.path().join("benches")) else {
            continue;
        };
        for bench in benches {
            let path = bench?.path();
            if path.extension().is_some_and(|extension| extension == "rs") {
                names.extend(
                    path.file_stem()
                        .map(|stem| stem.to_string_lossy().into_owned()),
                );
            }
        }
    }
    names.sort();
    Ok(names)
}
