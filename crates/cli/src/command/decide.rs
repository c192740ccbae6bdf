use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use model::Name;
use recorder::{DecideRequest, PermitRequest};
use serde_json::Value;

use super::Global;
use crate::answer::{short, text};
use crate::argument::{AmongTrails, Span};
use crate::exit::Exit;
use crate::file;
use crate::show;
use crate::subject::Artifact;

/// Decides whether an artifact may run in an environment, by the policies in force.
///
/// The decision is recorded. Exits with 0 when it is allowed, and with 3 when it is denied.
#[derive(Debug, Args)]
pub(crate) struct Decide {
    /// A fingerprint, or a file or directory.
    artifact: Artifact,
    /// Where it is to run.
    #[arg(long, env = "TRAILMARK_ENVIRONMENT")]
    environment: Name,
    #[command(flatten)]
    among: AmongTrails,
    /// Asks for a permit, for who is to check it.
    #[arg(long, value_name = "AUDIENCE")]
    permit: Option<String>,
    /// How long the permit lives: at most, and by default, 15 minutes.
    #[arg(long, value_name = "SPAN", requires = "permit")]
    permit_for: Option<Span>,
    /// Writes the permit to a file, for `trailmark permit verify`.
    #[arg(long, value_name = "FILE", requires = "permit")]
    permit_file: Option<PathBuf>,
}

impl Decide {
    pub(crate) fn run(self, global: &Global) -> Result<Exit> {
        let request = DecideRequest {
            environment: self.environment,
            fingerprint: self.artifact.fingerprint()?,
            flow: self.among.flow,
            permit: self.permit.map(|audience| PermitRequest {
                audience,
                ttl_ms: self.permit_for.map(|span| span.ms),
            }),
            trail: self.among.trail,
        };
        let answer = global.client()?.post("/v1/decisions", &request)?;
        let permit = answer.get("permit").filter(|permit| !permit.is_null());
        if let (Some(permit), Some(path)) = (permit, &self.permit_file) {
            file::write(path, &serde_json::to_vec(permit)?)?;
        }
        global.output().answer(&answer, |page| {
            show::verdict(page, &answer);
            page.fields([
                ("decision", text(&answer, "/decision")),
                (
                    "permit",
                    permit.map_or_else(String::new, |permit| {
                        shown(permit, self.permit_file.as_ref())
                    }),
                ),
            ]);
        })?;
        Ok(exit(&answer))
    }
}

/// Says where the permit is, or shows it where it is nowhere else.
fn shown(permit: &Value, file: Option<&PathBuf>) -> String {
    match file {
        Some(path) => format!(
            "written to {}, signed by {}",
            path.display(),
            short(permit, "/signatures/0/keyid")
        ),
        None => permit.to_string(),
    }
}

/// How a verdict ends a command.
pub(super) fn exit(answer: &Value) -> Exit {
    if text(answer, "/verdict") == "allowed" {
        Exit::Done
    } else {
        Exit::Denied
    }
}
