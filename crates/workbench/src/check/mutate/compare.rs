//! When one verdict is more permissive than another.

use std::collections::BTreeMap;

use model::Name;
use policy::{Outcome, Status};

use super::mutant::Rule;

/// How a changed dossier came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Result {
    /// What must hold holds.
    Held,
    /// It does not: the mutant got through.
    Through,
    /// The machine got in the way.
    Undecided,
}

/// Says whether a rule holds for what came out: `against` is the verdict that the rule compares with.
pub(super) fn compare(rule: &Rule, against: &Outcome, after: &Outcome) -> Result {
    if let (Outcome::Undecided(_), _) | (_, Outcome::Undecided(_)) = (against, after) {
        return Result::Undecided;
    }
    let through = match rule {
        Rule::NoBetter | Rule::NoBetterThan(_) => is_more_permissive(after, against),
        Rule::Same => allows(after) != allows(against) || statuses(after) != statuses(against),
        Rule::Denies => allows(after),
    };
    if through {
        Result::Through
    } else {
        Result::Held
    }
}

/// Says whether an outcome allows.
pub(super) fn allows(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Verdict(verdict) if verdict.allow)
}

/// Says whether nothing is more restrictive: it denies, and every control that it speaks of failed.
pub(super) fn is_worst(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Verdict(_) => {
            !allows(outcome) && statuses(outcome).values().all(|one| *one == Status::Failed)
        }
        Outcome::Denied(_) => true,
        Outcome::Undecided(_) => false,
    }
}

/// It allows what the other denies, or finds a control satisfied or not applicable that failed there. A control of which
/// it says nothing any more is not met by that.
fn is_more_permissive(outcome: &Outcome, than: &Outcome) -> bool {
    let now = statuses(outcome);
    let mended = statuses(than).into_iter().any(|(control, before)| {
        before == Status::Failed && now.get(control).is_some_and(|now| *now != Status::Failed)
    });
    mended || (allows(outcome) && !allows(than))
}

/// Returns what is found of each control: the worst, where there is more than one finding of it.
fn statuses(outcome: &Outcome) -> BTreeMap<&Name, Status> {
    let mut statuses = BTreeMap::new();
    if let Outcome::Verdict(verdict) = outcome {
        for finding in &verdict.findings {
            let status = statuses.entry(&finding.control).or_insert(finding.status);
            if severity(finding.status) > severity(*status) {
                *status = finding.status;
            }
        }
    }
    statuses
}

const fn severity(status: Status) -> u8 {
    match status {
        Status::NotApplicable => 0,
        Status::Satisfied => 1,
        Status::Failed => 2,
    }
}

#[cfg(test)]
mod tests {
    use policy::{Denial, Finding, Undecided, Verdict};

    use super::*;

    fn verdict(allow: bool, findings: &[(&str, Status)]) -> Outcome {
        let finding = |(control, status): &(&str, Status)| Finding {
            control: control.parse().unwrap(),
            entries: Vec::new(),
            reason: "so".into(),
            status: *status,
        };
        Outcome::Verdict(Verdict {
            allow,
            findings: findings.iter().map(finding).collect(),
        })
    }

    #[test]
    fn an_allow_after_a_denial_of_any_kind_is_more_permissive() {
        let allow = verdict(true, &[("a", Status::Satisfied)]);
        let deny = verdict(false, &[("a", Status::Failed)]);
        let named = Outcome::Denied(Denial::UndefinedRule);
        assert!(is_more_permissive(&allow, &deny));
        assert!(is_more_permissive(&allow, &named));
        assert!(!is_more_permissive(&deny, &allow));
        assert!(!is_more_permissive(&named, &deny));
        assert!(!is_more_permissive(&deny, &named));
    }

    #[test]
    fn a_control_is_as_its_worst_finding() {
        let before = verdict(false, &[("a", Status::Failed), ("b", Status::Failed)]);
        let mended = verdict(
            false,
            &[("a", Status::NotApplicable), ("b", Status::Failed)],
        );
        let half = verdict(
            false,
            &[
                ("a", Status::Satisfied),
                ("a", Status::Failed),
                ("b", Status::Failed),
            ],
        );
        let silent = verdict(false, &[("b", Status::Failed)]);
        assert!(is_more_permissive(&mended, &before));
        assert!(!is_more_permissive(&half, &before));
        assert!(!is_more_permissive(&silent, &before));
    }

    #[test]
    fn the_same_is_the_same_of_each_control() {
        let one = verdict(true, &[("a", Status::Satisfied)]);
        let two = verdict(true, &[("a", Status::Satisfied), ("a", Status::Satisfied)]);
        let other = verdict(true, &[("a", Status::NotApplicable)]);
        assert_eq!(compare(&Rule::Same, &one, &two), Result::Held);
        assert_eq!(compare(&Rule::Same, &one, &other), Result::Through);
        let undecided = Outcome::Undecided(Undecided::WallTime);
        assert_eq!(compare(&Rule::Same, &one, &undecided), Result::Undecided);
        assert_eq!(compare(&Rule::Denies, &one, &one), Result::Through);
    }
}
