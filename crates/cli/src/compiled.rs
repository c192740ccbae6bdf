//! Where compiled policies are kept between commands: Rego's engine alone takes seconds to compile.

use anyhow::Result;
use policy::Cache;

use crate::{folder, secret};

/// Keeps what was compiled for the next time. Without a place for it, it is done each time.
pub(crate) fn cache() -> Option<Cache> {
    let folder = folder::cache().ok()?.join("policies");
    Some(Cache::in_folder(folder, key().ok()?))
}

/// Who has this key can make this program run code, so it lies elsewhere than the cache.
fn key() -> Result<[u8; 32]> {
    let folder = folder::state()?;
    let path = folder.join("policy-cache.key");
    if !path.exists() {
        secret::make_folder(&folder)?;
        secret::write_new(&path, &hex::encode(secret::random::<32>()?))?;
    }
    secret::read(&path)
}
