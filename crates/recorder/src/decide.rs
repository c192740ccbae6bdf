//! Deciding: may this artifact run there, by the policies in force and all that is recorded?

use std::sync::Arc;

use journal::Expectation;
use model::kind::{AccessRole, ArtifactRecorded, Decided, Fields as _, Tried, Verdict};
use model::{Body, Entry, EntryHash, Fingerprint, Name, Role, Root, StreamName};
use policy::{Limits, Outcome, PolicySource};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{AppendError, Appended};

use crate::caller::Caller;
use crate::decision::{Grounds, SCHEMA};
use crate::definitions::{Definitions, Policy};
use crate::dossier::Question;
use crate::error::{HistoryError, RecorderError};
use crate::history::History;
use crate::judge::{NotJudged, Panel, Participant, Run, judge};
use crate::permit::{Permit, PermitRequest};
use crate::publication::unknown;
use crate::recorder::Recorder;
use crate::sandboxes::blocking;
use crate::together::together;
use crate::trust::{Demands, identity, identity_of};

/// How often a decision is made anew because evidence arrived meanwhile.
const ATTEMPTS_MAX: usize = 32;

/// The environment of a trial that names none. No environment may be called so, and nothing is bound to it.
pub(crate) const NO_ENVIRONMENT: &str = "no-environment";

/// Asks for a decision.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecideRequest {
    /// Where it is to run.
    pub environment: Name,
    /// The artifact.
    pub fingerprint: Fingerprint,
    /// Its flow, where it was recorded in several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow: Option<Name>,
    /// Asks for a permit in case it is allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permit: Option<PermitRequest>,
    /// Its trail, where it was recorded on several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trail: Option<Name>,
}

/// Asks what policies would say.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrialRequest {
    /// Where it would run; without one, no binding to an environment counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Name>,
    /// The artifact.
    pub fingerprint: Fingerprint,
    /// Its flow, where it was recorded in several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow: Option<Name>,
    /// Policies of one's own; without any, those in force.
    #[serde(default)]
    pub policies: Vec<TrialPolicy>,
    /// Its trail, where it was recorded on several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trail: Option<Name>,
}

/// A policy to try.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrialPolicy {
    /// What to call it.
    pub name: Name,
    /// Its parameters.
    #[serde(default)]
    pub parameters: Value,
    /// Rego source.
    pub rego: String,
}

/// A decision as it is answered.
#[derive(Debug, Clone)]
pub struct Decision {
    /// The recorded entry, with its receipt.
    pub appended: Appended,
    /// On what it rests.
    pub grounds: Grounds,
    /// The permit, where one was asked for and the verdict is allowed.
    pub permit: Option<Permit>,
    /// What was asked.
    pub question: Question,
    /// The verdict.
    pub verdict: Verdict,
}

impl Recorder {
    /// Decides whether an artifact may run in an environment, and records the decision.
    ///
    /// # Errors
    /// When the question is not about anything recorded, or it could not be decided. A denial is no error.
    pub async fn decide(
        &self,
        caller: &Caller,
        request: &DecideRequest,
    ) -> Result<Decision, RecorderError> {
        caller.require(&[
            AccessRole::Reporter,
            AccessRole::Approver,
            AccessRole::Admin,
        ])?;
        self.require_environment(&request.environment).await?;
        self.declare_sharing().await?;
        for _ in 0..ATTEMPTS_MAX {
            self.current().await?;
            let (question, history) = self
                .question(
                    request.fingerprint,
                    request.flow.as_ref(),
                    request.trail.as_ref(),
                    request.environment.clone(),
                )
                .await?;
            caller.require_grant(&question.flow, "decision")?;
            let definitions = self.judging(&question, Some(&request.environment))?;
            let participants = self.participants(&definitions, &question).await?;
            let (grounds, history) = self
                .grounds(&definitions, &question, history, &participants)
                .await?;
            undecided(&grounds)?;
            match self
                .record_decision(caller, &definitions, &question, &grounds, &history)
                .await
            {
                Err(RecorderError::Append(AppendError::Moved { .. })) => {}
                Err(error) => return Err(error),
                Ok((appended, verdict)) => {
                    let asked = request
                        .permit
                        .as_ref()
                        .filter(|_| verdict == Verdict::Allowed);
                    let permit = asked
                        .map(|asked| self.permit(asked, &question, &appended, &grounds))
                        .transpose()?;
                    return Ok(Decision {
                        appended,
                        grounds,
                        permit,
                        question,
                        verdict,
                    });
                }
            }
        }
        Err(RecorderError::Moved)
    }

