//! One case, run in the sandbox and compared.

use std::fmt::Write as _;

use model::EntryHash;
use policy::{Evaluation, Finding, InputError, Limits, Outcome, Prepared, Status, Verdict};
use serde::Serialize;
use similar::{ChangeTag, TextDiff};

use crate::{Case, Expect, ExpectedFinding, Place};

/// What came of a case.
#[derive(Debug, Clone)]
pub struct CaseResult {
    /// The case's name.
    pub name: String,
    /// Where it is written.
    pub place: Place,
    /// What the policy answered, and what that took.
    pub evaluation: Evaluation,
    /// The answer that the case expects, as text; what it leaves out is as it was found.
    pub expected: String,
    /// The answer, as text.
    pub found: String,
    /// Which limits of the case were not kept.
    pub exceeded: Vec<Exceeded>,
}

/// A limit of a case that was not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Exceeded {
    /// `fuel` or `memory_bytes`.
    pub what: &'static str,
    /// What was used.
    pub used: u64,
    /// What the case allows.
    pub max: u64,
}

impl CaseResult {
    /// Says whether it came out as it should.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.expected == self.found && self.exceeded.is_empty()
    }

    /// Shows what is different: `-` is expected, `+` was found. Empty when the case passed.
    #[must_use]
    pub fn diff(&self) -> String {
        let mut text = String::new();
        if self.expected != self.found {
            for change in TextDiff::from_lines(&self.expected, &self.found).iter_all_changes() {
                let sign = match change.tag() {
                    ChangeTag::Delete => '-',
                    ChangeTag::Insert => '+',
                    ChangeTag::Equal => ' ',
                };
                let _ = write!(text, "{sign} {change}");
            }
        }
        for Exceeded { what, used, max } in &self.exceeded {
            let _ = writeln!(text, "- {what}: at most {max}\n+ {what}: {used}");
        }
        text
    }
}

/// Runs a case under the limits that every evaluation has, and compares what came out.
///
/// # Errors
/// When its dossier has no canonical form.
pub fn run(policy: &Prepared, case: &Case) -> Result<CaseResult, InputError> {
    let evaluation = policy.evaluate(&case.input()?, &case.parameters_json(), &Limits::default());
    Ok(compare(case, evaluation))
}

fn compare(case: &Case, evaluation: Evaluation) -> CaseResult {
    let exceeded = [
        ("fuel", evaluation.fuel, case.within.fuel),
        (
            "memory_bytes",
            evaluation.memory_bytes,
            case.within.memory_bytes,
        ),
    ];
    let exceeded = exceeded
        .into_iter()
        .filter_map(|(what, used, max)| {
            Some(Exceeded {
                what,
                used,
                max: max?,
            })
        })
        .filter(|limit| limit.used > limit.max)
        .collect();
    CaseResult {
        name: case.name.clone(),
        place: case.place.clone(),
        expected: expected(&case.expect, &evaluation.outcome),
        found: found(&case.expect, &evaluation.outcome),
        evaluation,
        exceeded,
    }
}

/// Writes an answer as text.
#[must_use]
pub fn outcome_text(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Denied(denial) => format!("denial: {denial}\n"),
        Outcome::Undecided(undecided) => format!("undecided: {undecided}\n"),
        Outcome::Verdict(verdict) => {
            let findings = verdict.findings.iter().map(Line::of).collect();
            answer(verdict.allow, findings)
        }
    }
}

/// Writes what was found, in the order in which it is compared.
fn found(expect: &Expect, outcome: &Outcome) -> String {
    match outcome {
        Outcome::Verdict(verdict) => {
            let findings = in_order(expect, verdict).map(Line::of).collect();
            answer(verdict.allow, findings)
        }
        other => outcome_text(other),
    }
}

