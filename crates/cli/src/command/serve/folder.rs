//! Where things are kept where nobody says so (XDG Base Directory Specification).

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::Result;
use model::JournalId;

use crate::failure::Failure;

/// The data folder.
pub(super) fn data() -> Result<PathBuf> {
    below("XDG_DATA_HOME", ".local/share", "--data")
}

/// The file outside the data folder that keeps a journal's newest checkpoint.
pub(super) fn checkpoint(journal: &JournalId) -> Result<PathBuf> {
    let file = format!("{}.checkpoint", journal.as_str().replace('/', "-"));
    Ok(below("XDG_STATE_HOME", ".local/state", "--checkpoint-file")?.join(file))
}

fn below(variable: &str, in_home: &str, flag: &str) -> Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value: &OsString| !value.is_empty());
    let folder = set(variable)
        .map(PathBuf::from)
        .filter(|folder| folder.is_absolute());
    let folder = folder.or_else(|| Some(PathBuf::from(set("HOME")?).join(in_home)));
    let folder = folder.ok_or_else(|| {
        Failure::usage("there is no home folder to keep data in")
            .with_hint(format!("name a place: `{flag}`"))
    })?;
    Ok(folder.join("trailmark"))
}
