//! Impact: what would another policy have said of what was decided?

use model::kind::Verdict;
use model::{Name, Root};
use policy::{Outcome, Prepared, Undecided};
use serde_json::Value;

use super::{Asked, Past};
use crate::decision::{Grounds, Judged};
use crate::error::HistoryError;
use crate::judge::{Seen, weigh};
use crate::replay::{ReplayError, not_judged};

/// A policy that was not in force, and how it is measured.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// What it is called.
    pub name: Name,
    /// Its parameters, an object [default: those of the policy that it is measured by, or none].
    pub parameters: Option<Value>,
    /// The policy.
    pub prepared: Prepared,
    /// Against what it is measured.
    pub measure: Measure,
}

/// Against what a candidate is measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Measure {
    /// What it says alone, against what the policy of this name said then; against the whole decision, where none of
    /// that name took part.
    Alone(Name),
    /// The decision with the candidate in the place of the policy of this name, against the decision as it was made.
    InsteadOf(Name),
}

/// A verdict, and the reasons where it denies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// How many exceptions it took to allow it.
    pub exceptions: u64,
    /// The verdict.
    pub verdict: Verdict,
    /// A line for each reason; empty when it is allowed.
    pub reasons: Vec<String>,
}

/// What a candidate does to one decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Impact {
    /// Nothing: the policy that it replaces took no part, or no policy was asked.
    Untouched,
    /// It came to no verdict here and now.
    Undecided(Undecided),
    /// Both verdicts.
    Weighed {
        /// What was said then.
        was: Said,
        /// What would have been said.
        would: Said,
    },
}

impl Past<'_> {
    /// Runs a candidate over the dossier of a decision, exactly as the decision saw it.
    ///
    /// An exception is one from a policy that was bound. So those that counted for the replaced policy are in what was said
    /// then, and not in what the candidate would have said; those from other policies count as they did.
    ///
    /// # Errors
    /// When the dossier is not the one that was recorded, or what it is built from is not here.
    pub fn impact(&self, asked: &Asked, candidate: &Candidate) -> Result<Impact, ReplayError> {
        let recorded = self.grounds(asked)?;
        if recorded.builder != model::dossier::BUILDER {
            return Err(ReplayError::Builder(recorded.builder));
        }
        let (Measure::Alone(measured_by) | Measure::InsteadOf(measured_by)) = &candidate.measure;
        let in_place = matches!(candidate.measure, Measure::InsteadOf(_));
        let is_measure = |judged: &&Judged| judged.name == *measured_by;
        let replaced: Vec<&Judged> = recorded.policies.iter().filter(is_measure).collect();
        if recorded.dossier.is_none() || (in_place && replaced.is_empty()) {
            return Ok(Impact::Untouched);
        }
        // Under one name there may be several bindings, each with its parameters.
        let none = Value::Object(serde_json::Map::new());
        let mut bound: Vec<&Value> = replaced.iter().map(|judged| &judged.parameters).collect();
        match &candidate.parameters {
            Some(given) if bound.is_empty() => bound.push(given),
            Some(given) => bound.fill(given),
            None if bound.is_empty() => bound.push(&none),
            None => {}
        }
        let new = self.judged(asked, &recorded, candidate, &bound)?;
        if let Some(cause) = new.iter().find_map(undecided) {
            return Ok(Impact::Undecided(cause));
        }
        let (mut then, mut now) = (recorded.clone(), recorded.clone());
        if in_place {
            let replaced = now
                .policies
                .iter_mut()
                .filter(|judged| judged.name == *measured_by);
            for (judged, new) in replaced.zip(new) {
                let advisory = judged.advisory;
                *judged = Judged { advisory, ..new };
            }
        } else {
            if !replaced.is_empty() {
                then.policies.retain(|judged| judged.name == *measured_by);
                then.policies
                    .iter_mut()
                    .for_each(|judged| judged.advisory = false);
            }
            now.denial = None;
            now.policies = new;
        }
        Ok(Impact::Weighed {
            was: Said::by(&then),
            would: Said::by(&now),
        })
    }

    /// Runs a candidate with each of its parameters.
    fn judged(
        &self,
        asked: &Asked,
        recorded: &Grounds,
        candidate: &Candidate,
        bound: &[&Value],
    ) -> Result<Vec<Judged>, ReplayError> {
        let scene = self.scene(recorded)?;
        let (limits, question) = (&recorded.limits, &asked.question);
        let weighed = weigh(&scene.definitions, &scene.history, question, limits);
        let (found, seen) = weighed.map_err(not_judged)?;
        let shown = |digest: Option<Root>| {
            digest.map_or_else(|| "none".to_owned(), |digest| digest.to_string())
        };
        if found.dossier != recorded.dossier {
            return Err(ReplayError::Differs {
                what: "dossier".to_owned(),
                recorded: shown(recorded.dossier),
                found: shown(found.dossier),
            });
        }
        let entry = asked.entry;
        let Seen { input, .. } = seen.ok_or(HistoryError::PayloadMissing { entry })?;
        let judged = |parameters: &&Value| {
            let text = parameters.to_string();
            Judged {
                advisory: false,
                binding: None,
                exceptions: Vec::new(),
                evaluation: candidate.prepared.evaluate(&input, &text, limits),
                identity: candidate.prepared.identity().clone(),
                name: candidate.name.clone(),
                parameters: (*parameters).clone(),
                policy: None,
            }
        };
        Ok(bound.iter().map(judged).collect())
    }
}

fn undecided(judged: &Judged) -> Option<Undecided> {
    match judged.evaluation.outcome {
        Outcome::Undecided(cause) => Some(cause),
        _ => None,
    }
}

impl Said {
    fn by(grounds: &Grounds) -> Self {
        Self {
            exceptions: grounds.exceptions_used(),
            verdict: grounds.verdict(),
            reasons: grounds.reasons(),
        }
    }
}
