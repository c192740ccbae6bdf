//! Judging: the dossier is built, the policies run. A pure function, for a decision and for its replay.

use std::cell::OnceCell;

use model::dossier::{BUILDER, Change};
use model::kind::Place;
use model::limits::DOSSIER_BYTES_MAX;
use model::{EntryHash, Name, Root, StreamName};
use policy::{Denial, DossierInput, Evaluation, Identity, Limits, Outcome, Prepared, Task};
use serde_json::Value;

use crate::decision::{Grounds, Judged, Refusal};
use crate::definitions::Definitions;
use crate::dossier::{self, NoDossier, Question};
use crate::error::HistoryError;
use crate::exception::Standing;
use crate::history::{History, Missing};
use crate::signature::PolicyKey;

/// A policy that takes part.
pub(crate) struct Participant {
    pub(crate) advisory: bool,
    pub(crate) binding: Option<EntryHash>,
    pub(crate) name: Name,
    pub(crate) parameters: Value,
    pub(crate) policy: Option<EntryHash>,
    pub(crate) run: Run,
}

/// Whether a policy runs.
pub(crate) enum Run {
    /// It is ready to.
    Ready(Prepared),
    /// It does not, because it is not signed as it must be: what would have run.
    NotSigned(Identity),
}

impl Participant {
    fn identity(&self) -> &Identity {
        match &self.run {
            Run::Ready(prepared) => prepared.identity(),
            Run::NotSigned(identity) => identity,
        }
    }
}

/// Why a question was not judged.
#[derive(Debug)]
pub(crate) enum NotJudged {
    /// A stream must be loaded first.
    Missing(StreamName),
    /// The record cannot be understood.
    History(HistoryError),
}

