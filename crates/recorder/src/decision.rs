//! What a decision records beside its verdict: everything that a replay needs.

use model::kind::{Place, Verdict};
use model::{EntryHash, KeyId, Name, Root};
use policy::{Evaluation, Identity, Limits, Outcome, Status};
use serde::{Deserialize, Serialize};
use serde_json::Value;

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
    /// The very bytes that ran, by digest.
    pub identity: Identity,
    /// What it is called.
    pub name: Name,
    /// Its parameters.
    pub parameters: Value,
    /// The entry that published it; absent in a trial of one's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<EntryHash>,
}

impl Grounds {
    /// Computes the verdict: allowed when there is a policy that is not advisory, and every one of them allows.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let mut binding = self
            .policies
            .iter()
            .filter(|judged| !judged.advisory)
            .peekable();
        let allowed = self.denial.is_none()
            && binding.peek().is_some()
            && binding.all(|judged| judged.evaluation.allows());
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
            .filter(|judged| !judged.advisory && !judged.evaluation.allows())
        {
            reasons.extend(reasons_of(judged));
        }
        reasons
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
