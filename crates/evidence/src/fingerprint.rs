//! Fingerprints of files and directories on this machine.
//!
//! A file's fingerprint is the SHA-256 of its bytes. A directory's is the SHA-256 of a manifest of all that is in it:
//!
//! ```text
//! trailmark directory 1 NUL          the algorithm and its version
//! KIND SHA256 PATH NUL               once for every item, sorted by the bytes of PATH
//! ```
//!
//! `KIND` is `d` (directory), `f` (file), `x` (file that somebody may execute) or `l` (symbolic link); `SHA256` is of a
//! file's bytes, of a link's target, of nothing for a directory; `PATH` is relative, with `/` between names, and byte-exact:
//! it need not be UTF-8 and may hold anything but NUL, which is why NUL ends a line. The directory itself is no item. Links are
//! never followed, nothing is left out, and anything that is neither file, directory nor link is refused. Times and owners do not
//! count. `docs/fingerprint.md` has the same in ten lines of Python.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use model::Fingerprint;
use sha2::{Digest as _, Sha256};

use crate::limits::DIRECTORY_ITEMS_MAX;

/// The manifest's first line: no file is by accident taken for a directory, and the algorithm can change.
const MANIFEST_HEADER: &[u8] = b"trailmark directory 1\0";
const BUFFER_BYTES: usize = 128 * 1024;

/// A file or directory that could not be fingerprinted.
#[derive(Debug, thiserror::Error)]
pub enum FingerprintError {
    /// It could not be read.
    #[error("`{}` could not be read", path.display())]
    Read {
        /// The file or directory.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// It is something else than what was asked for.
    #[error("`{}` is not {expected}", path.display())]
    WrongKind {
        /// What was found.
        path: PathBuf,
        /// What was expected.
        expected: &'static str,
    },
    /// It changed while it was being read, so what was read was never there at one time.
    #[error("`{}` changed while it was being read", path.display())]
    Changed {
        /// The file or directory.
        path: PathBuf,
    },
    /// The directory has too many items.
    #[error("`{}` has more than {DIRECTORY_ITEMS_MAX} items", path.display())]
    TooMany {
        /// The directory.
        path: PathBuf,
    },
}

/// Computes the fingerprint of a file, reading it once and never holding it in memory. A link is followed.
///
/// # Errors
/// When it is not a file, cannot be read, or was seen to change meanwhile.
pub fn of_file(path: &Path) -> Result<Fingerprint, FingerprintError> {
    // Looked at before it is opened: opening a named pipe would wait for a writer.
    if !read(path, fs::metadata(path))?.is_file() {
        return Err(FingerprintError::WrongKind {
            path: path.to_owned(),
            expected: "a file",
        });
    }
    Ok(Fingerprint(sha256_of_file(path)?))
}

/// Computes the fingerprint of bytes, reading them to their end.
///
/// # Errors
/// When they cannot be read.
pub fn of_reader(mut reader: impl Read) -> io::Result<Fingerprint> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(Fingerprint(hasher.finalize().into())),
            Ok(read) => hasher.update(buffer.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Computes the fingerprint of a directory by the algorithm of this module. A link to a directory is followed, links in it are not.
///
/// # Errors
/// When it is not a directory, something in it cannot be read or is neither file, directory nor link, or was seen to change meanwhile.
pub fn of_directory(path: &Path) -> Result<Fingerprint, FingerprintError> {
    if !read(path, fs::metadata(path))?.is_dir() {
        return Err(FingerprintError::WrongKind {
            path: path.to_owned(),
            expected: "a directory",
        });
    }
    let mut items = list(path)?;
    items.sort_unstable_by(|left, right| left.path.cmp(&right.path));
    let mut manifest = Sha256::new();
    manifest.update(MANIFEST_HEADER);
    for item in &items {
        manifest.update([item.kind, b' ']);
        manifest.update(hex::encode(item.content));
        manifest.update(b" ");
        manifest.update(&item.path);
        manifest.update(b"\0");
    }
    Ok(Fingerprint(manifest.finalize().into()))
}

/// One line of the manifest.
struct Item {
    kind: u8,
    content: [u8; 32],
    path: Vec<u8>,
}

/// Lists all that is in a directory, in no particular order, without recursion.
fn list(root: &Path) -> Result<Vec<Item>, FingerprintError> {
    let mut items = Vec::new();
    let mut waiting = vec![(root.to_owned(), Vec::new())];
    while let Some((directory, prefix)) = waiting.pop() {
        let before = read(&directory, fs::metadata(&directory))?;
        for entry in read(&directory, fs::read_dir(&directory))? {
            let entry = read(&directory, entry)?;
            let (path, relative) = (
                entry.path(),
                [prefix.as_slice(), entry.file_name().as_encoded_bytes()].concat(),
            );
            if items.len() == DIRECTORY_ITEMS_MAX {
                return Err(FingerprintError::TooMany {
                    path: root.to_owned(),
                });
            }
            let (kind, content) = kind_and_content(&path)?;
            if kind == b'd' {
                waiting.push((path, [relative.as_slice(), b"/"].concat()));
            }
            items.push(Item {
                kind,
                content,
                path: relative,
            });
        }
        unchanged(
            &directory,
            &before,
            &read(&directory, fs::metadata(&directory))?,
        )?;
    }
    Ok(items)
}

fn kind_and_content(path: &Path) -> Result<(u8, [u8; 32]), FingerprintError> {
    let metadata = read(path, fs::symlink_metadata(path))?;
    let kind = metadata.file_type();
    if kind.is_symlink() {
        let target = read(path, fs::read_link(path))?;
        Ok((
            b'l',
            Sha256::digest(target.as_os_str().as_encoded_bytes()).into(),
        ))
    } else if kind.is_dir() {
        Ok((b'd', Sha256::digest(b"").into()))
    } else if kind.is_file() {
        Ok((
            if is_executable(&metadata) { b'x' } else { b'f' },
            sha256_of_file(path)?,
        ))
    } else {
        Err(FingerprintError::WrongKind {
            path: path.to_owned(),
            expected: "a file, directory or symbolic link",
        })
    }
}

fn sha256_of_file(path: &Path) -> Result<[u8; 32], FingerprintError> {
    let mut file = read(path, File::open(path))?;
    let before = read(path, file.metadata())?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut total = 0_u64;
    loop {
        let count = match file.read(&mut buffer) {
            Ok(0) => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            count => read(path, count)?,
        };
        hasher.update(buffer.get(..count).unwrap_or_default());
        total += count as u64;
    }
    unchanged(path, &before, &read(path, file.metadata())?)?;
    if total == before.len() {
        Ok(hasher.finalize().into())
    } else {
        Err(FingerprintError::Changed {
            path: path.to_owned(),
        })
    }
}

/// Notices a change as far as sizes and times tell.
fn unchanged(path: &Path, before: &Metadata, after: &Metadata) -> Result<(), FingerprintError> {
    if before.len() == after.len() && before.modified().ok() == after.modified().ok() {
        Ok(())
    } else {
        Err(FingerprintError::Changed {
            path: path.to_owned(),
        })
    }
}

#[cfg(unix)]
fn is_executable(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &Metadata) -> bool {
    false
}

fn read<T>(path: &Path, result: io::Result<T>) -> Result<T, FingerprintError> {
    result.map_err(|source| FingerprintError::Read {
        path: path.to_owned(),
        source,
    })
}
