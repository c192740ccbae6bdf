use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use journal::key::PublicKey;
use model::Name;
use recorder::{Permitted, timestamp};

use super::Global;
use crate::argument::now_ms;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::subject::Artifact;

/// Permits: short-lived signed statements of an allowed decision, for the deploy step.
#[derive(Debug, Subcommand)]
pub(crate) enum Permit {
    Verify(Verify),
}

/// Checks a permit, without the recorder. Exits with 4 when it does not permit just this.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The permit, as `trailmark decide --permit-file` writes it.
    file: PathBuf,
    /// The journal's permit key, hexadecimal: `keys/permit.pub` in the recorder's data folder.
    #[arg(long, env = "TRAILMARK_PERMIT_KEY", value_name = "HEX")]
    key: PublicKey,
    /// What is to be deployed: a fingerprint, or a file or directory.
    #[arg(long)]
    artifact: Artifact,
    /// Where it is to be deployed.
    #[arg(long, env = "TRAILMARK_ENVIRONMENT")]
    environment: Name,
    /// For whom the permit must be.
    #[arg(long)]
    audience: String,
}

impl Permit {
    pub(crate) fn run(self, global: &Global) -> Result<Exit> {
        match self {
            Self::Verify(command) => command.run(global),
        }
    }
}

impl Verify {
    fn run(self, global: &Global) -> Result<Exit> {
        let bytes = std::fs::read(&self.file)
            .with_context(|| format!("could not read `{}`", self.file.display()))?;
        let wrong = || Failure::new(Exit::Unverified, "the permit does not permit this");
        let permit: recorder::Permit =
            serde_json::from_slice(&bytes).map_err(|error| wrong().because(error))?;
        let permitted = permit
            .check(&self.key, now_ms())
            .map_err(|error| wrong().because(error))?;
        self.compare(&permitted)
            .map_err(|reason| wrong().because(reason))?;
        global.output().answer(&permitted, |page| {
            let allowed = page.style.good("permitted");
            page.line(format!(
                "{allowed}  {} in {}",
                permitted.fingerprint, permitted.environment
            ));
            page.fields([
                ("journal", permitted.journal.clone()),
                ("decision", permitted.decision.to_string()),
                ("until", timestamp::format(permitted.expires_ms)),
            ]);
        })?;
        Ok(Exit::Done)
    }

    /// Compares what is permitted with what is to be done.
    fn compare(&self, permitted: &Permitted) -> Result<()> {
        let same = |what: &str, said: &str, wanted: &str| {
            anyhow::ensure!(said == wanted, "it is for {what} `{said}`, not `{wanted}`");
            Ok(())
        };
        let fingerprint = self.artifact.fingerprint()?.to_string();
        same("artifact", &permitted.fingerprint.to_string(), &fingerprint)?;
        let environment = permitted.environment.as_str();
        same("environment", environment, self.environment.as_str())?;
        same("audience", &permitted.audience, &self.audience)
    }
}