    async fn record_decision(
        &self,
        caller: &Caller,
        definitions: &Definitions,
        question: &Question,
        grounds: &Grounds,
        history: &History,
    ) -> Result<(Appended, Verdict), RecorderError> {
        let verdict = grounds.verdict();
        let mut streams = vec![
            StreamName::artifact(&question.fingerprint),
            StreamName::trail(&question.flow, &question.trail),
        ];
        if verdict == Verdict::Allowed {
            streams.push(StreamName::allowed(&question.environment, &question.flow));
        }
        let fields = Decided {
            environment: question.environment.clone(),
            exceptions: grounds.exceptions_used(),
            fingerprint: question.fingerprint,
            flow: question.flow.clone(),
            now_ms: question.now_ms,
            solo: definitions.solo,
            trail: question.trail.clone(),
            verdict,
        };
        let mut draft = self.draft(caller.by().clone(), &fields, streams)?;
        // The write fails when anything was recorded about the artifact or its trail meanwhile.
        for stream in &draft.streams {
            let seq = history.entries(stream);
            draft.expected.push(Expectation {
                stream: stream.clone(),
                seq,
            });
        }
        draft
            .payloads
            .push(self.json_payload(Role::Rule, SCHEMA, grounds)?);
        Ok((self.append_one(draft).await?, verdict))
    }

    /// Says what policies would decide, and records that it was asked. It allows nothing.
    ///
    /// # Errors
    /// As [`Recorder::decide`]; and when a policy to try is none.
    pub async fn trial(
        &self,
        caller: &Caller,
        request: &TrialRequest,
    ) -> Result<Decision, RecorderError> {
        caller.require(&[
            AccessRole::Reporter,
            AccessRole::PolicyAuthor,
            AccessRole::Approver,
            AccessRole::Admin,
        ])?;
        if let Some(environment) = &request.environment {
            self.require_environment(environment).await?;
        }
        self.declare_sharing().await?;
        let environment = request
            .environment
            .clone()
            .map_or_else(|| NO_ENVIRONMENT.parse(), Ok)?;
        self.current().await?;
        let (question, history) = self
            .question(
                request.fingerprint,
                request.flow.as_ref(),
                request.trail.as_ref(),
                environment,
            )
            .await?;
        let definitions = self.judging(&question, request.environment.as_ref())?;
        let participants = if request.policies.is_empty() {
            self.participants(&definitions, &question).await?
        } else {
            let demands = Demands::new(&definitions, &self.policy_keys, question.now_ms);
            self.own_participants(&request.policies, &demands)?
        };
        let (grounds, _) = self
            .grounds(&definitions, &question, history, &participants)
            .await?;
        undecided(&grounds)?;
        let verdict = grounds.verdict();
        let fields = Tried {
            environment: request.environment.clone(),
            fingerprint: question.fingerprint,
            flow: question.flow.clone(),
            now_ms: question.now_ms,
            trail: question.trail.clone(),
            verdict,
        };
        let streams = vec![
            StreamName::artifact(&question.fingerprint),
            StreamName::trail(&question.flow, &question.trail),
        ];
        let mut draft = self.draft(caller.by().clone(), &fields, streams)?;
        draft
            .payloads
            .push(self.json_payload(Role::Rule, SCHEMA, &grounds)?);
        let appended = self.append_one(draft).await?;
        Ok(Decision {
            appended,
            grounds,
            permit: None,
            question,
            verdict,
        })
    }

