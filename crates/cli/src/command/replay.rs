use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use journal::note::Vkey;
use journal::verify::{self, Pin, VerifiedBundle};
use model::EntryHash;
use policy::stock;
use recorder::{Policies, Replayed};
use serde::Serialize;

use super::Global;
use super::verify::{open, wrong};
use crate::compiled;
use crate::exit::Exit;
use crate::failure::Failure;

/// Makes decisions again from a bundle, and compares them to the bit.
///
/// It needs the bundle alone, no recorder and no network. Exits with 4 when one differs.
#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// The decision's entry, or its first digits [default: every decision in the bundle].
    decision: Option<String>,
    /// The bundle, as `trailmark export` writes it.
    #[arg(long, value_name = "FILE")]
    bundle: PathBuf,
    /// The journal's log key, from somewhere else than the bundle: `name+id+base64`.
    #[arg(long, env = "TRAILMARK_LOG_KEY", value_name = "VKEY")]
    key: Option<Vkey>,
}

/// What is printed of a replayed decision.
#[derive(Serialize)]
struct Line {
    decision: EntryHash,
    verdict: model::kind::Verdict,
    environment: model::Name,
    fingerprint: model::Fingerprint,
    policies: usize,
    fuel: u64,
    reasons: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    exceptions: Vec<String>,
    unproved: Vec<model::StreamName>,
}

impl Replay {
    pub(crate) fn run(self, global: &Global) -> Result<Exit> {
        let pin = Pin {
            checkpoint: None,
            log_key: self.key.clone(),
        };
        let bundle = verify::open(open(&self.bundle)?, &pin).map_err(wrong)?;
        let decisions = self.decisions(&bundle)?;
        let policies = Policies::new(stock::engine().into(), compiled::cache())?;
        let mut lines = Vec::with_capacity(decisions.len());
        for decision in decisions {
            let replayed = recorder::replay(&bundle, &decision, &policies).map_err(|error| {
                let what = format!("decision `{decision}` does not stand");
                Failure::new(Exit::Unverified, what).because(error)
            })?;
            lines.push(Line::new(replayed));
        }
        global.output().answer(&lines, |page| {
            for line in &lines {
                let good = page.style.good("the same");
                page.line(format!(
                    "{good}  {} {} in {}: {} policies, {} fuel",
                    line.decision,
                    line.said(),
                    line.environment,
                    line.policies,
                    line.fuel
                ));
                for exception in &line.exceptions {
                    page.line(format!("  ! {exception}"));
                }
                for stream in &line.unproved {
                    page.line(format!("  stream {stream} is not shown to be complete"));
                }
            }
        })?;
        Ok(Exit::Done)
    }

    /// Finds the decisions that are meant, in the order of the log.
    fn decisions(&self, bundle: &VerifiedBundle) -> Result<Vec<EntryHash>> {
        let prefix = self.decision.as_deref().unwrap_or_default();
        let all = bundle
            .entries()
            .filter(|(_, entry)| entry.header().kind.as_str() == "decision");
        let found: Vec<_> = all
            .map(|(_, entry)| entry.hash())
            .filter(|hash| hash.to_string().starts_with(prefix))
            .collect();
        match found.as_slice() {
            [] => Err(Failure::new(
                Exit::Failed,
                format!("the bundle holds no decision `{prefix}`"),
            )
            .into()),
            [_, _, ..] if self.decision.is_some() => {
                Err(Failure::usage(format!("several decisions begin with `{prefix}`")).into())
            }
            _ => Ok(found),
        }
    }
}

impl Line {
    fn new(replayed: Replayed) -> Self {
        let Replayed {
            decision,
            grounds,
            unproved,
            decided,
        } = replayed;
        Self {
            decision,
            verdict: decided.verdict,
            environment: decided.environment,
            fingerprint: decided.fingerprint,
            policies: grounds.policies.len(),
            fuel: grounds
                .policies
                .iter()
                .map(|judged| judged.evaluation.fuel)
                .sum(),
            reasons: grounds.reasons(),
            exceptions: grounds.exceptions(),
            unproved,
        }
    }

    const fn said(&self) -> &'static str {
        match self.verdict {
            model::kind::Verdict::Allowed => "allowed",
            model::kind::Verdict::Denied => "denied",
        }
    }
}
