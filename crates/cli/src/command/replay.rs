mod all;

use anyhow::Result;
use clap::Args;
use model::EntryHash;
use recorder::{Asked, Past, Replayed, for_all};
use serde::Serialize;

use super::Global;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::past::{self, Bar, Journal};

/// Makes decisions again, and compares them to the bit.
///
/// It needs a bundle alone, no recorder and no network; or it asks a recorder for its journal, and believes nothing that
/// is not proved. Exits with 4 when one differs.
#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// The decision's entry, or its first digits [default: every decision].
    decision: Option<String>,
    /// Replays every decision and every trial, and counts instead of listing them: only differences are named.
    #[arg(long, conflicts_with = "decision")]
    all: bool,
    #[command(flatten)]
    journal: Journal,
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
        let bundle = self.journal.read(global)?;
        let past = Past::new(&bundle)?;
        if self.all {
            return all::run(global, &past, self.journal.threads);
        }
        let decisions = self.decisions(&past)?;
        let policies = past::policies()?;
        let mut replayed = Vec::new();
        let mut bar = Bar::of(decisions.len());
        for_all(
            &decisions,
            self.journal.threads,
            |asked| past.replay(asked, &policies),
            |place, result| {
                bar.step();
                replayed.push((place, result));
            },
        );
        drop(bar);
        replayed.sort_by_key(|(place, _)| *place);
        let line = |((_, result), asked): ((_, Result<Replayed, _>), &&Asked)| {
            let what = || format!("decision `{}` does not stand", asked.entry);
            let failure = |error| Failure::new(Exit::Unverified, what()).because(error);
            result.map(Line::new).map_err(failure)
        };
        let lines = replayed.into_iter().zip(&decisions).map(line);
        let lines = lines.collect::<Result<Vec<_>, _>>()?;
        global.output().answer(&lines, |page| {
            for line in &lines {
                let good = page.style.good("the same");
                page.line(format!(
                    "{good}  {} {} in {}: {} policies, {} fuel",
                    line.decision,
                    said(line.verdict),
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
    fn decisions<'a>(&self, past: &'a Past<'_>) -> Result<Vec<&'a Asked>> {
        let prefix = self.decision.as_deref().unwrap_or_default();
        let found: Vec<_> = past
            .asked()
            .iter()
            .filter(|asked| !asked.trial && asked.entry.to_string().starts_with(prefix))
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
            question,
            verdict,
            ..
        } = replayed;
        Self {
            decision,
            verdict,
            environment: question.environment,
            fingerprint: question.fingerprint,
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
}

const fn said(verdict: model::kind::Verdict) -> &'static str {
    match verdict {
        model::kind::Verdict::Allowed => "allowed",
        model::kind::Verdict::Denied => "denied",
    }
}
