//! The tools for AWS that come from PyPI, in two environments of their own.

use std::{
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::{install, process};

/// moto plays S3 and the rest of AWS; the others build and check what is deployed.
const TOOLS: [&str; 4] = [
    "aws-sam-cli==1.170.0",
    "cargo-lambda==1.9.2",
    "cfn-lint==1.58.0",
    "moto[server]==5.2.5",
];
/// It wants another boto3 than SAM does.
const CHECKOV: [&str; 1] = ["checkov==3.3.30"];

/// The folder of the programs, all of them in one.
pub struct Tools(PathBuf);

impl Tools {
    /// Finds them below `root`, or fetches them and says so.
    pub fn installed(root: &Path) -> Result<Self> {
        let aws = root.join(super::FOLDER);
        let tools = aws.join("venv");
        let checkov = aws.join("venv-checkov");
        environment(&tools, &TOOLS, || {
            symlink(checkov.join("bin/checkov"), tools.join("bin/checkov"))
                .context("could not link to checkov")
        })?;
        environment(&checkov, &CHECKOV, || Ok(()))?;
        Ok(Self(tools.join("bin")))
    }

    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// Starts a command for one of the programs.
    pub fn command(&self, program: &str) -> Command {
        Command::new(self.0.join(program))
    }

    /// The words that serve moto on `port` of this machine alone.
    pub fn serve_moto(&self, guard: &mut Command, port: u16) {
        guard
            .arg(self.0.join("moto_server"))
            .args(["-H", "127.0.0.1", "-p", &port.to_string()]);
    }
}

/// Makes one environment; a Python that was exchanged or a checkout that was moved makes it stale.
fn environment(
    folder: &Path,
    requirements: &[&str],
    finish: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let asked = "import sys; print(sys.version, sys._base_executable)";
    let python = process::line(Command::new("python3").args(["-c", asked]))
        .context("could not ask `python3` for its version")?;
    let recipe = format!(
        "{python}\n{}\n{}",
        folder.display(),
        requirements.join("\n")
    );
    install::once(folder, &recipe, |lock| {
        process::run(
            Command::new("python3")
                .stdin(lock.try_clone()?)
                .args(["-m", "venv"])
                .arg(folder),
        )?;
        process::run(
            Command::new(folder.join("bin/python"))
                .stdin(lock.try_clone()?)
                .args(["-m", "pip", "install", "--quiet", "--no-input"])
                .arg("--disable-pip-version-check")
                .args(requirements),
        )?;
        finish()
    })
}
