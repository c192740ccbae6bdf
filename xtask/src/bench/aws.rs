//! The second home's measurements, beside the servers that play AWS.

use std::{path::Path, process::Command};

use anyhow::Result;

use crate::{aws::Servers, guests, process, steps::Steps, tools};

/// One choice of packages and features for all that is built, so that nothing is compiled twice.
const PACKAGES: [&str; 9] = [
    "trailmark-home",
    "trailmark-ingest",
    "trailmark-decide",
    "trailmark-approve",
    "trailmark-snapshot",
    "trailmark-query",
    "trailmark-seal",
    "trailmark-store",
    "trailmark-tests",
];
const FEATURES: &str = "trailmark-store/aws,trailmark-store/conformance";
/// How the functions start; what entries cost; how the sealer catches up.
const BENCHES: [&str; 3] = ["start", "aws", "seal"];
/// How many entries the sealer is behind.
const BEHIND: &str = "100000";
const BEHIND_QUICKLY: &str = "2000";

/// Builds the functions once, and measures.
pub fn run(root: &Path, quick: bool) -> Result<()> {
    tools::java_maven_and_python()?;
    let mut steps = Steps::of(3);
    steps.step("guests", || guests::build(root))?;
    let profile = if quick { "dev" } else { "release" };
    steps.step("functions", || {
        let mut cargo = cargo(root, "build", profile);
        process::run(cargo.args(["--bins", "--example", "hello"]))
    })?;
    steps.step("benchmarks", || {
        let servers = Servers::start(root)?;
        let mut cargo = cargo(root, "bench", profile);
        for bench in BENCHES {
            cargo.args(["--bench", bench]);
        }
        servers.show(&mut cargo);
        let behind = if quick { BEHIND_QUICKLY } else { BEHIND };
        process::run(cargo.args(["--", behind]))
    })?;
    steps.finish("bench aws");
    Ok(())
}

fn cargo(root: &Path, command: &str, profile: &str) -> Command {
    let mut cargo = process::cargo(root);
    cargo.args([
        command,
        "--locked",
        "--profile",
        profile,
        "--features",
        FEATURES,
    ]);
    for package in PACKAGES {
        cargo.args(["--package", package]);
    }
    cargo
}
