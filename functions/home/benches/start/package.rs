//! The size of what Lambda is given: the program without symbols, compressed as in a zip.

use std::path::Path;
use std::process::{Command, Stdio};

/// Returns a program's size as a package, in megabytes.
pub fn zipped_mb(program: &Path) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let bare = folder.path().join("bootstrap");
    let stripped = Command::new("strip")
        .arg("-o")
        .arg(&bare)
        .arg(program)
        .status();
    assert!(
        stripped.unwrap().success(),
        "`strip` failed on `{}`",
        program.display()
    );
    // A zip holds the same stream, and some hundred bytes around it.
    let zipped = Command::new("gzip")
        .arg("-c")
        .arg(&bare)
        .stdout(Stdio::piped())
        .output()
        .unwrap();
    assert!(zipped.status.success());
    f64::from(u32::try_from(zipped.stdout.len()).unwrap()) / 1e6
}
