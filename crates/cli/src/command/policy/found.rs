use std::path::Path;

use anyhow::Result;
use model::EntryHash;

use super::bind::published;
use super::publish::of_path;
use crate::answer::{list, text};
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
    let bundles = list(&signatures, "").iter();
    Ok(Found {
        publication: package::published(&client, &entry)?,
        signatures: bundles
            .map(|signature| text(signature, "/bundle").into_bytes())
            .collect(),
    })
}
