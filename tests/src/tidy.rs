//! Promises about the repository itself, which nobody remembers and so a test keeps.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

mod dependencies;
mod documents;
mod manifests;
mod policies;
mod sources;

/// The workspace that these tests were built from.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// Every file of the repository, committed or about to be, as a path from its root.
pub(crate) fn files() -> Vec<String> {
    let output = Command::new("git")
        .current_dir(root())
        .args([
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "-z",
        ])
        .output()
        .unwrap();
    assert!(output.status.success(), "git could not list the files");
    let listed = String::from_utf8(output.stdout).unwrap();
    let exists = |name: &&str| !name.is_empty() && root().join(name).is_file();
    listed
        .split('\0')
        .filter(exists)
        .map(str::to_owned)
        .collect()
}

/// The text of a file, by its path from the root.
pub(crate) fn text(file: &str) -> String {
    fs::read_to_string(root().join(file))
        .unwrap_or_else(|error| panic!("could not read `{file}`: {error}"))
}

/// Fails with all that was found wrong, one a line.
pub(crate) fn assert_none(wrong: &[String], promise: &str) {
    assert!(wrong.is_empty(), "{promise}:\n  {}", wrong.join("\n  "));
}
