//! The policies that come with Trailmark: nothing is found in them, and no mutant gets through.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Instant;

use policy::{PolicyForm, PolicySource, stock};
use workbench::Cases;
use workbench::check::{Candidate, check};

use crate::support::{here, sandbox, shown};

#[test]
fn nothing_is_found_in_the_policies_that_come_with_trailmark() {
    let mut wrong = Vec::new();
    let mut table = "| policy | form | cases | mutants | through | times the cases |\n".to_owned();
    for seed in stock::seeds() {
        let cases = here("../../policies").join(seed.control).join("cases.yaml");
        let cases = Cases::open(&cases).unwrap();
        let source = seed.source();
        let modules = match &source {
            PolicySource::Rego(text) => {
                BTreeMap::from([("policy.rego".to_owned(), text.to_string())])
            }
            PolicySource::Component(_) => BTreeMap::new(),
        };
        let candidate = Candidate {
            source: &source,
            modules,
            cases: cases.iter().as_slice(),
            schema: None,
        };
        let policy = sandbox().prepare(&source).unwrap();
        let begin = Instant::now();
        for case in cases.iter() {
            workbench::run(&policy, case).unwrap();
        }
        let of_cases = begin.elapsed();
        let begin = Instant::now();
        let report = check(&candidate, &sandbox()).unwrap();
        let ratio = begin.elapsed().as_secs_f64() / of_cases.as_secs_f64();
        let form = match seed.form {
            PolicyForm::Component => "component",
            PolicyForm::Rego => "Rego",
        };
        table.push_str(&format!(
            "| `{}` | {form} | {} | {} | {} | {ratio:.0} |\n",
            seed.control, report.cases, report.mutation.mutants, report.mutation.got_through
        ));
        assert!(
            report.mutation.mutants > 10 * report.cases,
            "{}",
            seed.control
        );
        assert_eq!(report.mutation.left_out, 0, "{}", seed.control);
        if !report.findings().is_empty() || report.mutation.undecided > 0 {
            wrong.push(format!("{} in {form}:\n{}", seed.control, shown(&report)));
        }
    }
    // For whoever wants the table.
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mutants.md");
    fs::write(path, table).unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