/// Who judges, and how.
pub(crate) struct Panel<'a> {
    pub(crate) participants: &'a [Participant],
    pub(crate) limits: &'a Limits,
    /// The keys of which the host demands signatures; who takes part is made ready by them.
    pub(crate) policy_keys: &'a [PolicyKey],
    /// Runs the policies over the dossier: side by side for one decision, in turn where many decisions are made at once.
    pub(crate) evaluate: fn(&[Task<'_>], &DossierInput, &Limits) -> Vec<Evaluation>,
}

/// Runs policies one after the other.
pub(crate) fn in_turn(
    tasks: &[Task<'_>],
    input: &DossierInput,
    limits: &Limits,
) -> Vec<Evaluation> {
    let evaluate = |task: &Task<'_>| task.policy.evaluate(input, task.parameters, limits);
    tasks.iter().map(evaluate).collect()
}

/// Builds the dossier and runs the policies: a pure function, for the decision and for its replay.
pub(crate) fn judge(
    definitions: &Definitions,
    history: &History,
    question: &Question,
    panel: &Panel<'_>,
) -> Result<Grounds, NotJudged> {
    let Panel {
        participants,
        limits,
        policy_keys,
        ..
    } = *panel;
    let (mut grounds, seen) = weigh(definitions, history, question, limits)?;
    grounds.policy_keys = policy_keys.to_vec();
    let Some(Seen { input, change }) = seen else {
        return Ok(grounds);
    };
    if participants.is_empty() {
        grounds.denial = Some(Refusal::NoPolicy);
        return Ok(grounds);
    }
    let evaluations = evaluations(panel, &input);
    let standing = Standing {
        artifact: history
            .stream(&StreamName::artifact(&question.fingerprint))
            .map_err(|Missing(stream)| NotJudged::Missing(stream))?,
        change: &change,
        definitions,
        participants: OnceCell::new(),
        question,
    };
    grounds.policies = participants
        .iter()
        .zip(evaluations)
        .map(|(participant, evaluation)| Judged {
            advisory: participant.advisory,
            binding: participant.binding,
            exceptions: standing.exceptions(participant.binding.as_ref(), &evaluation.outcome),
            evaluation,
            identity: participant.identity().clone(),
            name: participant.name.clone(),
            parameters: participant.parameters.clone(),
            policy: participant.policy,
        })
        .collect();
    Ok(grounds)
}

/// Runs the policies that may run; the others deny for that they may not.
fn evaluations(panel: &Panel<'_>, input: &DossierInput) -> Vec<Evaluation> {
    let participants = panel.participants;
    let parameters: Vec<String> = participants
        .iter()
        .map(|participant| participant.parameters.to_string())
        .collect();
    let tasks: Vec<Task<'_>> = participants
        .iter()
        .zip(&parameters)
        .filter_map(|(participant, parameters)| match &participant.run {
            Run::Ready(policy) => Some(Task { policy, parameters }),
            Run::NotSigned(_) => None,
        })
        .collect();
    let mut evaluated = (panel.evaluate)(&tasks, input, panel.limits).into_iter();
    let not_signed = || Evaluation {
        fuel: 0,
        memory_bytes: 0,
        outcome: Outcome::Denied(Denial::NotSigned),
    };
    let evaluation = |participant: &Participant| match participant.run {
        Run::Ready(_) => evaluated.next(),
        Run::NotSigned(_) => Some(not_signed()),
    };
    participants.iter().filter_map(evaluation).collect()
}

/// What there is to judge.
pub(crate) struct Seen {
    /// The dossier, as policies see it.
    pub(crate) input: DossierInput,
    /// The change that is released, on which exceptions depend.
    pub(crate) change: Change,
}

/// Builds the dossier, and the grounds as far as they are known before any policy runs; where those deny already, there
/// is nothing for policies to judge.
pub(crate) fn weigh(
    definitions: &Definitions,
    history: &History,
    question: &Question,
    limits: &Limits,
) -> Result<(Grounds, Option<Seen>), NotJudged> {
    let mut grounds = Grounds {
        builder: BUILDER,
        dossier: None,
        denial: None,
        limits: *limits,
        policies: Vec::new(),
        policy_keys: Vec::new(),
        position: Vec::new(),
    };
    let too_large = |filled_by| Refusal::DossierTooLarge { filled_by };
    let dossier = match dossier::build(definitions, history, question) {
        Ok(dossier) => dossier,
        Err(NoDossier::Missing(stream)) => return Err(NotJudged::Missing(stream)),
        Err(NoDossier::History(error)) => return Err(NotJudged::History(error)),
        Err(NoDossier::TooLarge(filled_by)) => {
            grounds.denial = Some(too_large(filled_by));
            grounds.position = position(definitions, history, question);
            return Ok((grounds, None));
        }
    };
    grounds.position = position(definitions, history, question);
    let encoding = |error: policy::InputError| {
        NotJudged::History(HistoryError::Genesis {
            source: serde::de::Error::custom(error),
        })
    };
    let input = DossierInput::new(&dossier).map_err(encoding)?;
    if input.canonical().len() > DOSSIER_BYTES_MAX {
        grounds.denial = Some(too_large(dossier::busiest(&dossier.attestations)));
        return Ok((grounds, None));
    }
    grounds.dossier = Some(Root(*input.digest().as_bytes()));
    let change = dossier.change;
    Ok((grounds, Some(Seen { input, change })))
}

/// Says how much of each stream was seen: the definitions', then those of the dossier in its order, then the others.
fn position(definitions: &Definitions, history: &History, question: &Question) -> Vec<Place> {
    let first = [
        StreamName::artifact(&question.fingerprint),
        StreamName::trail(&question.flow, &question.trail),
        StreamName::allowed(&question.environment, &question.flow),
    ];
    let mut places = vec![Place {
        entries: definitions.entries,
        stream: StreamName::admin(),
    }];
    let others = history
        .names()
        .into_iter()
        .filter(|stream| !first.contains(stream));
    for stream in first.iter().cloned().chain(others) {
        places.push(Place {
            entries: history.entries(&stream),
            stream,
        });
    }
    places
}
