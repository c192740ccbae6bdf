use std::path::Path;

use anyhow::{Context as _, Result};
use model::EntryHash;
use serde_json::Value;

use super::bind::published;
use super::publish::of_path;
use crate::answer::list;
use crate::command::Global;
use crate::package::{self, Found};

/// Finds a policy: in its author's folder or a file, or else as it was published, by name or entry.
pub(super) fn found(global: &Global, policy: &str) -> Result<Found> {
    let path = Path::new(policy);
    if policy.parse::<EntryHash>().is_err() && path.exists() {
        return Ok(Found {
            publication: of_path(path)?,
            signatures: Vec::new(),
        });
    }
    let client = global.client()?;
    let entry = published(&client, policy)?;
    let signatures = client.get(&format!("/v1/policies/{entry}/signatures"), &[])?;
    // As it is, not as it would be shown: a bundle may end in a line feed.
    let bundle = |signature: &Value| {
        let bundle = signature.get("bundle").and_then(Value::as_str);
        bundle
            .map(|bundle| bundle.as_bytes().to_vec())
            .context("a signature came without its bundle")
    };
    Ok(Found {
        publication: package::published(&client, &entry)?,
        signatures: list(&signatures, "")
            .iter()
            .map(bundle)
            .collect::<Result<_>>()?,
    })
}
