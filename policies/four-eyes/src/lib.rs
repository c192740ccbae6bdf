//! `four-eyes`: enough people who had no part in the change have approved it.
//!
//! The recorder has already judged each approval (`valid` or `stale`); this policy counts, and looks once more that
//! nobody approves what they took part in. A change that is not completely known, or in which an unregistered person
//! took part, cannot be approved by anyone.
//!
//! Parameters: `approvals_min`, how many different people must approve (default 1, at least 1).

use author::{Approval, ApprovalStatus, Dossier, Finding, Policy, Status};
use serde::Deserialize;

struct FourEyes;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    #[serde(default = "approvals_min")]
    approvals_min: usize,
}

fn approvals_min() -> usize {
    1
}

impl Policy for FourEyes {
    const CONTROL: &str = "four-eyes";
    type Parameters = Parameters;

    fn judge(dossier: &Dossier, parameters: Parameters) -> Finding {
        let needed = parameters.approvals_min.max(1);
        let unregistered: u64 = dossier
            .change
            .commits
            .iter()
            .map(|commit| u64::from(commit.unregistered))
            .sum();
        if unregistered > 0 {
            return Self::failed("people who are not registered took part in the change", []);
        }
        if !dossier.change.complete {
            return Self::failed("it is not known who took part in the whole change", []);
        }
        let mut counting: Vec<&Approval> = Vec::new();
        for approval in dossier
            .approvals
            .iter()
            .filter(|approval| counts(approval, dossier))
        {
            if !counting.iter().any(|other| other.person == approval.person) {
                counting.push(approval);
            }
        }
        let enough = counting.len() >= needed;
        let reason = match (
            enough,
            dossier
                .approvals
                .last()
                .and_then(|approval| approval.reason.as_ref()),
        ) {
            (true, _) => format!(
                "{} approved who had no part in the change",
                people(counting.len())
            ),
            (false, Some(last)) => format!(
                "{} of {needed} needed approved; the last approval is void: {last}",
                counting.len()
            ),
            (false, None) => format!("{} of {needed} needed approved", counting.len()),
        };
        Finding {
            control: Self::CONTROL.into(),
            status: if enough {
                Status::Satisfied
            } else {
                Status::Failed
            },
            reason,
            entries: counting
                .iter()
                .map(|approval| approval.entry.clone())
                .collect(),
        }
    }
}

fn counts(approval: &Approval, dossier: &Dossier) -> bool {
    let took_part = dossier
        .change
        .commits
        .iter()
        .any(|commit| commit.people.contains(&approval.person));
    approval.status == ApprovalStatus::Valid && approval.expires_ms > dossier.now_ms && !took_part
}

fn people(count: usize) -> String {
    if count == 1 {
        "1 person".into()
    } else {
        format!("{count} people")
    }
}

author::policy!(FourEyes);
