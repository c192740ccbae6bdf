use anyhow::Result;
use clap::Args;
use model::Name;
use recorder::ApproveRequest;

use super::Global;
use crate::argument::{AmongTrails, Span};
use crate::exit::Exit;
use crate::show;
use crate::subject::Artifact;

/// Approves an artifact's change for an environment.
///
/// It is given by the person whom the key speaks for. Whether it counts is found by each decision: that of somebody who took part in the change does not.
#[derive(Debug, Args)]
pub(crate) struct Approve {
    #[command(flatten)]
    release: Release,
    /// How long the approval lives: at most 90 days [default: 7d].
    #[arg(long = "for", value_name = "SPAN")]
    lifetime: Option<Span>,
}

/// What is approved, and where.
#[derive(Debug, Args)]
pub(super) struct Release {
    /// A fingerprint, or a file or directory.
    artifact: Artifact,
    /// Where it is to run.
    #[arg(long, env = "TRAILMARK_ENVIRONMENT")]
    environment: Name,
    #[command(flatten)]
    among: AmongTrails,
    /// What is to be said about it.
    #[arg(long, value_name = "TEXT")]
    comment: Option<String>,
}

impl Release {
    pub(super) fn request(self, lifetime: Option<Span>) -> Result<ApproveRequest> {
        Ok(ApproveRequest {
            comment: self.comment,
            environment: self.environment,
            fingerprint: self.artifact.fingerprint()?,
            flow: self.among.flow,
            trail: self.among.trail,
            ttl_ms: lifetime.map(|span| span.ms),
        })
    }
}

impl Approve {
    pub(crate) fn run(self, global: &Global) -> Result<Exit> {
        let request = self.release.request(self.lifetime)?;
        let answer = global.client()?.post("/v1/approvals", &request)?;
        let what = format!("approval for {}", request.environment);
        global
            .output()
            .answer(&answer, |page| show::recorded(page, &what, &answer))?;
        Ok(Exit::Done)
    }
}
