//! Replay: makes recorded decisions again, from a verified bundle alone, and compares.

use journal::verify::VerifiedBundle;
use model::dossier::BUILDER;
use model::kind::Verdict;
use model::{Entry, EntryHash, Root, StreamName};
use policy::{Evaluation, Outcome, Undecided};

use crate::decision::{Grounds, Judged};
use crate::definitions::Definitions;
use crate::dossier::Question;
use crate::error::{HistoryError, RecorderError};
use crate::judge::{NotJudged, Panel, Participant, Run, in_turn, judge, weigh};
use crate::known::DEFINITIONS_AGE_MS_MAX;
use crate::past::{Asked, Past, Scene};
use crate::sandboxes::Policies;
use crate::trust::{Demands, identity};

/// What a replay found to be the same.
#[derive(Debug, Clone)]
pub struct Replayed {
    /// The decision or trial.
    pub decision: EntryHash,
    /// The grounds, as recorded and as found again.
    pub grounds: Grounds,
    /// Whether its policies were run again: those of a trial of one's own are not in the journal, only its dossier is
    /// built again.
    pub policies_ran: bool,
    /// What was asked.
    pub question: Question,
    /// Whether it was only a trial.
    pub trial: bool,
    /// The streams that it rests on and the bundle does not show to be complete up to it.
    pub unproved: Vec<StreamName>,
    /// What was decided.
    pub verdict: Verdict,
}

/// Why a decision does not stand.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The bundle does not hold it.
    #[error("the bundle holds no decision `{0}`")]
    NotThere(EntryHash),
    /// Something that it rests on is not in the bundle or cannot be read.
    #[error("what the decision rests on is not all there")]
    History(#[from] HistoryError),
    /// The sandbox cannot run its policies.
    #[error("the decision's policies cannot be run")]
    Policy(#[source] Box<RecorderError>),
    /// This program does not know how its dossier was built.
    #[error("dossiers of builder version `{0}` are not known")]
    Builder(u32),
    /// This machine got in the way: neither the same nor another verdict.
    #[error("policy `{policy}` came to no verdict this time: `{cause}`")]
    Undecided {
        /// The policy.
        policy: model::Name,
        /// What got in the way.
        cause: Undecided,
    },
    /// The recorded decision is not what follows from the record.
    #[error("the decision differs in {what}: `{recorded}` is recorded, `{found}` is found")]
    Differs {
        /// In what.
        what: String,
        /// What the journal says.
        recorded: String,
        /// What follows from the record.
        found: String,
    },
}

/// Makes a decision again and compares it to the bit: dossier, policies in force, verdicts, findings, fuel and memory.
///
/// Who replays many does it by one [`Past`].
///
/// # Errors
/// Names the first difference, or what is missing.
pub fn replay(
    bundle: &VerifiedBundle,
    decision: &EntryHash,
    policies: &Policies,
) -> Result<Replayed, ReplayError> {
    let past = Past::new(bundle)?;
    let asked = past.find(decision);
    past.replay(asked.ok_or(ReplayError::NotThere(*decision))?, policies)
}

impl Past<'_> {
    /// Makes a decision or a trial again and compares it to the bit, as [`replay`] does.
    ///
    /// # Errors
    /// Names the first difference, or what is missing.
    pub fn replay(&self, asked: &Asked, policies: &Policies) -> Result<Replayed, ReplayError> {
        let recorded = self.grounds(asked)?;
        if recorded.builder != BUILDER {
            return Err(ReplayError::Builder(recorded.builder));
        }
        if !asked.trial {
            let (_, entry) = self
                .bundle
                .entry(&asked.entry)
                .ok_or(ReplayError::NotThere(asked.entry))?;
            let expected = expected_places(entry, asked, &recorded);
            same("position", &places(&recorded), &expected)?;
        }
        let scene = self.scene(&recorded)?;
        self.check_definitions(scene.definitions.entries, asked.question.now_ms)?;
        if let Some(solo) = asked.solo {
            same("solo", &solo, &scene.definitions.solo)?;
        }
        let of_ones_own = recorded
            .policies
            .iter()
            .any(|judged| judged.policy.is_none());
        let policies_ran = !(asked.trial && of_ones_own);
        let mut found = if policies_ran {
            self.judged_again(&scene, asked, &recorded, policies)?
        } else {
            let Scene {
                definitions,
                history,
            } = &scene;
            let weighed = weigh(definitions, history, &asked.question, &recorded.limits);
            let (mut found, _) = weighed.map_err(not_judged)?;
            found.policies.clone_from(&recorded.policies);
            found
        };
        forget_undecided(&recorded, &mut found)?;
        compare(&recorded, &found)?;
        same("verdict", &asked.verdict, &found.verdict())?;
        if let Some(exceptions) = asked.exceptions {
            same(
                "number of exceptions",
                &exceptions,
                &found.exceptions_used(),
            )?;
        }
        Ok(Replayed {
            decision: asked.entry,
            policies_ran,
            question: asked.question.clone(),
            trial: asked.trial,
            unproved: self.unproved(&recorded),
            verdict: asked.verdict,
            grounds: recorded,
        })
    }

    fn judged_again(
        &self,
        scene: &Scene,
        asked: &Asked,
        recorded: &Grounds,
        policies: &Policies,
    ) -> Result<Grounds, ReplayError> {
        let demands = Demands::new(
            &scene.definitions,
            &recorded.policy_keys,
            asked.question.now_ms,
        );
        let participants =
            self.participants(&scene.definitions, &asked.question, &demands, policies)?;
        let panel = Panel {
            participants: &participants,
            limits: &recorded.limits,
            policy_keys: &recorded.policy_keys,
            evaluate: in_turn,
        };
        judge(&scene.definitions, &scene.history, &asked.question, &panel)
            .map_err(|error| not_judged(error).into())
    }

    /// Checks that a decision looked at the definitions that it must be judged by.
    ///
    /// By which rule stands in the journal, before the decision: where several recorders share it, by all that were recorded
    /// so long before as its `journal-shared` entry says, and by no others. Where there is one recorder, by all that it had,
    /// of which none that is missing may be older than 30 s.
    fn check_definitions(&self, seen: u64, now_ms: u64) -> Result<(), ReplayError> {
        if let Some(after_ms) = self.rules.in_force_after_ms(now_ms) {
            let until_ms = now_ms.checked_sub(after_ms);
            let in_force = until_ms.map_or(0, |until_ms| self.rules.recorded_by(until_ms));
            return same("number of definitions in force", &seen, &in_force);
        }
        let is_late = |(_, recorded_ms): &(EntryHash, u64)| {
            recorded_ms.saturating_add(DEFINITIONS_AGE_MS_MAX) < now_ms
        };
        let late = self.rules.at(seen).filter(is_late);
        same("definitions", &None, &late.map(|(entry, _)| entry))
    }

    fn participants(
        &self,
        definitions: &Definitions,
        question: &Question,
        demands: &Demands<'_>,
        policies: &Policies,
    ) -> Result<Vec<Participant>, ReplayError> {
        let in_force = definitions.in_force(&question.environment, &question.flow, question.now_ms);
        let participant = |binding: &crate::definitions::Binding| {
            let entry = binding.bound.policy;
            let missing = HistoryError::PayloadMissing { entry };
            let policy = definitions.policy(&entry).ok_or(missing)?;
            Ok(Participant {
                advisory: binding.bound.advisory,
                binding: Some(binding.entry),
                name: policy.name.clone(),
                parameters: binding.bound.parameters.clone(),
                policy: Some(entry),
                run: if self.may_run(definitions, policy, demands)? {
                    Run::Ready(self.prepared(&entry, definitions, policies)?)
                } else {
                    Run::NotSigned(identity(policy, definitions))
                },
            })
        };
        in_force.map(participant).collect()
    }
}

