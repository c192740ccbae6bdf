use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde_json::json;

use super::found::found;
use crate::command::Global;
use crate::exit::Exit;
use crate::package;
use crate::registry::{Account, Address, Registry};
use crate::signature;

/// Puts a policy into an OCI registry, with its schema, cases, check and signatures.
///
/// What is pushed is pulled by the digest that this prints. A registry on this machine is asked over plain HTTP, any other
/// over HTTPS.
#[derive(Debug, Args)]
pub(crate) struct Push {
    /// The policy's folder or file, its name for the newest published version, or the entry that published it.
    #[arg(value_name = "PATH|NAME|ENTRY")]
    policy: String,
    /// Where to: `oci://HOST/REPO` or `oci://HOST/REPO:TAG` [default tag: `policy-` and the beginning of its digest].
    #[arg(value_name = "ADDRESS")]
    to: Address,
    /// A signature of it, beside those that are recorded of a published one; may be given several times.
    #[arg(long, value_name = "BUNDLE")]
    signature: Vec<PathBuf>,
    #[command(flatten)]
    account: Account,
}

impl Push {
    pub(super) fn run(self, global: &Global) -> Result<Exit> {
        let package::Found {
            publication,
            mut signatures,
        } = found(global, &self.policy)?;
        for bundle in signature::all_of(&self.signature, &publication.signed())? {
            if !signatures.contains(&bundle) {
                signatures.push(bundle);
            }
        }
        let policy = publication.source.digest().to_string();
        let short: String = policy.chars().take(12).collect();
        let tag = self
            .to
            .tag()
            .map_or_else(|| format!("policy-{short}"), str::to_owned);
        let repository = self.to.repository();
        let registry = Registry::open(self.to, self.account)?;
        let digest = registry.push(&package::artifact(&publication, &signatures)?, &tag)?;
        let address = format!("{repository}@{digest}");
        let answer = json!({
            "name": publication.name,
            "policy": policy,
            "address": address,
            "digest": digest,
            "signatures": signatures.len(),
            "tag": tag,
        });
        global.output().answer(&answer, |page| {
            page.line(format!("policy {} pushed", publication.name));
            page.fields([
                ("address", address.clone()),
                ("tag", tag.clone()),
                ("policy", policy.clone()),
                ("signatures", signatures.len().to_string()),
            ]);
        })?;
        Ok(Exit::Done)
    }
}
