use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde_json::json;

use crate::command::Global;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::workshop;

/// Builds a policy with the tools of its language, and checks that it can be published.
#[derive(Debug, Args)]
pub(crate) struct Build {
    /// The policy's folder.
    #[arg(default_value = ".")]
    folder: PathBuf,
}

impl Build {
    pub(super) fn run(self, global: &Global) -> Result<Exit> {
        let folder = workshop::open(&self.folder)?;
        let name = folder.name();
        workbench::build(&folder).map_err(|error| {
            let failure =
                Failure::new(Exit::Failed, format!("could not build the policy `{name}`"));
            let failure = match error.hint() {
                Some(hint) => failure.with_hint(hint),
                None => failure,
            };
            failure.because(error)
        })?;
        let source = folder.source().map_err(workshop::wrong_folder)?;
        workshop::prepare(&workshop::sandbox()?, &folder)?;
        let bytes = source.bytes().len();
        let answer = json!({
            "name": name,
            "form": source.form(),
            "digest": source.digest(),
            "bytes": bytes,
        });
        global.output().answer(&answer, |page| {
            page.line(format!("policy {} is built, {bytes} bytes", name));
            page.fields([("digest", source.digest().to_string())]);
        })?;
        Ok(Exit::Done)
    }
}
