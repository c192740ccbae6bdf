//! The demo: one commit of this repository walks to production.

use std::path::Path;

/// Tells the story.
pub fn run(_root: &Path) -> anyhow::Result<()> {
    anyhow::bail!("the demo is not written yet")
}
