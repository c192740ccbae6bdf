//! The template of `infra/`, as those see it who check templates for a living.

use std::{path::Path, process::Command};

use anyhow::{Result, ensure};

use super::python::Tools;
use crate::process;

const TEMPLATE: &str = "infra/template.yaml";
const CHECKOV_SETTINGS: &str = "infra/.checkov.yaml";
/// Nobody is asked there; a template is checked for some region.
const REGION: &str = "eu-west-1";

/// SAM's own check, with what its linter knows.
pub fn sam_validate(root: &Path, tools: &Tools) -> Result<()> {
    process::run(
        tool(root, tools, "sam")?
            .args(["validate", "--lint", "--region", REGION])
            .args(["--template", TEMPLATE])
            .env("SAM_CLI_TELEMETRY", "0")
            // Where it keeps its settings, instead of in the home folder.
            .env("__SAM_CLI_APP_DIR", root.join(super::FOLDER).join("sam")),
    )
}

/// Types, values and references by CloudFormation's own specification.
pub fn cfn_lint(root: &Path, tools: &Tools) -> Result<()> {
    process::run(
        tool(root, tools, "cfn-lint")?
            .args(["--regions", REGION])
            .args(["--template", TEMPLATE]),
    )?;
    println!("cfn-lint found nothing in {TEMPLATE}");
    Ok(())
}

/// What a security reviewer asks for; what is not done stands with its reason in the settings.
pub fn checkov(root: &Path, tools: &Tools) -> Result<()> {
    process::run(
        tool(root, tools, "checkov")?
            .args(["--config-file", CHECKOV_SETTINGS, "--skip-download"])
            .args(["--file", TEMPLATE])
            .env("CKV_SKIP_PACKAGE_UPDATE_CHECK", "true"),
    )
}

/// A tool that finds no template may well say that nothing is wrong.
fn tool(root: &Path, tools: &Tools, program: &str) -> Result<Command> {
    for path in [TEMPLATE, CHECKOV_SETTINGS] {
        ensure!(root.join(path).is_file(), "there is no `{path}`");
    }
    let mut command = tools.command(program);
    super::hide(&mut command);
    command.current_dir(root);
    Ok(command)
}