    fn own_participants(
        &self,
        policies: &[TrialPolicy],
        demands: &Demands<'_>,
    ) -> Result<Vec<Participant>, RecorderError> {
        let run = |source: &PolicySource| {
            if demands.are_none() {
                return blocking(|| self.policies.prepare_stock(source)).map(Run::Ready);
            }
            // Nobody signed what comes with the question.
            let engine = Fingerprint(self.policies.stock_digest().0);
            let policy = Root(*source.digest().as_bytes());
            Ok(Run::NotSigned(identity_of(policy, Some(engine))))
        };
        let prepare = |policy: &TrialPolicy| {
            let source = PolicySource::Rego(policy.rego.as_str().into());
            Ok(Participant {
                advisory: false,
                binding: None,
                name: policy.name.clone(),
                parameters: match &policy.parameters {
                    Value::Null => Value::Object(serde_json::Map::new()),
                    given => given.clone(),
                },
                policy: None,
                run: run(&source)?,
            })
        };
        policies.iter().map(prepare).collect()
    }

    pub(crate) async fn require_environment(
        &self,
        environment: &Name,
    ) -> Result<(), RecorderError> {
        let is_there = |known: &Definitions| known.environment(environment).is_some();
        if is_there(self.knowing(is_there).await?.as_ref()) {
            return Ok(());
        }
        Err(RecorderError::Unknown {
            what: "environment",
            name: environment.to_string(),
        })
    }

    /// Returns the definitions that a question is judged by.
    fn judging(
        &self,
        question: &Question,
        environment: Option<&Name>,
    ) -> Result<Arc<Definitions>, RecorderError> {
        let definitions = self.in_force(question.now_ms)?;
        self.require_in_force(&definitions, &question.flow, environment, question.now_ms)?;
        Ok(definitions)
    }

    /// Finds out on which trail an artifact was recorded, and loads the streams that every dossier begins with.
    ///
    /// That takes two round trips where flow and trail are named, or kept. Otherwise it takes three, the last one only
    /// where the trail has evidence of its own.
    pub(crate) async fn question(
        &self,
        fingerprint: Fingerprint,
        flow: Option<&Name>,
        trail: Option<&Name>,
        environment: Name,
    ) -> Result<(Question, History), RecorderError> {
        let mut history = History::default();
        let artifact = StreamName::artifact(&fingerprint);
        let first_streams = |flow: &Name, trail: &Name| {
            let allowed = StreamName::allowed(&environment, flow);
            [StreamName::trail(flow, trail), allowed]
        };
        let named = flow.zip(trail);
        if let Some((flow, trail)) = named {
            let [of_trail, allowed] = first_streams(flow, trail);
            let streams = [artifact.clone(), of_trail, allowed];
            self.load_into(&mut history, streams).await?;
            let entries = history.shared(&artifact);
            let entries = entries.iter().map(|loaded| loaded.entry.as_ref());
            place_of(&fingerprint, entries, Some(flow), Some(trail))?;
        }
        let (flow, trail) = match named {
            Some((flow, trail)) => (flow.clone(), trail.clone()),
            None => {
                let read = self.read(artifact).await?;
                let (flow, trail) = place_of(&fingerprint, read.entries(), flow, trail)?;
                let others = first_streams(&flow, &trail);
                self.read_beside(read, others, &mut history).await?;
                (flow, trail)
            }
        };
        let question = Question {
            fingerprint,
            flow,
            trail,
            environment,
            now_ms: self.now_ms(),
        };
        Ok((question, history))
    }

