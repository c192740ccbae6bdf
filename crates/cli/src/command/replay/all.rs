//! Every decision and trial of a journal, counted.

use std::collections::BTreeMap;
use std::num::NonZero;

use anyhow::Result;
use model::{EntryHash, Fingerprint, Name};
use recorder::{Asked, Past, ReplayError, Replayed, for_all, timestamp};
use serde::Serialize;

use crate::command::Global;
use crate::exit::Exit;
use crate::output::{Page, printable};
use crate::past::{self, Bar};

/// What came of it all.
#[derive(Default, Serialize)]
struct Summary {
    decisions: u64,
    trials: u64,
    /// The same to the bit.
    agreed: u64,
    /// Among those, trials of policies that are not in the journal: their dossiers are the same.
    dossiers_only: u64,
    /// Among those, what rests on streams that are not shown to be complete.
    unproved: u64,
    differ: u64,
    /// This machine came to no verdict.
    undecided: u64,
    /// All of the last two.
    differences: Vec<Difference>,
}

/// One that is not the same.
#[derive(Serialize)]
struct Difference {
    entry: EntryHash,
    trial: bool,
    fingerprint: Fingerprint,
    flow: Name,
    environment: Name,
    recorded: String,
    because: String,
}

pub(super) fn run(
    global: &Global,
    past: &Past<'_>,
    threads: Option<NonZero<usize>>,
) -> Result<Exit> {
    let policies = past::policies()?;
    let mut summary = Summary::default();
    let mut differences = BTreeMap::new();
    let mut bar = Bar::of(past.asked().len());
    for_all(
        past.asked(),
        threads,
        |asked| past.replay(asked, &policies),
        |place, result| {
            bar.step();
            let asked = past.asked().get(place);
            if let Some((asked, error)) = asked.zip(summary.count(&result)) {
                differences.insert(place, Difference::new(asked, error));
            }
            if let Some(asked) = asked {
                *summary.sort(asked) += 1;
            }
        },
    );
    drop(bar);
    summary.differences = differences.into_values().collect();
    global
        .output()
        .answer(&summary, |page| summary.shown(page))?;
    Ok(match (summary.differ, summary.undecided) {
        (0, 0) => Exit::Done,
        (0, _) => Exit::Failed,
        _ => Exit::Unverified,
    })
}

impl Summary {
    const fn sort(&mut self, asked: &Asked) -> &mut u64 {
        if asked.trial {
            &mut self.trials
        } else {
            &mut self.decisions
        }
    }

    /// Counts a result, and returns what is wrong with it.
    fn count<'a>(&mut self, result: &'a Result<Replayed, ReplayError>) -> Option<&'a ReplayError> {
        match result {
            Ok(replayed) => {
                self.agreed += 1;
                self.dossiers_only += u64::from(!replayed.policies_ran);
                self.unproved += u64::from(!replayed.unproved.is_empty());
                None
            }
            Err(error @ ReplayError::Undecided { .. }) => {
                self.undecided += 1;
                Some(error)
            }
            Err(error) => {
                self.differ += 1;
                Some(error)
            }
        }
    }

    fn shown(&self, page: &mut Page) {
        for difference in &self.differences {
            let bad = page.style.bad("differs");
            let sort = if difference.trial {
                "trial"
            } else {
                "decision"
            };
            page.line(format!(
                "{bad}  {sort} {} of {} in {} ({})",
                difference.entry, difference.flow, difference.environment, difference.recorded
            ));
            page.line(format!("  {}", printable(&difference.because)));
        }
        let whole = if self.differences.is_empty() {
            page.style.good("all the same")
        } else {
            page.style.bad("not all the same")
        };
        page.line(whole);
        let unless_none = |count: u64, text: &str| match count {
            0 => String::new(),
            count => format!("{count} {text}"),
        };
        page.fields([
            ("decisions", self.decisions.to_string()),
            ("trials", self.trials.to_string()),
            ("agreed", self.agreed.to_string()),
            ("differ", self.differ.to_string()),
            ("undecided", unless_none(self.undecided, "here and now")),
            (
                "by dossier",
                unless_none(
                    self.dossiers_only,
                    "trials, whose own policies are not in the journal",
                ),
            ),
            (
                "unproved",
                unless_none(
                    self.unproved,
                    "rest on streams that are not shown to be complete",
                ),
            ),
        ]);
    }
}

impl Difference {
    fn new(asked: &Asked, error: &ReplayError) -> Self {
        let mut because = error.to_string();
        let mut cause = std::error::Error::source(error);
        while let Some(error) = cause {
            because.push_str(": ");
            because.push_str(&error.to_string());
            cause = error.source();
        }
        Self {
            entry: asked.entry,
            trial: asked.trial,
            fingerprint: asked.question.fingerprint,
            flow: asked.question.flow.clone(),
            environment: asked.question.environment.clone(),
            recorded: timestamp::format(asked.recorded_ms),
            because,
        }
    }
}
