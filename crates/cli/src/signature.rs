//! Signatures of policies, and keys for them, as files.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use model::EntryHash;
use model::kind::PolicySigned;
use recorder::{
    KeyError, PolicyKey, PolicySignature, PolicySigner, SIGNATURE_MEDIA_TYPE, SignatureError,
};
use serde_json::Value;

use crate::client::Client;
use crate::exit::Exit;
use crate::failure::Failure;

/// What the file of a signature ends in.
pub(crate) const SUFFIX: &str = "sigstore.json";

/// Reads a public key.
pub(crate) fn key(path: &Path) -> Result<PolicyKey> {
    let wrong = |error: KeyError| {
        let hint = error.hint();
        refused(path, "no public key for policies", error, hint)
    };
    Ok(PolicyKey::from_pem(&text(path)?).map_err(wrong)?)
}

/// Reads public keys.
pub(crate) fn keys(paths: &[PathBuf]) -> Result<Vec<PolicyKey>> {
    paths.iter().map(|path| key(path)).collect()
}

/// Reads a private key.
pub(crate) fn signer(path: &Path) -> Result<PolicySigner> {
    let wrong = |error: KeyError| {
        let hint = error.hint();
        refused(path, "no private key for policies", error, hint)
    };
    Ok(PolicySigner::from_pem(&text(path)?).map_err(wrong)?)
}

/// Reads a signature, and its bytes.
pub(crate) fn read(path: &Path) -> Result<(PolicySignature, Vec<u8>)> {
    let failed = || format!("could not read `{}`", path.display());
    let bytes = std::fs::read(path).with_context(failed)?;
    let wrong = |error: SignatureError| {
        let hint = error.hint();
        refused(path, "no signature of a policy", error, hint)
    };
    Ok((PolicySignature::read(&bytes).map_err(wrong)?, bytes))
}

/// Reads signatures that are of a policy.
pub(crate) fn all_of(paths: &[PathBuf], policy: &PolicySigned) -> Result<Vec<Vec<u8>>> {
    let of_it = |path: &PathBuf| {
        let (signature, bytes) = read(path)?;
        check(&signature, policy)?;
        Ok(bytes)
    };
    paths.iter().map(of_it).collect()
}

/// Checks that a signature is of a policy.
pub(crate) fn check(signature: &PolicySignature, policy: &PolicySigned) -> Result<()> {
    let wrong = |error: SignatureError| {
        let hint = error.hint();
        let said = format!("policy `{}` is not what was signed", policy.policy);
        Failure::new(Exit::Unverified, said)
            .because(error)
            .with_hint(hint)
    };
    Ok(signature.check(policy).map_err(wrong)?)
}

/// Records a signature of a published policy, and returns the entry.
pub(crate) fn record(client: &Client, policy: &EntryHash, bundle: &[u8]) -> Result<Value> {
    let path = format!("/v1/policies/{policy}/signatures");
    client.post_bytes(&path, &[], SIGNATURE_MEDIA_TYPE, bundle)
}

fn text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("could not read `{}`", path.display()))
}

fn refused(
    path: &Path,
    what: &str,
    error: impl std::error::Error + Send + Sync + 'static,
    hint: &'static str,
) -> Failure {
    Failure::new(Exit::Failed, format!("`{}` is {what}", path.display()))
        .because(error)
        .with_hint(hint)
}