    async fn participants(
        &self,
        definitions: &Definitions,
        question: &Question,
    ) -> Result<Vec<Participant>, RecorderError> {
        let bindings: Vec<_> = definitions
            .in_force(&question.environment, &question.flow, question.now_ms)
            .collect();
        let demands = Demands::new(definitions, &self.policy_keys, question.now_ms);
        let made = together(
            bindings
                .iter()
                .map(|binding| self.run(definitions, &binding.bound.policy, &demands)),
        );
        let mut participants = Vec::with_capacity(bindings.len());
        for (binding, made) in bindings.iter().zip(made.await) {
            let (policy, run) = made?;
            participants.push(Participant {
                advisory: binding.bound.advisory,
                binding: Some(binding.entry),
                name: policy.name,
                parameters: binding.bound.parameters.clone(),
                policy: Some(binding.bound.policy),
                run,
            });
        }
        Ok(participants)
    }

    /// Makes a published policy ready, where it may run.
    async fn run(
        &self,
        definitions: &Definitions,
        entry: &EntryHash,
        demands: &Demands<'_>,
    ) -> Result<(Policy, Run), RecorderError> {
        let policy = definitions.policy(entry).ok_or_else(|| unknown(entry))?;
        if !self.may_run(definitions, policy, demands).await? {
            return Ok((
                policy.clone(),
                Run::NotSigned(identity(policy, definitions)),
            ));
        }
        let (policy, prepared) = self.prepared(entry).await?;
        Ok((policy, Run::Ready(prepared)))
    }

    /// Loads what the dossier needs, builds it, and runs the policies.
    async fn grounds(
        &self,
        definitions: &Arc<Definitions>,
        question: &Question,
        mut history: History,
        participants: &[Participant],
    ) -> Result<(Grounds, History), RecorderError> {
        let panel = Panel {
            participants,
            limits: &Limits::default(),
            policy_keys: &self.policy_keys,
            evaluate: policy::evaluate_all,
        };
        loop {
            match blocking(|| judge(definitions, &history, question, &panel)) {
                Ok(grounds) => return Ok((grounds, history)),
                Err(NotJudged::Missing(stream)) => self.load_into(&mut history, [stream]).await?,
                Err(NotJudged::History(error)) => return Err(error.into()),
            }
        }
    }
}

/// Finds the one trail that an artifact was recorded on, among those that are asked for.
fn place_of<'a>(
    fingerprint: &Fingerprint,
    entries: impl Iterator<Item = &'a Entry>,
    flow: Option<&Name>,
    trail: Option<&Name>,
) -> Result<(Name, Name), RecorderError> {
    let mut places: Vec<(Name, Name)> = Vec::new();
    let recorded = entries.filter(|entry| entry.header().kind.as_str() == ArtifactRecorded::KIND);
    for entry in recorded {
        let body = Body::parse(entry.header()).map_err(|source| HistoryError::Entry {
            entry: entry.hash(),
            source,
        })?;
        if let Body::ArtifactRecorded(recorded) = body
            && recorded.fingerprint == *fingerprint
            && flow.is_none_or(|flow| *flow == recorded.flow)
            && trail.is_none_or(|trail| *trail == recorded.trail)
        {
            let place = (recorded.flow, recorded.trail);
            if !places.contains(&place) {
                places.push(place);
            }
        }
    }
    match (places.pop(), places.is_empty()) {
        (Some(place), true) => Ok(place),
        (Some(_), false) => Err(RecorderError::Ambiguous(*fingerprint)),
        (None, _) => Err(RecorderError::Unknown {
            what: "artifact",
            name: fingerprint.to_string(),
        }),
    }
}

/// A verdict that might be another one next time is none.
fn undecided(grounds: &Grounds) -> Result<(), RecorderError> {
    let cause = grounds
        .policies
        .iter()
        .find_map(|judged| match &judged.evaluation.outcome {
            Outcome::Undecided(cause) if !judged.advisory => Some((judged.name.clone(), *cause)),
            _ => None,
        });
    match cause {
        Some((policy, cause)) => Err(RecorderError::Undecided { policy, cause }),
        None => Ok(()),
    }
}
