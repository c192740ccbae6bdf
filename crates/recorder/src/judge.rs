//! Judging: the dossier is built, the policies run. A pure function, for a decision and for its replay.

use std::cell::OnceCell;

use model::dossier::{BUILDER, Change};
use model::kind::Place;
use model::limits::DOSSIER_BYTES_MAX;
use model::{EntryHash, Name, Root, StreamName};
use policy::{DossierInput, Evaluation, Limits, Prepared, Task};
use serde_json::Value;

use crate::decision::{Grounds, Judged, Refusal};
use crate::definitions::Definitions;
use crate::dossier::{self, NoDossier, Question};
use crate::error::HistoryError;
use crate::exception::Standing;
use crate::history::{History, Missing};

/// A policy that takes part.
pub(crate) struct Participant {
    pub(crate) advisory: bool,
    pub(crate) binding: Option<EntryHash>,
    pub(crate) name: Name,
    pub(crate) parameters: Value,
    pub(crate) policy: Option<EntryHash>,
    pub(crate) prepared: Prepared,
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
        evaluate,
    } = *panel;
    let (mut grounds, seen) = weigh(definitions, history, question, limits)?;
    let Some(Seen { input, change }) = seen else {
        return Ok(grounds);
    };
    if participants.is_empty() {
        grounds.denial = Some(Refusal::NoPolicy);
        return Ok(grounds);
    }
    let parameters: Vec<String> = participants
        .iter()
        .map(|participant| participant.parameters.to_string())
        .collect();
    let tasks: Vec<Task<'_>> = participants
        .iter()
        .zip(&parameters)
        .map(|(participant, parameters)| Task {
            policy: &participant.prepared,
            parameters,
        })
        .collect();
    let evaluations = evaluate(&tasks, &input, limits);
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
            identity: participant.prepared.identity().clone(),
            name: participant.name.clone(),
            parameters: participant.parameters.clone(),
            policy: participant.policy,
        })
        .collect();
    Ok(grounds)
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
