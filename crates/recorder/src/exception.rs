//! Exceptions: granted, withdrawn, and whether they count for a release.

use std::cell::OnceCell;
use std::collections::HashSet;
use std::sync::Arc;

use model::dossier::Change;
use model::kind::{AccessRole, ExceptionGranted, ExceptionScope, ExceptionWithdrawn};
use model::limits::EXCEPTION_TTL_MS_MAX;
use model::{EntryHash, Name, PersonId, StreamName};
use policy::{Outcome, Status};
use serde::{Deserialize, Serialize};
use store::Appended;

use crate::approval::{self, Release};
use crate::caller::Caller;
use crate::decision::Excepted;
use crate::definitions::{Definitions, Exception};
use crate::dossier::Question;
use crate::error::RecorderError;
use crate::history::Loaded;
use crate::recorder::{Recorder, check_text};

/// Exceptions from one binding that are in force at the same time: a decision shows all that touch it, and a rule with
/// more exceptions than that is another rule.
pub const EXCEPTIONS_MAX: usize = 64;

/// Grants an exception.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantException {
    /// The entry that bound the policy.
    pub binding: EntryHash,
    /// The one control that is excepted; without it, all that the policy demands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<Name>,
    /// Where the artifact is to run.
    pub environment: Name,
    /// When it ends, in milliseconds since 1970-01-01 UTC; at most 90 days from now.
    pub expires_ms: u64,
    /// Why.
    pub reason: String,
    /// For what it is.
    pub scope: ExceptionScope,
}

impl Recorder {
    /// Grants an exception as the person who calls. Without `solo` it is in force when a second person endorsed it.
    /// Whether it counts is found by each decision: that of somebody who took part in the change is recorded, and does not.
    ///
    /// # Errors
    /// When no person calls, when what is named does not exist, and when it has no reason or ends too late.
    pub async fn grant_exception(
        &self,
        caller: &Caller,
        grant: GrantException,
    ) -> Result<Appended, RecorderError> {
        caller.require(&[AccessRole::PolicyAuthor, AccessRole::Admin])?;
        caller.person()?;
        require_reason(&grant.reason)?;
        if let ExceptionScope::Artifact(fingerprint) = &grant.scope {
            let artifact = self.load(&StreamName::artifact(fingerprint)).await?;
            if artifact.is_empty() {
                return Err(unknown("artifact", fingerprint));
            }
        }
        let fields = ExceptionGranted {
            binding: grant.binding,
            control: grant.control,
            environment: grant.environment,
            expires_ms: grant.expires_ms,
            reason: grant.reason,
            scope: grant.scope,
        };
        self.define(|definitions| {
            require_grantable(definitions, &fields, self.now_ms())?;
            self.admin_draft(caller.by(), &fields)
        })
        .await
    }

    /// Takes an exception back. That makes nothing laxer, so one person is enough.
    ///
    /// # Errors
    /// When there is no such exception that is not withdrawn already.
    pub async fn withdraw_exception(
        &self,
        caller: &Caller,
        exception: EntryHash,
        reason: String,
    ) -> Result<Appended, RecorderError> {
        caller.require(&[AccessRole::PolicyAuthor, AccessRole::Admin])?;
        require_reason(&reason)?;
        let fields = ExceptionWithdrawn { exception, reason };
        self.define(|definitions| {
            let mut exceptions = definitions.exceptions().iter();
            let open = |found: &Exception| found.entry == exception && found.withdrawn_ms.is_none();
            if !exceptions.any(open) {
                return Err(unknown("exception", exception));
            }
            self.admin_draft(caller.by(), &fields)
        })
        .await
    }
}

/// What decides whether an exception counts: a pure function of the record.
pub(crate) struct Standing<'a> {
    pub(crate) artifact: &'a [Arc<Loaded>],
    pub(crate) change: &'a Change,
    pub(crate) definitions: &'a Definitions,
    pub(crate) participants: OnceCell<HashSet<PersonId>>,
    pub(crate) question: &'a Question,
}

