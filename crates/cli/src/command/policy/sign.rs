use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use recorder::sign;
use serde_json::json;

use super::found::found;
use crate::command::Global;
use crate::exit::Exit;
use crate::{file, signature};

/// Signs a policy: its code, name and parameters' schema, exactly as they are published.
///
/// It makes a Sigstore bundle, which `publish --signature` and `attach` record.
#[derive(Debug, Args)]
pub(crate) struct Sign {
    /// The policy's folder or file, its name for the newest published version, or the entry that published it.
    #[arg(value_name = "PATH|NAME|ENTRY", default_value = ".")]
    policy: String,
    /// The private key: PKCS#8 in PEM without a password, Ed25519 or ECDSA over P-256.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Where the bundle is written [default: beside the policy, named for the policy and the key].
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Sign {
    pub(super) fn run(self, global: &Global) -> Result<Exit> {
        let signer = signature::signer(&self.key)?;
        let policy = found(global, &self.policy)?.publication.signed();
        let id = signer.public().id().to_string();
        let beside = || {
            let short: String = id.chars().take(8).collect();
            let name = format!("{}-{short}.{}", policy.policy, signature::SUFFIX);
            match Path::new(&self.policy) {
                folder if folder.is_dir() => folder.join(name),
                file if file.is_file() => file.with_file_name(name),
                _ => name.into(),
            }
        };
        let output = self.output.clone().unwrap_or_else(beside);
        file::write(&output, &sign(&policy, &signer)?)?;
        let answer = json!({
            "signature": output.display().to_string(),
            "key": id,
            "policy": policy,
        });
        global.output().answer(&answer, |page| {
            page.line(format!("policy {} signed", policy.policy));
            page.fields([
                ("signature", output.display().to_string()),
                ("key", id.clone()),
                ("digest", policy.digest.to_string()),
            ]);
        })?;
        Ok(Exit::Done)
    }
}
