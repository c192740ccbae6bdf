mod change;
mod record;

use anyhow::Result;
use clap::{Args, Subcommand};
use model::Name;

use super::Global;
use crate::answer::{list, text};
use crate::argument::AmongTrails;
use crate::exit::Exit;
use crate::show;
use crate::subject;

/// Artifacts: what was built, known by fingerprint.
#[derive(Debug, Subcommand)]
pub(crate) enum Artifact {
    Record(Box<record::Record>),
    Show(Show),
    List(List),
    Dossier(Dossier),
}

/// Shows everything recorded about an artifact.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// A fingerprint, or a file or directory.
    artifact: subject::Artifact,
    /// Prints its dossier instead: what policies judge, the input of `trailmark policy eval`.
    #[arg(long, requires = "environment")]
    dossier: bool,
    /// Where it is to run.
    #[arg(long, env = "TRAILMARK_ENVIRONMENT")]
    environment: Option<Name>,
    #[command(flatten)]
    among: AmongTrails,
}

/// Lists artifacts by fingerprint.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only those whose fingerprint begins so.
    #[arg(default_value = "")]
    prefix: String,
}

/// Prints the dossier of an artifact as policies see it: their input, in JSON.
#[derive(Debug, Args)]
pub(crate) struct Dossier {
    /// A fingerprint, or a file or directory.
    artifact: subject::Artifact,
    /// Where it is to run.
    #[arg(long, env = "TRAILMARK_ENVIRONMENT")]
    environment: Name,
    #[command(flatten)]
    among: AmongTrails,
}

impl Artifact {
    pub(crate) fn run(self, global: &Global) -> Result<Exit> {
        match self {
            Self::Record(command) => command.run(global),
            Self::Show(command) => command.run(global),
            Self::List(command) => command.run(global),
            Self::Dossier(command) => command.run(global),
        }
    }
}

impl Show {
    fn run(self, global: &Global) -> Result<Exit> {
        if let (true, Some(environment)) = (self.dossier, self.environment) {
            let dossier = Dossier {
                artifact: self.artifact,
                environment,
                among: self.among,
            };
            return dossier.run(global);
        }
        let path = format!("/v1/artifacts/{}", self.artifact.fingerprint()?);
        let answer = global.client()?.get(&path, &[])?;
        global.output().answer(&answer, |page| {
            page.fields([("fingerprint", text(&answer, "/fingerprint"))]);
            show::recorded_in(page, list(&answer, "/recorded_in"));
            show::entries(page, list(&answer, "/entries"));
            if !list(&answer, "/running").is_empty() {
                show::entries(page, list(&answer, "/running"));
            }
        })?;
        Ok(Exit::Done)
    }
}

impl List {
    fn run(self, global: &Global) -> Result<Exit> {
        let query = [("prefix", self.prefix.as_str())];
        let query = if self.prefix.is_empty() {
            &[][..]
        } else {
            &query
        };
        let answer = global.client()?.get("/v1/artifacts", query)?;
        global.output().answer(&answer, |page| {
            let artifacts = list(&answer, "");
            for artifact in artifacts {
                page.line(text(artifact, ""));
            }
            if artifacts.is_empty() {
                page.line("no artifact was recorded");
            }
        })?;
        Ok(Exit::Done)
    }
}

impl Dossier {
    fn run(self, global: &Global) -> Result<Exit> {
        let fingerprint = self.artifact.fingerprint()?;
        let answer = self
            .among
            .dossier(&global.client()?, &fingerprint, &self.environment)?;
        let pretty = serde_json::to_string_pretty(&answer)?;
        global.output().answer(&answer, |page| page.line(pretty))?;
        Ok(Exit::Done)
    }
}
