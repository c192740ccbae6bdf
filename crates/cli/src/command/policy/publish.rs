use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use model::Name;
use policy::{PolicyForm, PolicySource, stock};

use crate::answer::text;
use crate::command::Global;
use crate::exit::Exit;
use crate::failure::Failure;

/// What every WebAssembly file begins with.
const WASM: &[u8] = b"\0asm";

/// Publishes a policy: Rego source, a WebAssembly component, or a stock one.
#[derive(Debug, Args)]
pub(crate) struct Publish {
    /// What it is called.
    name: Name,
    /// A file with Rego source or a component.
    #[arg(required_unless_present = "stock", conflicts_with = "stock")]
    file: Option<PathBuf>,
    /// Takes the policy of that name which comes with Trailmark, in a form where it comes in both.
    #[arg(long, value_name = "FORM", num_args = 0..=1, require_equals = true, default_missing_value = "any")]
    stock: Option<Form>,
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
            (Some(path), _) => of_file(path)?,
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

fn of_file(path: &Path) -> Result<PolicySource> {
    let bytes =
        std::fs::read(path).with_context(|| format!("could not read `{}`", path.display()))?;
    if bytes.starts_with(WASM) {
        return Ok(PolicySource::Component(bytes.into()));
    }
    let source = String::from_utf8(bytes).map_err(|error| {
        Failure::usage(format!(
            "`{}` is neither Rego nor WebAssembly",
            path.display()
        ))
        .because(error)
    })?;
    Ok(PolicySource::Rego(source.into()))
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
    fn a_component_is_known_by_its_first_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let source = |bytes: &[u8]| {
            let path = folder.path().join("policy");
            std::fs::write(&path, bytes).unwrap();
            of_file(&path).map(|source| source.form())
        };
        assert_eq!(source(b"\0asm\x0d\0\x01\0").unwrap(), PolicyForm::Component);
        assert_eq!(source(b"package p").unwrap(), PolicyForm::Rego);
        assert!(source(b"\xff\xfe").is_err());
    }

    #[test]
    fn what_comes_with_trailmark_is_found_by_name_and_form() {
        let name: Name = "unit-tested".parse().unwrap();
        for form in [Form::Rego, Form::Component] {
            assert!(of_stock(&name, form).is_ok(), "{form:?}");
        }
        assert!(of_stock(&"tested-in-orbit".parse().unwrap(), Form::Any).is_err());
    }
}
