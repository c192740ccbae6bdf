//! What a decision records beside its verdict: everything that a replay needs.

use model::kind::{Place, Verdict};
use model::{EntryHash, KeyId, Name, PersonId, Root};
use policy::{Evaluation, Identity, Limits, Outcome, Status};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::signature::PolicyKey;
use crate::timestamp;

/// The schema of [`Grounds`].
pub const SCHEMA: &str = "decision.v1";

/// On what a decision rests: its `rule` payload, canonical JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grounds {
    /// The version of the rules by which the dossier was built.
    pub builder: u32,
    /// SHA-256 of the dossier's canonical bytes; absent where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dossier: Option<Root>,
    /// Why it is denied before any policy ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denial: Option<Refusal>,
    /// What each evaluation could use.
    pub limits: Limits,
    /// What was judged, in the order of the journal.
    pub policies: Vec<Judged>,
    /// The keys of which the host demanded a signature of each policy, beside what the journal demands; none where it did
    /// not. As the limits, they are the host's to choose.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policy_keys: Vec<PolicyKey>,
    /// How much of each stream was seen, in the order in which the dossier takes them.
    pub position: Vec<Place>,
}

/// A denial that needs no policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// No policy is in force.
    NoPolicy,
    /// There is more evidence than one decision weighs.
    DossierTooLarge {
        /// Who sent the most of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        filled_by: Option<KeyId>,
    },
}

/// One policy's part in a decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judged {
    /// Whether it only reports.
    pub advisory: bool,
    /// The entry that put it in force; absent in a trial of one's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binding: Option<EntryHash>,
    /// What came of it.
    pub evaluation: Evaluation,
    /// Where it denies: the exceptions from it that are in force for this artifact, in the order of the journal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<Excepted>,
    /// The very bytes that ran, by digest; those that would have, where the policy is not signed as it must be.
    pub identity: Identity,
    /// What it is called.
    pub name: Name,
    /// Its parameters.
    pub parameters: Value,
    /// The entry that published it; absent in a trial of one's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<EntryHash>,
}

/// An exception from what a policy demands, as a decision that it touches shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Excepted {
    /// Who granted it.
    pub by: PersonId,
    /// The one control that is excepted; absent where it is the whole policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<Name>,
    /// Who endorsed it; nobody needs to where genesis says `solo`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endorsed_by: Option<PersonId>,
    /// The entry that granted it.
    pub entry: EntryHash,
    /// When it ends, in milliseconds since 1970-01-01 UTC.
    pub expires_ms: u64,
    /// Why it was granted.
    pub reason: String,
    /// Why it does not count here, where it does not: `author-of-the-change` or `change-not-known`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale: Option<Name>,
}

impl Judged {
    /// Says whether the artifact may pass: the policy allows, or exceptions cover all for which it denies.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.evaluation.allows() || self.is_excepted()
    }

    /// Says whether exceptions that count cover all for which the policy denies. One that names no control covers the
    /// whole verdict; others cover it together when every failed finding is of one of their controls. What is no verdict
    /// (a trap, no fuel left) is never covered: nobody knows what the policy would have found.
    #[must_use]
    pub fn is_excepted(&self) -> bool {
        let Outcome::Verdict(verdict) = &self.evaluation.outcome else {
            return false;
        };
        let covers = |control: Option<&Name>| {
            let mut counting = self.exceptions.iter().filter(|found| found.stale.is_none());
            counting.any(|found| found.control.is_none() || found.control.as_ref() == control)
        };
        let mut failed = verdict
            .findings
            .iter()
            .filter(|finding| finding.status == Status::Failed)
            .peekable();
        let whole = failed.peek().is_none();
        !verdict.allow
            && (!whole || covers(None))
            && failed.all(|finding| covers(Some(&finding.control)))
    }

    /// Returns the exceptions by which the artifact passes; none where the policy allows, or denies all the same.
    pub fn passes_by(&self) -> impl Iterator<Item = &Excepted> {
        let excepted = self.is_excepted();
        self.exceptions
            .iter()
            .filter(move |found| excepted && found.stale.is_none())
    }
}