/// Writes what is expected; what the case leaves out is taken from what was found.
fn expected(expect: &Expect, outcome: &Outcome) -> String {
    let (allow, findings) = match expect {
        Expect::Denial(denial) => return format!("denial: {denial}\n"),
        Expect::Verdict { allow, findings } => (allow, findings),
    };
    let verdict = match outcome {
        Outcome::Verdict(verdict) => Some(verdict),
        _ => None,
    };
    let allow = allow.or(verdict.map(|verdict| verdict.allow));
    let found: Vec<&Finding> = verdict
        .map(|verdict| in_order(expect, verdict).collect())
        .unwrap_or_default();
    let lines = match findings {
        None => found.into_iter().map(Line::of).collect(),
        Some(findings) => {
            let mut found = found.into_iter();
            sorted(findings)
                .into_iter()
                .map(|finding| Line::filled(finding, found.next()))
                .collect()
        }
    };
    answer(allow.unwrap_or(false), lines)
}

/// Findings are compared by control where the case names each, and else in their order.
fn in_order<'a>(expect: &Expect, verdict: &'a Verdict) -> impl Iterator<Item = &'a Finding> {
    let mut findings: Vec<_> = verdict.findings.iter().collect();
    let by_control = match expect {
        Expect::Verdict {
            findings: Some(expected),
            ..
        } => by_control(expected),
        _ => false,
    };
    if by_control {
        findings.sort_by(|one, other| one.control.cmp(&other.control));
    }
    findings.into_iter()
}

fn sorted(findings: &[ExpectedFinding]) -> Vec<&ExpectedFinding> {
    let mut sorted: Vec<_> = findings.iter().collect();
    if by_control(findings) {
        sorted.sort_by(|one, other| one.control.cmp(&other.control));
    }
    sorted
}

fn by_control(findings: &[ExpectedFinding]) -> bool {
    findings.iter().all(|finding| finding.control.is_some())
}

/// A finding as it is shown. What neither case nor answer says is not shown.
struct Line {
    control: Option<String>,
    status: Option<Status>,
    reason: Option<String>,
    entries: Option<Vec<EntryHash>>,
}

impl Line {
    fn of(finding: &Finding) -> Self {
        Self {
            control: Some(finding.control.to_string()),
            status: Some(finding.status),
            reason: Some(finding.reason.clone()),
            entries: Some(finding.entries.clone()),
        }
    }

    fn filled(expected: &ExpectedFinding, found: Option<&Finding>) -> Self {
        let control = expected.control.as_ref().map(ToString::to_string);
        Self {
            control: control.or_else(|| Some(found?.control.to_string())),
            status: expected.status.or_else(|| Some(found?.status)),
            reason: expected
                .reason
                .clone()
                .or_else(|| Some(found?.reason.clone())),
            entries: expected
                .entries
                .clone()
                .or_else(|| Some(found?.entries.clone())),
        }
    }

    fn write(&self, text: &mut String) {
        let mut sign = '-';
        let mut line = |label: &str, value: Option<String>| {
            if let Some(value) = value {
                let _ = writeln!(text, "{sign} {label}: {value}");
                sign = ' ';
            }
        };
        line("control", self.control.clone());
        line(
            "status",
            self.status.map(|status| status_text(status).to_owned()),
        );
        line("reason", self.reason.clone());
        line("entries", self.entries.as_deref().map(entries_text));
    }
}

fn answer(allow: bool, findings: Vec<Line>) -> String {
    let mut text = format!("allow: {allow}\n");
    text.push_str(if findings.is_empty() {
        "findings: none\n"
    } else {
        "findings:\n"
    });
    for finding in findings {
        finding.write(&mut text);
    }
    text
}

const fn status_text(status: Status) -> &'static str {
    match status {
        Status::Satisfied => "satisfied",
        Status::Failed => "failed",
        Status::NotApplicable => "not-applicable",
    }
}

/// Shows entries as cases name them: by number where the hash is one.
fn entries_text(entries: &[EntryHash]) -> String {
    let entries = entries.iter().map(|entry| {
        let hash = entry.to_string();
        let number = hash.trim_start_matches('0');
        match u64::from_str_radix(number, 16) {
            Ok(number) => number.to_string(),
            Err(_) => hash,
        }
    });
    format!("[{}]", entries.collect::<Vec<_>>().join(", "))
}
