//! What a verdict must be to be one.

use model::Name;

use crate::bindings::types;
use crate::limits::{FINDINGS_MAX, REASON_BYTES_MAX};
use crate::{Denial, DossierInput, Finding, Outcome, Status, Verdict};

/// Checks a policy's answer: an allow counts only with a finding and without a failed one, and every finding names a
/// control, says why, and rests on entries of the dossier.
pub(crate) fn check(verdict: types::Verdict, input: &DossierInput) -> Outcome {
    match checked(verdict, input) {
        Ok(verdict) => Outcome::Verdict(verdict),
        Err(denial) => Outcome::Denied(denial),
    }
}

fn checked(verdict: types::Verdict, input: &DossierInput) -> Result<Verdict, Denial> {
    if verdict.findings.len() > FINDINGS_MAX {
        return Err(Denial::TooManyFindings);
    }
    let allow = verdict.allow;
    let findings = verdict
        .findings
        .into_iter()
        .map(|finding| checked_finding(finding, input))
        .collect::<Result<Vec<_>, _>>()?;
    if allow && findings.is_empty() {
        return Err(Denial::AllowWithoutFinding);
    }
    if allow
        && findings
            .iter()
            .any(|finding| finding.status == Status::Failed)
    {
        return Err(Denial::AllowWithFailedFinding);
    }
    Ok(Verdict { allow, findings })
}

fn checked_finding(finding: types::Finding, input: &DossierInput) -> Result<Finding, Denial> {
    let control: Name = finding
        .control
        .parse()
        .map_err(|_| Denial::InvalidFinding)?;
    let reason = finding.reason;
    if reason.trim().is_empty()
        || reason.len() > REASON_BYTES_MAX
        || reason.chars().any(char::is_control)
    {
        return Err(Denial::InvalidFinding);
    }
    let known = |entry: &String| {
        entry
            .parse()
            .ok()
            .filter(|entry| input.has(entry))
            .ok_or(Denial::UnknownEntry)
    };
    let entries = finding
        .entries
        .iter()
        .map(known)
        .collect::<Result<_, _>>()?;
    let status = match finding.status {
        types::Status::Satisfied => Status::Satisfied,
        types::Status::Failed => Status::Failed,
        types::Status::NotApplicable => Status::NotApplicable,
    };
    Ok(Finding {
        control,
        entries,
        reason,
        status,
    })
}