pub(crate) fn not_judged(error: NotJudged) -> HistoryError {
    match error {
        NotJudged::Missing(stream) => HistoryError::StreamMissing { stream, entries: 1 },
        NotJudged::History(error) => error,
    }
}

/// What was no verdict when it was recorded, of a policy that only reports, need not be none again; and what is none now
/// is no difference.
fn forget_undecided(recorded: &Grounds, found: &mut Grounds) -> Result<(), ReplayError> {
    let cause = |evaluation: &Evaluation| match evaluation.outcome {
        Outcome::Undecided(cause) => Some(cause),
        _ => None,
    };
    for (was, is) in recorded.policies.iter().zip(&mut found.policies) {
        if was.advisory && cause(&was.evaluation).is_some() {
            is.evaluation.clone_from(&was.evaluation);
            is.exceptions.clone_from(&was.exceptions);
        } else if let Some(cause) = cause(&is.evaluation) {
            let policy = is.name.clone();
            return Err(ReplayError::Undecided { policy, cause });
        }
    }
    Ok(())
}

/// A decision must have looked at the whole of what it was linked after: its own links say how much that was.
fn expected_places(entry: &Entry, asked: &Asked, recorded: &Grounds) -> Vec<(StreamName, u64)> {
    let own = |stream: &StreamName| entry.header().link(stream).map(|link| link.seq);
    let allowed = StreamName::allowed(&asked.question.environment, &asked.question.flow);
    let mut expected = places(recorded);
    for (stream, entries) in &mut expected {
        if *stream != allowed || asked.verdict == Verdict::Allowed {
            *entries = own(stream).unwrap_or(*entries);
        }
    }
    expected
}

fn places(grounds: &Grounds) -> Vec<(StreamName, u64)> {
    grounds
        .position
        .iter()
        .map(|place| (place.stream.clone(), place.entries))
        .collect()
}

fn compare(recorded: &Grounds, found: &Grounds) -> Result<(), ReplayError> {
    let digest = |dossier: &Option<Root>| {
        dossier.map_or_else(|| "none".to_owned(), |digest| digest.to_string())
    };
    same(
        "dossier",
        &digest(&recorded.dossier),
        &digest(&found.dossier),
    )?;
    same("denial", &recorded.denial, &found.denial)?;
    same(
        "number of policies",
        &recorded.policies.len(),
        &found.policies.len(),
    )?;
    for (was, is) in recorded.policies.iter().zip(&found.policies) {
        let Judged { name, .. } = was;
        same(&format!("policy `{name}`"), &was.policy, &is.policy)?;
        same(
            &format!("identity of policy `{name}`"),
            &was.identity,
            &is.identity,
        )?;
        same(
            &format!("parameters of policy `{name}`"),
            &was.parameters,
            &is.parameters,
        )?;
        same(
            &format!("evaluation of policy `{name}`"),
            &was.evaluation,
            &is.evaluation,
        )?;
        same(
            &format!("exceptions from policy `{name}`"),
            &was.exceptions,
            &is.exceptions,
        )?;
        same(&format!("binding of policy `{name}`"), was, is)?;
    }
    same("position", &recorded.position, &found.position)
}

fn same<T: PartialEq + std::fmt::Debug>(
    what: &str,
    recorded: &T,
    found: &T,
) -> Result<(), ReplayError> {
    if recorded == found {
        return Ok(());
    }
    Err(ReplayError::Differs {
        what: what.to_owned(),
        recorded: format!("{recorded:?}"),
        found: format!("{found:?}"),
    })
}
