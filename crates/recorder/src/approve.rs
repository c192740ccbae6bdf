//! Approvals: requested, given, withdrawn.

use model::kind::{AccessRole, ApprovalGiven, ApprovalRequested, ApprovalWithdrawn};
use model::{Body, EntryHash, Fingerprint, Name, Role, StreamName};
use serde::{Deserialize, Serialize};
use store::Appended;

use crate::caller::Caller;
use crate::change;
use crate::dossier::Question;
use crate::error::RecorderError;
use crate::history::{History, Missing};
use crate::recorder::{Recorder, check_text};

/// How long an approval lives where nothing else is said: a week.
const TTL_MS_DEFAULT: u64 = 7 * 24 * 60 * 60 * 1000;
/// How long it may live: a quarter. Whoever approved must still stand for it.
const TTL_MS_MAX: u64 = 90 * 24 * 60 * 60 * 1000;

/// Gives an approval, or asks for one.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApproveRequest {
    /// What the giver says; it goes where it can be erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Where the artifact is to run.
    pub environment: Name,
    /// The artifact.
    pub fingerprint: Fingerprint,
    /// Its flow, where it was recorded in several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow: Option<Name>,
    /// Its trail, where it was recorded on several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trail: Option<Name>,
    /// How long it is to live, in milliseconds; a week by default, 90 days at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_ms: Option<u64>,
}

#[derive(Serialize)]
struct Comment<'a> {
    comment: &'a str,
}

impl Recorder {
    /// Asks people to approve an artifact for an environment.
    ///
    /// # Errors
    /// When the artifact or the environment is not known.
    pub async fn request_approval(
        &self,
        caller: &Caller,
        request: &ApproveRequest,
    ) -> Result<Appended, RecorderError> {
        caller.require(&[
            AccessRole::Reporter,
            AccessRole::Approver,
            AccessRole::Admin,
        ])?;
        let (question, _) = self.approval_question(request).await?;
        caller.require_grant(&question.flow, "approval-requested")?;
        let fields = ApprovalRequested {
            environment: question.environment.clone(),
            fingerprint: question.fingerprint,
            flow: question.flow.clone(),
            trail: question.trail.clone(),
        };
        let mut draft = self.draft(caller.by().clone(), &fields, streams(&question))?;
        self.add_comment(&mut draft, request)?;
        self.append_one(draft).await
    }

    /// Gives an approval as the person who calls. Whether it counts is found by each decision: an author's is recorded,
    /// and does not.
    ///
    /// # Errors
    /// When no person calls, or the artifact or the environment is not known.
    pub async fn approve(
        &self,
        caller: &Caller,
        request: &ApproveRequest,
    ) -> Result<Appended, RecorderError> {
        caller.require(&[AccessRole::Approver])?;
        let person = caller.person()?.clone();
        let (question, mut history) = self.approval_question(request).await?;
        caller.require_grant(&question.flow, "approval-given")?;
        let ttl_ms = request.ttl_ms.unwrap_or(TTL_MS_DEFAULT);
        if ttl_ms == 0 || ttl_ms > TTL_MS_MAX {
            return Err(RecorderError::Invalid(format!(
                "an approval lives 1 to `{TTL_MS_MAX}` ms"
            )));
        }
        let change = loop {
            match change::find(
                &history,
                &question.environment,
                &question.flow,
                &question.fingerprint,
            ) {
                Ok(change) => break change,
                Err(Missing(stream)) => self.load_into(&mut history, [stream]).await?,
            }
        };
        let encode = |source| RecorderError::Encode {
            what: "change",
            source,
        };
        let fields = ApprovalGiven {
            change: change::digest(&change).map_err(encode)?,
            environment: question.environment.clone(),
            expires_ms: question.now_ms + ttl_ms,
            fingerprint: question.fingerprint,
            flow: question.flow.clone(),
            person,
            trail: question.trail.clone(),
        };
        let mut draft = self.draft(caller.by().clone(), &fields, streams(&question))?;
        self.add_comment(&mut draft, request)?;
        self.append_one(draft).await
    }

    /// Takes an approval back, by who gave it or by an admin.
    ///
    /// # Errors
    /// When there is no such approval, or somebody else calls.
    pub async fn withdraw_approval(
        &self,
        caller: &Caller,
        approval: EntryHash,
    ) -> Result<Appended, RecorderError> {
        caller.require(&[AccessRole::Approver, AccessRole::Admin])?;
        let unknown = || RecorderError::Unknown {
            what: "approval",
            name: approval.to_string(),
        };
        let stored = self.store.entry(&approval).await?.ok_or_else(unknown)?;
        let Ok(Body::ApprovalGiven(given)) = Body::parse(stored.entry.header()) else {
            return Err(unknown());
        };
        let own = caller.person().is_ok_and(|person| *person == given.person);
        if !own {
            caller.require(&[AccessRole::Admin])?;
        }
        let streams = vec![
            StreamName::artifact(&given.fingerprint),
            StreamName::trail(&given.flow, &given.trail),
        ];
        let fields = ApprovalWithdrawn {
            approval,
            fingerprint: given.fingerprint,
            flow: given.flow,
            trail: given.trail,
        };
        self.append_one(self.draft(caller.by().clone(), &fields, streams)?)
            .await
    }

    async fn approval_question(
        &self,
        request: &ApproveRequest,
    ) -> Result<(Question, History), RecorderError> {
        check_text("comment", request.comment.as_deref().unwrap_or_default())?;
        self.require_environment(&request.environment).await?;
        let (flow, trail) = (request.flow.as_ref(), request.trail.as_ref());
        self.question(
            request.fingerprint,
            flow,
            trail,
            request.environment.clone(),
        )
        .await
    }

    fn add_comment(
        &self,
        draft: &mut journal::Draft,
        request: &ApproveRequest,
    ) -> Result<(), RecorderError> {
        if let Some(comment) = &request.comment {
            draft.payloads.push(self.json_payload(
                Role::People,
                "comment.v1",
                &Comment { comment },
            )?);
        }
        Ok(())
    }
}

fn streams(question: &Question) -> Vec<StreamName> {
    vec![
        StreamName::artifact(&question.fingerprint),
        StreamName::trail(&question.flow, &question.trail),
    ]
}
