use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;
use model::Dossier;
use policy::{DossierInput, Evaluation, Limits, Outcome};
use serde::Serialize;
use workbench::{DOSSIER_BYTES_MAX, Native, native, parse_dossier};

use crate::argument::JsonArgument;
use crate::command::Global;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::printable;
use crate::workshop::{self, unexplained};

/// Judges one dossier by a policy, and shows the verdict and what it took. Nothing is recorded.
///
/// The dossier is what `trailmark artifact show ARTIFACT --dossier` prints. Exits with 0 when the policy allows, and
/// with 3 when it does not.
#[derive(Debug, Args)]
pub(crate) struct Eval {
    /// The policy: its folder, or a file that ends in `.rego` or `.wasm`.
    #[arg(default_value = ".")]
    policy: PathBuf,
    /// The dossier; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    dossier: PathBuf,
    /// The policy's parameters: a JSON object, or `@` and a file.
    #[arg(long, value_name = "JSON")]
    parameters: Option<JsonArgument>,
}

/// What is printed.
#[derive(Serialize)]
struct Evaluated {
    policy: String,
    #[serde(flatten)]
    evaluation: Evaluation,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    prints: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    said: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unexplained: Option<String>,
}

impl Eval {
    pub(super) fn run(self, global: &Global) -> Result<Exit> {
        let dossier = read(&self.dossier)?;
        let parameters = self
            .parameters
            .as_ref()
            .map(JsonArgument::read)
            .transpose()?;
        let parameters = parameters.unwrap_or_else(|| serde_json::json!({}));
        if !parameters.is_object() {
            return Err(Failure::usage("the parameters are not a JSON object").into());
        }
        let parameters = String::from_utf8(model::canonical::to_vec(&parameters)?)?;
        let folder = workshop::open(&self.policy)?;
        let policy = workshop::prepare(&workshop::sandbox()?, &folder)?;
        let input = DossierInput::new(&dossier)?;
        let evaluation = policy.evaluate(&input, &parameters, &Limits::default());

        let mut evaluated = Evaluated {
            policy: folder.name().to_string(),
            evaluation,
            prints: Vec::new(),
            said: None,
            unexplained: None,
        };
        let modules = folder.modules().map_err(workshop::wrong_folder)?;
        match modules.as_ref().map(Native::new).transpose() {
            Ok(Some(mut interpreter)) if native::may_follow(&evaluated.evaluation) => {
                let heard = interpreter.judge(&dossier, &parameters);
                evaluated.said = heard.said();
                evaluated.prints = heard.prints;
            }
            Ok(_) => {}
            Err(error) => evaluated.unexplained = Some(error.to_string()),
        }
        show(global, &evaluated)?;
        Ok(match evaluated.evaluation.outcome {
            Outcome::Undecided(_) => Exit::Failed,
            _ if evaluated.evaluation.allows() => Exit::Done,
            _ => Exit::Denied,
        })
    }
}

fn show(global: &Global, evaluated: &Evaluated) -> Result<()> {
    global.output().answer(evaluated, |page| {
        let allows = evaluated.evaluation.allows();
        page.line(if allows {
            page.style.good("allows")
        } else {
            page.style.bad("does not allow")
        });
        for said in &evaluated.prints {
            page.line(format!("print {}", printable(said)));
        }
        for line in workbench::outcome_text(&evaluated.evaluation.outcome).lines() {
            page.line(printable(line));
        }
        for line in evaluated.said.iter().flat_map(|said| said.lines()) {
            page.line(printable(line));
        }
        for line in evaluated
            .unexplained
            .iter()
            .flat_map(|why| unexplained(why))
        {
            page.line(line);
        }
        page.fields([
            ("fuel", evaluated.evaluation.fuel.to_string()),
            (
                "memory",
                format!("{} bytes", evaluated.evaluation.memory_bytes),
            ),
        ]);
    })
}

fn read(path: &Path) -> Result<Dossier> {
    let mut text = String::new();
    let (name, read) = if path == Path::new("-") {
        let input = std::io::stdin().lock();
        let read = input.take(DOSSIER_BYTES_MAX).read_to_string(&mut text);
        (Path::new("standard input"), read)
    } else {
        let read = std::fs::File::open(path)
            .and_then(|file| file.take(DOSSIER_BYTES_MAX).read_to_string(&mut text));
        (path, read)
    };
    read.with_context(|| format!("could not read the dossier in `{}`", name.display()))?;
    Ok(parse_dossier(name, &text)
        .map_err(|error| Failure::new(Exit::Failed, "this is not a dossier").because(error))?)
}
