//! Policies' measurements: evaluation beside bare instances and native regorus, and the past gone through.

use std::path::Path;

use anyhow::Result;

use crate::{guests, process, steps::Steps};

/// Builds guests and the two benchmarks, and measures.
pub fn run(root: &Path, quick: bool, long: bool) -> Result<()> {
    let mut steps = Steps::of(2);
    steps.step("guests", || guests::build(root))?;
    steps.step("benchmark", || {
        let mut cargo = process::cargo(root);
        cargo.args(["bench", "--locked", "--bench", "policy", "--bench", "past"]);
        // Built as for tests, it shares what they have built; optimised, it needs only the packages below it.
        match quick {
            true => cargo.args(["--workspace", "--profile", "dev"]),
            false => cargo.args([
                "--package",
                "trailmark-policy",
                "--package",
                "trailmark-recorder",
            ]),
        };
        cargo.arg("--");
        if quick {
            cargo.arg("--quick");
        }
        if long {
            cargo.arg("--long");
        }
        process::run(&mut cargo)
    })?;
    steps.finish("bench policy");
    Ok(())
}
