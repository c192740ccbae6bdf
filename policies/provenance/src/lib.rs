//! `provenance`: it is recorded from which commit of which repository the artifact was built, by whom, and all of it
//! is trusted.
//!
//! Parameters: `repositories`, the trusted ones (default: any); `builders`, the trusted ones (default: any that is
//! named); `build_url`, whether the build must be linked (default `false`); `materials_min`, how many ingredients must
//! be listed at least (default 0).

use author::{Attestation, Dossier, Finding, Outcome, Policy, SubjectKind};
use serde::Deserialize;

struct Provenance;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    #[serde(default)]
    build_url: bool,
    #[serde(default)]
    builders: Vec<String>,
    #[serde(default)]
    materials_min: u64,
    #[serde(default)]
    repositories: Vec<String>,
}

/// The facts of a provenance, as far as this policy needs them.
#[derive(Deserialize)]
struct Facts {
    #[serde(default)]
    build_url: Option<String>,
    builder: String,
    commit: String,
    materials: u64,
    repository: String,
}

impl Policy for Provenance {
    const CONTROL: &str = "provenance";
    type Parameters = Parameters;

    fn judge(dossier: &Dossier, parameters: Parameters) -> Finding {
        let provenances = author::newest_of_each_name(dossier, "provenance");
        for provenance in &provenances {
            if let Err(reason) = trusted(provenance, &parameters) {
                return Self::failed(reason, [*provenance]);
            }
        }
        match provenances.last() {
            Some(last) => {
                let commit = author::facts::<Facts>(last, "provenance.v1")
                    .map(|facts| facts.commit)
                    .unwrap_or_default();
                Self::satisfied(
                    format!("it was built from commit `{commit}` by a trusted builder"),
                    provenances,
                )
            }
            None => Self::failed("there is no provenance", []),
        }
    }
}

fn trusted(provenance: &Attestation, parameters: &Parameters) -> Result<(), String> {
    let facts: Facts = author::facts(provenance, "provenance.v1")?;
    let name = &provenance.name;
    let shown = |text: &str| {
        text.chars()
            .take(100)
            .filter(|character| !character.is_control())
            .collect::<String>()
    };
    if provenance.outcome == Outcome::Failed {
        Err(format!("the provenance `{name}` is reported as failed"))
    } else if provenance.subject != SubjectKind::Artifact {
        Err(format!("the provenance `{name}` is not about the artifact"))
    } else if facts.commit.is_empty() || facts.repository.is_empty() || facts.builder.is_empty() {
        Err(format!(
            "the provenance `{name}` lacks its commit, repository or builder"
        ))
    } else if !parameters.repositories.is_empty()
        && !parameters.repositories.contains(&facts.repository)
    {
        Err(format!(
            "the repository `{}` is not trusted",
            shown(&facts.repository)
        ))
    } else if !parameters.builders.is_empty() && !parameters.builders.contains(&facts.builder) {
        Err(format!(
            "the builder `{}` is not trusted",
            shown(&facts.builder)
        ))
    } else if parameters.build_url && facts.build_url.is_none_or(|url| url.is_empty()) {
        Err(format!("the provenance `{name}` does not link its build"))
    } else if facts.materials < parameters.materials_min {
        Err(format!(
            "{} materials are listed, at least {} must be",
            facts.materials, parameters.materials_min
        ))
    } else {
        Ok(())
    }
}

author::policy!(Provenance);
