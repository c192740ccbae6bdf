//! What is said of a mutant that got through can be relied on.

use policy::{DossierInput, Limits, Outcome, PolicySource};
use workbench::Cases;
use workbench::check::{MUTANTS_MAX, Subject, Trap, mutate};

use crate::support::{check_rego, here, read, sandbox};

fn allows(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Verdict(verdict) if verdict.allow)
}

#[test]
fn the_dossier_of_a_mutant_shows_what_is_said_of_it_and_has_nothing_more() {
    let source = read(&here("tests/bad/defaulted-fact/policy.rego"));
    let policy = sandbox()
        .prepare(&PolicySource::Rego(source.as_str().into()))
        .unwrap();
    let report = check_rego(&source, &here("tests/bad/cases.yaml"));
    let through = &report.mutation.through;
    assert!(!through.is_empty());
    for mutant in through {
        let input = DossierInput::new(&mutant.dossier).unwrap();
        let parameters = mutant.parameters.to_string();
        let evaluation = policy.evaluate(&input, &parameters, &Limits::default());
        assert_eq!(evaluation.outcome, mutant.after, "{}", mutant.change);
        assert!(
            allows(&mutant.after) && !allows(&mutant.before),
            "{}",
            mutant.change
        );
        // The older run of its case is not needed to show it.
        assert_eq!(mutant.dossier.attestations.len(), 1, "{}", mutant.change);
    }
    let missing = through.iter().any(|mutant| {
        mutant.finding == Trap::MissingFactCounts
            && mutant.change == "`scan` `code`: fact `/serious` null"
    });
    assert!(missing, "{through:?}");
}

#[test]
fn the_same_is_found_each_time() {
    let source = read(&here("tests/bad/foreign-ignored/policy.rego"));
    let report = || {
        let report = check_rego(&source, &here("tests/bad/cases.yaml"));
        serde_json::to_string(&report).unwrap()
    };
    assert_eq!(report(), report());
}

#[test]
fn what_is_over_the_budget_is_left_out_and_said() {
    let policy = sandbox()
        .prepare(&PolicySource::Rego(
            read(&here("tests/bad/mended.rego")).into(),
        ))
        .unwrap();
    let cases = Cases::open(&here("tests/bad/cases.yaml")).unwrap();
    let failing = cases.iter().nth(2).unwrap();
    let mut dossier = failing.dossier.clone();
    let scan = dossier.attestations[0].clone();
    for number in 0..500_u64 {
        let mut scan = scan.clone();
        scan.entry = format!("{:064x}", number + 100).parse().unwrap();
        scan.name = format!("scan-{number}").parse().unwrap();
        dossier.attestations.push(scan);
    }
    let input = DossierInput::new(&dossier).unwrap();
    let outcome = policy.evaluate(&input, "{}", &Limits::default()).outcome;
    let subject = Subject {
        case: "five hundred scans",
        dossier: &dossier,
        parameters: "{}",
        outcome: &outcome,
    };
    let subjects = [subject; 2];
    let mutation = mutate(&policy, &subjects).unwrap();
    assert_eq!(mutation.mutants, MUTANTS_MAX);
    assert!(mutation.left_out > 0);
    assert_eq!(mutation.got_through, 0);
}
