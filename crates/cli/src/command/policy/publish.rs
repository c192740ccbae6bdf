use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use model::Name;
use policy::{PolicyForm, PolicySource, stock};
use recorder::{Accepted, Checked, Publication, sha256};
use serde_json::json;

use super::check::{Accept, checked};
use crate::answer::text;
use crate::command::Global;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::package;
use crate::signature;
use crate::workshop;

/// Publishes a policy: a folder of its author's, Rego source, a WebAssembly component, or a stock one.
#[derive(Debug, Args)]
pub(crate) struct Publish {
    /// What it is called, where more follows; else its folder (code, schema, cases), or a file with Rego or a component
    /// [default: this folder].
    #[arg(value_name = "NAME|PATH")]
    first: Option<String>,
    /// Its folder or file.
    #[arg(value_name = "PATH", conflicts_with = "stock")]
    path: Option<PathBuf>,
    /// Takes the policy of that name which comes with Trailmark, in a form where it comes in both.
    #[arg(long, value_name = "FORM", num_args = 0..=1, require_equals = true, default_missing_value = "any")]
    stock: Option<Form>,
    /// A signature of it, as `policy sign` makes it, to be recorded with it; may be given several times.
    #[arg(long, value_name = "BUNDLE")]
    signature: Vec<PathBuf>,
    #[command(flatten)]
    accept: Accept,
}

/// In which form a policy is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// The first that there is.
    Any,
    /// Rego source.
    Rego,
    /// A WebAssembly component.
    Component,
}

impl Publish {
    pub(super) fn run(mut self, global: &Global) -> Result<Exit> {
        let signatures = std::mem::take(&mut self.signature);
        let publication = self.publication()?;
        // Before anything is published: what is signed is just this.
        let signatures = signature::all_of(&signatures, &publication.signed())?;
        let client = global.client()?.patient();
        let mut answer = package::publish(&client, &publication)?;
        let entry = text(&answer, "/policy").parse()?;
        let mut recorded = Vec::new();
        for bundle in &signatures {
            let signed = signature::record(&client, &entry, bundle)?;
            recorded.push(text(&signed, "/signature"));
        }
        if let (Some(members), false) = (answer.as_object_mut(), recorded.is_empty()) {
            members.insert("signatures".to_owned(), json!(recorded));
        }
        global.output().answer(&answer, |page| {
            page.line(format!("policy {} published", publication.name));
            page.fields([
                ("entry", text(&answer, "/policy")),
                ("signatures", recorded.join(", ")),
            ]);
        })?;
        Ok(Exit::Done)
    }

    /// Reads what is to be published. One word alone is a path, two are a name and a path.
    fn publication(self) -> Result<Publication> {
        let accept = self.accept;
        match (self.first.as_deref(), self.path, self.stock) {
            (Some(name), _, Some(form)) => {
                let name = named(name)?;
                let source = of_stock(&name, form)?;
                Ok(Publication::new(name, source))
            }
            (None, _, Some(_)) => {
                Err(Failure::usage("name the policy that comes with Trailmark").into())
            }
            (Some(name), Some(path), None) => Ok(Publication {
                name: named(name)?,
                ..of_author(&path, &accept)?
            }),
            (path, _, None) => of_author(Path::new(path.unwrap_or(".")), &accept),
        }
    }
}

/// Reads a policy that its author publishes, and checks it: what was found is accepted, or it is not published.
fn of_author(path: &Path, accept: &Accept) -> Result<Publication> {
    let accepted = checked(path, accept)?.into_iter().map(|accepted| Accepted {
        finding: accepted.finding.to_string(),
        reason: accepted.reason,
    });
    let publication = of_path(path)?;
    let cases = publication.cases.as_ref();
    Ok(Publication {
        checked: Some(Checked {
            accepted: accepted.collect(),
            cases: cases.map(|cases| sha256(cases.as_bytes())),
            program: concat!("trailmark ", env!("CARGO_PKG_VERSION")).to_owned(),
        }),
        ..publication
    })
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("could not read `{}`", path.display()))
}

fn named(name: &str) -> Result<Name> {
    let wrong = |error| Failure::usage(format!("`{name}` is no name of a policy")).because(error);
    Ok(name.parse().map_err(wrong)?)
}

/// Reads a policy with what comes with it: from its author's folder, or a lone file.
pub(super) fn of_path(path: &Path) -> Result<Publication> {
    let folder = workshop::open(path)?;
    let cases = folder.cases_path();
    Ok(Publication {
        parameters: folder.parameters()?,
        cases: cases.exists().then(|| read(&cases)).transpose()?,
        ..Publication::new(folder.name().clone(), folder.source()?)
    })
}

fn of_stock(name: &Name, form: Form) -> Result<PolicySource> {
    let wanted = |seed: &&stock::Seed| match form {
        Form::Any => true,
        Form::Rego => seed.form == PolicyForm::Rego,
        Form::Component => seed.form == PolicyForm::Component,
    };
    let mut seeds = stock::seeds().iter().filter(wanted);
    let found = seeds.find(|seed| seed.control == name.as_str());
    Ok(found.map(stock::Seed::source).ok_or_else(|| {
        let mut known: Vec<_> = stock::seeds().iter().map(|seed| seed.control).collect();
        known.dedup();
        Failure::usage(format!(
            "no policy `{name}` of that form comes with Trailmark"
        ))
        .with_hint(format!("there are {}", known.join(", ")))
    })?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_with_trailmark_is_found_by_name_and_form() {
        let name: Name = "unit-tested".parse().unwrap();
        for form in [Form::Rego, Form::Component] {
            assert!(of_stock(&name, form).is_ok(), "{form:?}");
        }
        assert!(of_stock(&"tested-in-orbit".parse().unwrap(), Form::Any).is_err());
    }
}
