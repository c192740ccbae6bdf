use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use model::limits::{CASES_BYTES_MAX, SCHEMA_BYTES_MAX, SIGNATURE_BYTES_MAX, SIGNATURES_MAX};
use policy::POLICY_BYTES_MAX;
use recorder::{PolicyKey, PolicySignature};
use serde_json::json;

use crate::command::Global;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::registry::{Account, Address, Registry};
use crate::{package, signature};

/// The largest policy, with the largest of what comes with it.
const ARTIFACT_BYTES_MAX: usize = POLICY_BYTES_MAX
    + CASES_BYTES_MAX
    + 2 * SCHEMA_BYTES_MAX
    + SIGNATURES_MAX * SIGNATURE_BYTES_MAX;

/// Gets a policy from an OCI registry by digest, as a folder from which it can be tested and published.
#[derive(Debug, Args)]
pub(crate) struct Pull {
    /// Where from: `oci://HOST/REPO@sha256:DIGEST`. What is under a tag changes, and is not pulled.
    #[arg(value_name = "ADDRESS")]
    from: Address,
    /// The folder to make [default: the policy's name].
    #[arg(long, short, value_name = "FOLDER")]
    output: Option<PathBuf>,
    /// A public key, PEM: only what it signed is taken; with several, the signature of one is enough.
    #[arg(long, value_name = "FILE")]
    key: Vec<PathBuf>,
    #[command(flatten)]
    account: Account,
}

impl Pull {
    pub(super) fn run(self, global: &Global) -> Result<Exit> {
        let keys = signature::keys(&self.key)?;
        let address = self.from.repository();
        let registry = Registry::open(self.from, self.account)?;
        let artifact = registry.pull(package::ARTIFACT_TYPE, ARTIFACT_BYTES_MAX)?;
        let package::Found {
            publication,
            signatures,
        } = package::of_artifact(artifact)?;
        let by = |key: &PolicyKey| {
            let read = |bundle: &Vec<u8>| PolicySignature::read(bundle);
            let mut found = signatures.iter().flat_map(read);
            found.any(|signature| signature.is_by(key))
        };
        let by: Vec<&PolicyKey> = keys.iter().filter(|key| by(key)).collect();
        if by.is_empty() && !keys.is_empty() {
            let said = format!("the policy in `{address}` is not signed by these keys");
            return Err(Failure::new(Exit::Unverified, said).into());
        }
        let folder = self
            .output
            .unwrap_or_else(|| publication.name.as_str().into());
        package::write(&publication, &signatures, &folder)?;
        let policy = publication.source.digest().to_string();
        let language = package::form(&publication.source);
        let answer = json!({
            "name": publication.name,
            "policy": policy,
            "language": language,
            "signatures": signatures.len(),
            "signed_by": by.iter().map(|key| key.id()).collect::<Vec<_>>(),
            "folder": folder.display().to_string(),
        });
        global.output().answer(&answer, |page| {
            page.line(format!("policy {} pulled", publication.name));
            page.fields([
                ("folder", folder.display().to_string()),
                ("language", language.to_owned()),
                ("policy", policy.clone()),
                ("signatures", signatures.len().to_string()),
            ]);
        })?;
        Ok(Exit::Done)
    }
}
