use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde_json::json;

use super::Global;
use crate::exit::Exit;
use crate::subject;

/// Computes the fingerprint of a file or directory, on this machine.
#[derive(Debug, Args)]
pub(crate) struct Fingerprint {
    /// The file or directory.
    path: PathBuf,
}

impl Fingerprint {
    pub(crate) fn run(self, global: &Global) -> Result<Exit> {
        let fingerprint = subject::of_path(&self.path)?;
        let answer = json!({ "fingerprint": fingerprint });
        global
            .output()
            .answer(&answer, |page| page.line(fingerprint))?;
        Ok(Exit::Done)
    }
}
