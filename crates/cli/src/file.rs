//! Files that a command writes: whole, or not at all.

use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// Writes a file.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    copy(bytes, path).map(drop)
}

/// Writes all that a source gives to a file, and returns how many bytes that was.
///
/// It is written beside the file and then takes its place, so that nobody reads a half of it.
pub(crate) fn copy(mut source: impl Read, path: &Path) -> Result<u64> {
    let part = part(path);
    let written = (|| {
        let mut file = File::create(&part)?;
        let bytes = io::copy(&mut source, &mut file)?;
        file.flush()?;
        fs::rename(&part, path)?;
        io::Result::Ok(bytes)
    })();
    if written.is_err() {
        // The error to tell is the first one.
        let _ = fs::remove_file(&part);
    }
    written.with_context(|| format!("could not write `{}`", path.display()))
}

fn part(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_that_breaks_off_leaves_the_file_as_it_was() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("gone"))
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bundle");
        write(&path, b"old").unwrap();
        assert!(copy(Broken, &path).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
