//! Where things are kept where nobody says so (XDG Base Directory Specification).

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::Result;

use crate::failure::Failure;

/// What cannot be made again.
pub(crate) fn data() -> Result<PathBuf> {
    below("XDG_DATA_HOME", ".local/share")
}

/// What stays on this machine.
pub(crate) fn state() -> Result<PathBuf> {
    below("XDG_STATE_HOME", ".local/state")
}

/// What can be made again.
pub(crate) fn cache() -> Result<PathBuf> {
    below("XDG_CACHE_HOME", ".cache")
}

fn below(variable: &str, in_home: &str) -> Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value: &OsString| !value.is_empty());
    let folder = set(variable)
        .map(PathBuf::from)
        .filter(|folder| folder.is_absolute());
    let folder = folder.or_else(|| Some(PathBuf::from(set("HOME")?).join(in_home)));
    let folder = folder.ok_or_else(|| {
        Failure::usage("there is no home folder to keep things in")
            .with_hint(format!("set `HOME` or `{variable}`"))
    })?;
    Ok(folder.join("trailmark"))
}