impl Standing<'_> {
    /// Finds the exceptions that touch a policy's denial. What is no verdict has none.
    pub(crate) fn exceptions(
        &self,
        binding: Option<&EntryHash>,
        outcome: &Outcome,
    ) -> Vec<Excepted> {
        let (Some(binding), Outcome::Verdict(verdict)) = (binding, outcome) else {
            return Vec::new();
        };
        if verdict.allow {
            return Vec::new();
        }
        let failed = |control: &Name| {
            let mut findings = verdict.findings.iter();
            findings.any(|found| found.status == Status::Failed && found.control == *control)
        };
        let question = self.question;
        self.definitions
            .exceptions_from(
                binding,
                &question.fingerprint,
                &question.flow,
                &question.environment,
                question.now_ms,
            )
            .filter(|exception| exception.granted.control.as_ref().is_none_or(failed))
            .filter_map(|exception| self.excepted(exception))
            .collect()
    }

    /// An exception counts unless who granted or endorsed it took part in the change, or who did is not known.
    fn excepted(&self, exception: &Exception) -> Option<Excepted> {
        let by = exception.by.clone()?;
        let took_part = |person: &PersonId| self.participants().contains(person);
        let stale = if took_part(&by) || exception.endorsed_by.as_ref().is_some_and(took_part) {
            Some("author-of-the-change")
        } else if !self.change.complete {
            Some("change-not-known")
        } else {
            None
        };
        let ExceptionGranted {
            control,
            expires_ms,
            reason,
            ..
        } = exception.granted.clone();
        Some(Excepted {
            by,
            control,
            endorsed_by: exception.endorsed_by.clone(),
            entry: exception.entry,
            expires_ms,
            reason,
            stale: stale.and_then(|stale| stale.parse().ok()),
        })
    }

    fn participants(&self) -> &HashSet<PersonId> {
        self.participants.get_or_init(|| {
            let question = self.question;
            let release = Release {
                fingerprint: &question.fingerprint,
                flow: &question.flow,
                trail: &question.trail,
                environment: &question.environment,
                now_ms: question.now_ms,
            };
            approval::participants(release, self.artifact, self.change)
        })
    }
}

fn require_reason(reason: &str) -> Result<(), RecorderError> {
    check_text("reason", reason)?;
    if reason.trim().is_empty() {
        return Err(RecorderError::Invalid(
            "an exception has a reason".to_owned(),
        ));
    }
    Ok(())
}

/// Checks that what is excepted is there, that the exception ends, and that there are not too many.
fn require_grantable(
    definitions: &Definitions,
    granted: &ExceptionGranted,
    now_ms: u64,
) -> Result<(), RecorderError> {
    let latest_ms = now_ms.saturating_add(EXCEPTION_TTL_MS_MAX);
    if granted.expires_ms <= now_ms || granted.expires_ms > latest_ms {
        return Err(RecorderError::Invalid(format!(
            "an exception ends in the future, at most `{EXCEPTION_TTL_MS_MAX}` ms from now"
        )));
    }
    let mut bindings = definitions.bindings().iter();
    let binding = &granted.binding;
    if !bindings.any(|found| found.entry == *binding && found.ended_ms.is_none()) {
        return Err(unknown("binding", binding));
    }
    if definitions.environment(&granted.environment).is_none() {
        return Err(unknown("environment", &granted.environment));
    }
    if let ExceptionScope::Flow(flow) = &granted.scope
        && definitions.flow(flow).is_none()
    {
        return Err(unknown("flow", flow));
    }
    let open = definitions.exceptions().iter().filter(|found| {
        let over = found.withdrawn_ms.is_some() || found.granted.expires_ms <= now_ms;
        found.granted.binding == *binding && !over
    });
    if open.count() >= EXCEPTIONS_MAX {
        return Err(RecorderError::Invalid(format!(
            "there are `{EXCEPTIONS_MAX}` exceptions from this binding already"
        )));
    }
    Ok(())
}

fn unknown(what: &'static str, name: impl ToString) -> RecorderError {
    RecorderError::Unknown {
        what,
        name: name.to_string(),
    }
}
