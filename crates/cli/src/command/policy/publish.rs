use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};
use model::Name;
use policy::{PolicyForm, PolicySource, stock};

use super::check::{Accept, checked};
use crate::answer::text;
use crate::command::Global;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::workshop;

/// Publishes a policy: Rego source, a WebAssembly component, or a stock one.
#[derive(Debug, Args)]
pub(crate) struct Publish {
    /// What it is called.
    name: Name,
    /// Its folder, or a file with Rego source or a component.
    #[arg(required_unless_present = "stock", conflicts_with = "stock")]
    file: Option<PathBuf>,
    /// Takes the policy of that name which comes with Trailmark, in a form where it comes in both.
    #[arg(long, value_name = "FORM", num_args = 0..=1, require_equals = true, default_missing_value = "any")]
    stock: Option<Form>,
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
    pub(super) fn run(self, global: &Global) -> Result<Exit> {
        let source = match (&self.file, self.stock) {
            (Some(path), _) => {
                checked(path, &self.accept)?;
                workshop::open(path)?
                    .source()
                    .map_err(workshop::wrong_folder)?
            }
            (None, form) => of_stock(&self.name, form.unwrap_or(Form::Any))?,
        };
        let media_type = match source.form() {
            PolicyForm::Component => "application/wasm",
            PolicyForm::Rego => "application/rego",
        };
        let query = [("name", self.name.as_str())];
        let answer =
            global
                .client()?
                .post_bytes("/v1/policies", &query, media_type, source.bytes())?;
        global.output().answer(&answer, |page| {
            page.line(format!("policy {} published", self.name));
            page.fields([("entry", text(&answer, "/policy"))]);
        })?;
        Ok(Exit::Done)
    }
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
