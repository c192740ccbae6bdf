use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use journal::key::PublicKey;
use model::Name;
use recorder::{PermitError, Permitted, timestamp};

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
    /// The journal's permit key, hexadecimal: `keys/permit.pub` in the recorder's data folder. While one takes another's
    /// place both may be given, with a comma.
    #[arg(
        long = "key",
        env = "TRAILMARK_PERMIT_KEY",
        value_name = "HEX",
        required = true,
        value_delimiter = ','
    )]
    keys: Vec<PublicKey>,
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
        let permitted = self
            .check(&permit)
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
            for exception in &permitted.exceptions {
                page.line(format!("  ! passes by exception {exception}"));
            }
        })?;
        Ok(Exit::Done)
    }

    /// Checks the permit by the key that signed it.
    fn check(&self, permit: &recorder::Permit) -> Result<Permitted, PermitError> {
        let mut checked = Err(PermitError::Signature);
        for key in &self.keys {
            checked = permit.check(key, now_ms());
            if !matches!(checked, Err(PermitError::Signature)) {
                break;
            }
        }
        checked
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
