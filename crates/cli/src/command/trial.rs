use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;
use model::Name;
use recorder::{TrialPolicy, TrialRequest};

use super::{Global, decide};
use crate::answer::text;
use crate::argument::{AmongTrails, JsonArgument};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::show;
use crate::subject::Artifact;

/// Tries policies on an artifact, those in force or others.
///
/// It is recorded, and never allows anything. Exits with 0 when it would be allowed, and with 3 when it would be denied.
#[derive(Debug, Args)]
pub(crate) struct Trial {
    /// A fingerprint, or a file or directory.
    artifact: Artifact,
    /// Where it would run [default: nowhere, so that no policy of an environment counts].
    #[arg(long, env = "TRAILMARK_ENVIRONMENT")]
    environment: Option<Name>,
    #[command(flatten)]
    among: AmongTrails,
    /// Rego source to try, instead of what is in force.
    #[arg(long = "policy", value_name = "FILE.rego")]
    policies: Vec<PathBuf>,
    /// The parameters of the policies to try: JSON, or `@` and a file.
    #[arg(long, value_name = "JSON", requires = "policies")]
    parameters: Option<JsonArgument>,
}

impl Trial {
    pub(crate) fn run(self, global: &Global) -> Result<Exit> {
        let parameters = self.parameters.as_ref().map(JsonArgument::read);
        let parameters = parameters.transpose()?.unwrap_or_default();
        let policies = self.policies.iter().map(|path| {
            Ok(TrialPolicy {
                name: name(path)?,
                parameters: parameters.clone(),
                rego: std::fs::read_to_string(path)
                    .with_context(|| format!("could not read `{}`", path.display()))?,
            })
        });
        let request = TrialRequest {
            environment: self.environment,
            fingerprint: self.artifact.fingerprint()?,
            flow: self.among.flow,
            policies: policies.collect::<Result<_>>()?,
            trail: self.among.trail,
        };
        let answer = global.client()?.post("/v1/trials", &request)?;
        global.output().answer(&answer, |page| {
            page.line("a trial, which allows nothing:");
            show::verdict(page, &answer);
            page.fields([("trial", text(&answer, "/trial"))]);
        })?;
        Ok(decide::exit(&answer))
    }
}

/// A policy to try is called as its file is.
fn name(path: &Path) -> Result<Name> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    Ok(stem.parse().map_err(|error| {
        Failure::usage(format!("`{}` gives no name to a policy", path.display())).because(error)
    })?)
}
