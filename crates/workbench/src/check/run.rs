use std::collections::BTreeMap;

use policy::{InputError, Outcome, PolicySource, PublishError, Sandbox};
use serde_json::Value;

use super::{Lacking, LintError, Mutation, Report, Subject, Trap, lint, mutate};
use crate::{Case, CasesError, Folder, FolderError, ReadError};

/// Why a policy could not be checked.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// Its folder could not be read.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// Its cases could not be read.
    #[error(transparent)]
    Cases(#[from] CasesError),
    /// The schema of its parameters could not be read.
    #[error(transparent)]
    Schema(#[from] ReadError),
    /// It is no policy.
    #[error("the policy cannot be published")]
    Publish(#[from] PublishError),
    /// Its source could not be looked at.
    #[error("could not look through the source")]
    Lint(#[from] LintError),
    /// A case's dossier could not be made ready.
    #[error("could not change a case's dossier")]
    Input(#[from] InputError),
}

/// A policy to be checked.
#[derive(Debug)]
pub struct Candidate<'a> {
    /// What would be published.
    pub source: &'a PolicySource,
    /// Its Rego modules by path; none for a component.
    pub modules: BTreeMap<String, String>,
    /// Its cases; none where there are none.
    pub cases: &'a [Case],
    /// The JSON schema of its parameters.
    pub schema: Option<Value>,
}

/// Checks the policy of a folder.
///
/// # Errors
/// When it is no policy, or cannot be read.
pub fn run(folder: &Folder, sandbox: &Sandbox) -> Result<Report, CheckError> {
    let cases = match folder.cases() {
        Ok(cases) => Some(cases),
        Err(CasesError::Empty { .. }) => None,
        Err(_) if !folder.cases_path().exists() => None,
        Err(error) => return Err(error.into()),
    };
    let modules = folder.modules()?.map(|modules| modules.modules);
    let candidate = Candidate {
        source: &folder.source()?,
        modules: modules.unwrap_or_default(),
        cases: cases.as_ref().map_or(&[], |cases| cases.iter().as_slice()),
        schema: folder.parameters()?,
    };
    check(&candidate, sandbox)
}

/// Checks a policy.
///
/// # Errors
/// When it is no policy.
pub fn check(candidate: &Candidate<'_>, sandbox: &Sandbox) -> Result<Report, CheckError> {
    let spotted = lint(&candidate.modules, candidate.schema.as_ref())?;
    let mut report = Report {
        form: candidate.source.form(),
        cases: candidate.cases.len(),
        lacking: Vec::new(),
        spotted,
        mutation: Mutation::default(),
    };
    let policy = match sandbox.prepare(candidate.source) {
        Ok(policy) => policy,
        // The lint says the same, with the place.
        Err(PublishError::DefaultAllow { .. }) if !report.spotted.is_empty() => return Ok(report),
        Err(error) => return Err(error.into()),
    };
    let parameters: Vec<String> = candidate.cases.iter().map(Case::parameters_json).collect();
    let mut results = Vec::new();
    for case in candidate.cases {
        results.push(crate::run(&policy, case)?);
    }
    let subjects: Vec<Subject<'_>> = candidate
        .cases
        .iter()
        .zip(&parameters)
        .zip(&results)
        .map(|((case, parameters), result)| Subject {
            case: &case.name,
            dossier: &case.dossier,
            parameters,
            outcome: &result.evaluation.outcome,
        })
        .collect();
    let failed = results.iter().filter(|result| !result.passed());
    let failed = failed.map(|result| Lacking {
        finding: Trap::CaseFails,
        what: format!("`{}`", result.name),
    });
    report.lacking = both_ends(&subjects).into_iter().chain(failed).collect();
    report.mutation = mutate(&policy, &subjects)?;
    Ok(report)
}

/// Finds out whether there are cases, and of both ends.
fn both_ends(subjects: &[Subject<'_>]) -> Option<Lacking> {
    let allowed = subjects
        .iter()
        .filter(|subject| matches!(subject.outcome, Outcome::Verdict(verdict) if verdict.allow))
        .count();
    let (finding, what) = match (allowed, subjects.len() - allowed) {
        (0, 0) => (Trap::NoCases, "there are none".to_owned()),
        (_, 0) => (Trap::NoCaseDenies, format!("all {allowed} are allowed")),
        (0, denied) => (Trap::NoCaseAllows, format!("all {denied} are denied")),
        _ => return None,
    };
    Some(Lacking { finding, what })
}
