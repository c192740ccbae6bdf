use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use recorder::PolicyKey;
use serde_json::json;

use super::found::found;
use crate::command::Global;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::signature;

/// Checks a policy's signature, offline.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The signature: a Sigstore bundle.
    bundle: PathBuf,
    /// A public key, PEM; with several, the signature of one is enough.
    #[arg(long, value_name = "FILE", required = true)]
    key: Vec<PathBuf>,
    /// The policy that it should be of: its folder or file, its name, or the entry that published it.
    #[arg(value_name = "PATH|NAME|ENTRY")]
    policy: Option<String>,
}

impl Verify {
    pub(super) fn run(self, global: &Global) -> Result<Exit> {
        let keys = signature::keys(&self.key)?;
        let (bundle, _) = signature::read(&self.bundle)?;
        let by: Vec<String> = keys
            .iter()
            .filter(|key| bundle.is_by(key))
            .map(|key: &PolicyKey| key.id().to_string())
            .collect();
        if by.is_empty() {
            let said = format!("`{}` is not signed by these keys", self.bundle.display());
            return Err(Failure::new(Exit::Unverified, said).into());
        }
        if let Some(policy) = &self.policy {
            let policy = found(global, policy)?.publication.signed();
            signature::check(&bundle, &policy)?;
        }
        let signed = bundle.signed();
        let answer = json!({
            "by": by,
            "policy": signed,
            "compared": self.policy.is_some(),
        });
        global.output().answer(&answer, |page| {
            page.line(format!("a signature of policy {}", signed.policy));
            let schema = signed.parameters.map(|digest| digest.to_string());
            page.fields([
                ("by", by.join(", ")),
                ("digest", signed.digest.to_string()),
                ("schema", schema.unwrap_or_default()),
            ]);
            if self.policy.is_none() {
                page.line("which policy that is was not compared: name its folder".to_owned());
            }
        })?;
        Ok(Exit::Done)
    }
}
