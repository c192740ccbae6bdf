use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde_json::json;

use super::bind::published;
use crate::answer::text;
use crate::command::Global;
use crate::exit::Exit;
use crate::signature;

/// Records signatures of a published policy, by whomever they are.
#[derive(Debug, Args)]
pub(crate) struct Attach {
    /// The policy's name, for its newest version, or the entry that published it.
    #[arg(value_name = "NAME|ENTRY")]
    policy: String,
    /// Signatures, as `policy sign` makes them.
    #[arg(required = true, value_name = "BUNDLE")]
    signatures: Vec<PathBuf>,
}

impl Attach {
    pub(super) fn run(self, global: &Global) -> Result<Exit> {
        let client = global.client()?;
        let entry = published(&client, &self.policy)?;
        let read = |path: &PathBuf| Ok(signature::read(path)?.1);
        let bundles: Vec<_> = self.signatures.iter().map(read).collect::<Result<_>>()?;
        let mut recorded = Vec::new();
        for bundle in &bundles {
            recorded.push(text(
                &signature::record(&client, &entry, bundle)?,
                "/signature",
            ));
        }
        let answer = json!({ "policy": entry, "signatures": recorded });
        global.output().answer(&answer, |page| {
            for entry in &recorded {
                page.line(format!("signature of policy {} recorded", self.policy));
                page.fields([("entry", entry.clone())]);
            }
        })?;
        Ok(Exit::Done)
    }
}
