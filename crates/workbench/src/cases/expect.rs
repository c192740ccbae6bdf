use model::{EntryHash, Name};
use policy::{Denial, Status};
use serde::Deserialize;

use super::written::Entry;

/// What a case expects. What it leaves out is not compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expect {
    /// An answer.
    Verdict {
        /// Whether it allows.
        allow: Option<bool>,
        /// Every finding, or `None` where they are not compared. By control where each names one, else in their order.
        findings: Option<Vec<ExpectedFinding>>,
    },
    /// No answer, for this reason.
    Denial(Denial),
}

/// What a case expects of one finding.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExpectedFinding {
    /// The control.
    pub control: Option<Name>,
    /// What was found.
    pub status: Option<Status>,
    /// Why.
    pub reason: Option<String>,
    /// The entries it rests on.
    pub entries: Option<Vec<EntryHash>>,
}

impl Expect {
    /// Says whether the policy is to allow, where the case says it: a denial does not, nor does a failed finding.
    #[must_use]
    pub fn allows(&self) -> Option<bool> {
        match self {
            Self::Denial(_) => Some(false),
            Self::Verdict { allow, .. } => *allow,
        }
    }
}

/// As it is written: one finding's fields beside `allow`, or a list of findings, or a denial.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    allow: Option<bool>,
    denial: Option<Denial>,
    findings: Option<Vec<Finding>>,
    control: Option<Name>,
    status: Option<Status>,
    reason: Option<String>,
    entries: Option<Vec<Entry>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Finding {
    control: Name,
    status: Option<Status>,
    reason: Option<String>,
    entries: Option<Vec<Entry>>,
}

impl Written {
    /// Makes one expectation of what is written, or says what contradicts itself.
    pub(super) fn complete(self) -> Result<Expect, &'static str> {
        let one = ExpectedFinding {
            control: self.control,
            status: self.status,
            reason: self.reason,
            entries: self.entries.map(hashes),
        };
        let one = Some(one).filter(|one| *one != ExpectedFinding::default());
        let findings = match (self.findings, one) {
            (Some(_), Some(_)) => {
                return Err("`findings` stands beside the fields of a single finding");
            }
            (Some(list), None) => Some(list.into_iter().map(Finding::complete).collect()),
            (None, one) => one.map(|one| vec![one]),
        };
        if let Some(denial) = self.denial {
            return match (self.allow, findings) {
                (None | Some(false), None) => Ok(Expect::Denial(denial)),
                (_, Some(_)) => Err("a `denial` has no findings"),
                (Some(true), None) => Err("a `denial` does not allow"),
            };
        }
        let said = findings.as_deref().and_then(implied);
        if self.allow == Some(true) && said == Some(false) {
            return Err("nothing allows with a failed finding");
        }
        if self.allow.is_none() && findings.is_none() {
            return Err("nothing is expected: write at least `allow`, `status` or `denial`");
        }
        Ok(Expect::Verdict {
            allow: self.allow.or(said),
            findings,
        })
    }
}

/// What the statuses say of `allow`, where each is given.
fn implied(findings: &[ExpectedFinding]) -> Option<bool> {
    let failed = |finding: &ExpectedFinding| finding.status == Some(Status::Failed);
    if findings.iter().any(failed) {
        return Some(false);
    }
    let all = !findings.is_empty() && findings.iter().all(|finding| finding.status.is_some());
    all.then_some(true)
}

impl Finding {
    fn complete(self) -> ExpectedFinding {
        ExpectedFinding {
            control: Some(self.control),
            status: self.status,
            reason: self.reason,
            entries: self.entries.map(hashes),
        }
    }
}

fn hashes(entries: Vec<Entry>) -> Vec<EntryHash> {
    entries.into_iter().map(|entry| entry.hash).collect()
}
