use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use model::limits::{CASES_BYTES_MAX, SCHEMA_BYTES_MAX};
use policy::POLICY_BYTES_MAX;
use serde_json::json;

use crate::command::Global;
use crate::exit::Exit;
use crate::package;
use crate::registry::{Account, Address, Registry};

/// The largest policy, with the largest of what comes with it.
const ARTIFACT_BYTES_MAX: usize = POLICY_BYTES_MAX + CASES_BYTES_MAX + 2 * SCHEMA_BYTES_MAX;

/// Gets a policy from an OCI registry by digest, as a folder from which it can be tested and published.
#[derive(Debug, Args)]
pub(crate) struct Pull {
    /// Where from: `oci://HOST/REPO@sha256:DIGEST`. What is under a tag changes, and is not pulled.
    #[arg(value_name = "ADDRESS")]
    from: Address,
    /// The folder to make [default: the policy's name].
    #[arg(long, short, value_name = "FOLDER")]
    output: Option<PathBuf>,
    #[command(flatten)]
    account: Account,
}

impl Pull {
    pub(super) fn run(self, global: &Global) -> Result<Exit> {
        let registry = Registry::open(self.from, self.account)?;
        let artifact = registry.pull(package::ARTIFACT_TYPE, ARTIFACT_BYTES_MAX)?;
        let publication = package::of_artifact(artifact)?;
        let folder = self
            .output
            .unwrap_or_else(|| publication.name.as_str().into());
        package::write(&publication, &folder)?;
        let policy = publication.source.digest().to_string();
        let language = package::form(&publication.source);
        let answer = json!({
            "name": publication.name,
            "policy": policy,
            "language": language,
            "folder": folder.display().to_string(),
        });
        global.output().answer(&answer, |page| {
            page.line(format!("policy {} pulled", publication.name));
            page.fields([
                ("folder", folder.display().to_string()),
                ("language", language.to_owned()),
                ("policy", policy.clone()),
            ]);
        })?;
        Ok(Exit::Done)
    }
}
