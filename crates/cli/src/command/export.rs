use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::json;

use super::Global;
use crate::exit::Exit;
use crate::file;
use crate::subject::Artifact;

/// Exports the journal, or all about an artifact, as a bundle that anybody can verify.
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// An artifact: a fingerprint, or a file or directory [default: the whole journal].
    #[arg(long)]
    artifact: Option<Artifact>,
    /// Where to write the bundle; `-` for standard output.
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
}

impl Export {
    pub(crate) fn run(self, global: &Global) -> Result<Exit> {
        let fingerprint = self.artifact.as_ref().map(Artifact::fingerprint);
        let fingerprint = fingerprint.transpose()?.map(|found| found.to_string());
        let query: Vec<_> = fingerprint
            .iter()
            .map(|fingerprint| ("artifact", fingerprint.as_str()))
            .collect();
        let mut bundle = global.client()?.download("/v1/export", &query)?;
        if self.output == Path::new("-") {
            std::io::copy(&mut bundle, &mut std::io::stdout().lock())
                .context("could not write the bundle")?;
            return Ok(Exit::Done);
        }
        let bytes = file::copy(bundle, &self.output)?;
        let answer = json!({ "bytes": bytes, "file": self.output });
        global.output().answer(&answer, |page| {
            page.line(format!(
                "{bytes} bytes written to {}",
                self.output.display()
            ));
        })?;
        Ok(Exit::Done)
    }
}
