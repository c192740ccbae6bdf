use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use model::Name;
use model::dossier::Requirement;
use recorder::DefineFlow;
use serde::Deserialize;

use super::Global;
use crate::answer::{list, text};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::show;

/// Flows: value streams, each with a template of what must be attested.
#[derive(Debug, Subcommand)]
pub(crate) enum Flow {
    Create(Create),
    Show(Show),
    List(List),
}

/// Creates a flow, or changes its template.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// What it is called.
    flow: Name,
    /// A YAML file: `required`, a list of `{type, name, subject}` with `artifact` or `trail` as subject.
    #[arg(long, value_name = "FILE")]
    template: Option<PathBuf>,
    /// What it is for.
    #[arg(long)]
    description: Option<String>,
}

/// Shows a flow and its template.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The flow.
    #[arg(env = "TRAILMARK_FLOW")]
    flow: Name,
}

/// Lists all flows.
#[derive(Debug, Args)]
pub(crate) struct List {}

/// A template as its file says it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Template {
    #[serde(default)]
    description: String,
    #[serde(default)]
    required: Vec<Requirement>,
}

impl Flow {
    pub(crate) fn run(self, global: &Global) -> Result<Exit> {
        match self {
            Self::Create(command) => command.run(global),
            Self::Show(command) => command.run(global),
            Self::List(command) => command.run(global),
        }
    }
}

impl Create {
    fn run(self, global: &Global) -> Result<Exit> {
        let template = match &self.template {
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .with_context(|| format!("could not read `{}`", path.display()))?;
                read(&text).with_context(|| format!("could not read `{}`", path.display()))?
            }
            None => Template::default(),
        };
        let flow = self.flow.clone();
        let define = DefineFlow {
            description: self.description.unwrap_or(template.description),
            flow: self.flow,
            required: template.required,
        };
        let answer = global.client()?.post("/v1/flows", &define)?;
        global.output().answer(&answer, |page| {
            show::recorded(page, &format!("flow {flow}"), &answer);
        })?;
        Ok(Exit::Done)
    }
}

impl Show {
    fn run(self, global: &Global) -> Result<Exit> {
        let path = format!("/v1/flows/{}", self.flow);
        let answer = global.client()?.get(&path, &[])?;
        global.output().answer(&answer, |page| {
            page.fields([
                ("flow", text(&answer, "/flow")),
                ("description", text(&answer, "/description")),
            ]);
            page.table(
                ["required", "type", "of"],
                list(&answer, "/required").iter().map(|requirement| {
                    ["/name", "/type", "/subject"].map(|field| text(requirement, field))
                }),
                "it requires nothing",
            );
        })?;
        Ok(Exit::Done)
    }
}

impl List {
    fn run(self, global: &Global) -> Result<Exit> {
        let answer = global.client()?.get("/v1/flows", &[])?;
        global.output().answer(&answer, |page| {
            page.table(
                ["flow", "requires", "description"],
                list(&answer, "").iter().map(|flow| {
                    let required = list(flow, "/required").len().to_string();
                    [text(flow, "/flow"), required, text(flow, "/description")]
                }),
                "there is no flow yet",
            );
        })?;
        Ok(Exit::Done)
    }
}

fn read(yaml: &str) -> Result<Template> {
    let template = serde_saphyr::from_str(yaml);
    Ok(template.map_err(|error| {
        Failure::usage("the template is not of its form")
            .because(error)
            .with_hint(
                "for example:\nrequired:\n  - { type: junit, name: unit-tests, subject: artifact }",
            )
    })?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_names_what_must_be_attested() {
        let template =
            read("required:\n  - { type: junit, name: unit-tests, subject: artifact }\n").unwrap();
        assert_eq!(template.required[0].name.as_str(), "unit-tests");
        assert!(read("{}").unwrap().required.is_empty());
    }

    #[test]
    fn what_a_template_does_not_know_is_refused() {
        for bad in [
            "needed: []",
            "required:\n  - { type: junit, name: a, subject: artifact, min: 1 }",
            "required:\n  - { type: junit, name: a, subject: commit }",
            "required:\n  - { type: junit, name: '../a', subject: trail }",
            "required: [",
        ] {
            assert!(read(bad).is_err(), "accepted `{bad}`");
        }
    }
}
