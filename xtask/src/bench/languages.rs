//! The same control in every language that there is a template of.

use std::path::Path;

use anyhow::Result;

use crate::{guests, languages::Languages, process, steps::Steps};

/// Installs the languages' tools, and measures what they build.
pub fn run(root: &Path, quick: bool) -> Result<()> {
    let mut steps = Steps::of(3);
    let languages = steps.step("tools of other languages", || Languages::installed(root))?;
    steps.step("guests", || guests::build(root))?;
    steps.step("benchmark", || {
        let mut cargo = process::cargo(root);
        cargo.args(["bench", "--locked", "--bench", "languages"]);
        // Built as for tests, it shares what they have built; optimised, it needs only the packages below it.
        match quick {
            true => cargo.args(["--workspace", "--profile", "dev"]),
            false => cargo.args(["--package", "trailmark-workbench"]),
        };
        cargo.arg("--");
        if quick {
            cargo.arg("--quick");
        }
        process::run(cargo.envs(languages.environment()))
    })?;
    steps.finish("bench languages");
    Ok(())
}