impl Grounds {
    /// Computes the verdict: allowed when there is a policy that is not advisory, and every one of them
    /// allows or is excepted.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let mut binding = self
            .policies
            .iter()
            .filter(|judged| !judged.advisory)
            .peekable();
        let allowed =
            self.denial.is_none() && binding.peek().is_some() && binding.all(Judged::passes);
        if allowed {
            Verdict::Allowed
        } else {
            Verdict::Denied
        }
    }

    /// Returns why it is denied, a line for each reason; empty when it is allowed.
    #[must_use]
    pub fn reasons(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        match &self.denial {
            Some(Refusal::NoPolicy) => {
                reasons.push("no-policy: no policy is in force here".to_owned())
            }
            Some(Refusal::DossierTooLarge { filled_by }) => {
                let by = filled_by
                    .as_ref()
                    .map_or_else(|| "several keys".to_owned(), ToString::to_string);
                reasons.push(format!(
                    "dossier-too-large: most of the evidence was sent by `{by}`"
                ));
            }
            None => {}
        }
        for judged in self
            .policies
            .iter()
            .filter(|judged| !judged.advisory && !judged.passes())
        {
            reasons.extend(reasons_of(judged));
        }
        reasons
    }

    /// Returns the policies that deny, with the exceptions by which the artifact passes all the same.
    pub fn passed_by(&self) -> impl Iterator<Item = (&Judged, &Excepted)> {
        let judged = self.policies.iter().filter(|judged| !judged.advisory);
        judged.flat_map(|judged| judged.passes_by().map(move |found| (judged, found)))
    }

    /// Counts the exceptions by which it is allowed; none where it is denied.
    #[must_use]
    pub fn exceptions_used(&self) -> u64 {
        match self.verdict() {
            Verdict::Allowed => self.passed_by().count() as u64,
            Verdict::Denied => 0,
        }
    }

    /// Returns what exceptions did, a line for each that touches a policy's verdict.
    #[must_use]
    pub fn exceptions(&self) -> Vec<String> {
        let touched = self.policies.iter().filter(|judged| !judged.advisory);
        touched
            .flat_map(|judged| {
                let of = move |found| exception_line(judged, found);
                judged.exceptions.iter().map(of)
            })
            .collect()
    }
}

fn exception_line(judged: &Judged, found: &Excepted) -> String {
    let what = match &found.control {
        Some(control) => format!("{} (only {control})", judged.name),
        None => judged.name.to_string(),
    };
    let who = match &found.endorsed_by {
        Some(second) => format!("{}, endorsed by {second}", found.by),
        None => found.by.to_string(),
    };
    let until = timestamp::format(found.expires_ms);
    let Excepted { entry, reason, .. } = found;
    let exception = format!("exception {entry} by {who} until {until}: {reason}");
    match &found.stale {
        Some(stale) => format!("{what}: does not count, {stale}: {exception}"),
        None if judged.is_excepted() => format!("{what}: passes by {exception}"),
        None => format!("{what}: not enough: {exception}"),
    }
}

fn reasons_of(judged: &Judged) -> Vec<String> {
    let name = &judged.name;
    match &judged.evaluation.outcome {
        Outcome::Verdict(verdict) => {
            let failed = verdict
                .findings
                .iter()
                .filter(|finding| finding.status == Status::Failed);
            let mut lines: Vec<_> = failed
                .map(|finding| format!("{}: {}", finding.control, finding.reason))
                .collect();
            if lines.is_empty() {
                lines.push(format!("{name}: the policy does not allow"));
            }
            lines
        }
        Outcome::Denied(denial) => vec![format!("{name}: {denial}")],
        Outcome::Undecided(cause) => vec![format!("{name}: undecided, {cause}")],
    }
}
