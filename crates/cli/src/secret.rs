//! Secrets in files that only their owner may read: 32 random bytes, hexadecimal, on a line.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result, bail};

/// Makes random bytes.
pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    match getrandom::fill(&mut bytes) {
        Ok(()) => Ok(bytes),
        Err(_) => bail!("the system gives no random bytes"),
    }
}

/// Reads a secret.
pub(crate) fn read(path: &Path) -> Result<[u8; 32]> {
    let text =
        fs::read_to_string(path).with_context(|| format!("could not read `{}`", path.display()))?;
    let mut bytes = [0; 32];
    // What is in the file is not told.
    if hex::decode_to_slice(text.trim(), &mut bytes).is_err() {
        bail!("`{}` holds no key", path.display());
    }
    Ok(bytes)
}

/// Writes a file that must not be there yet, durably.
pub(crate) fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    writeln!(file, "{text}")?;
    file.sync_all()
}

/// Reads a secret, where there is one.
pub(crate) fn read_if_any(path: &Path) -> Result<Option<[u8; 32]>> {
    if path.exists() {
        read(path).map(Some)
    } else {
        Ok(None)
    }
}

/// Writes a file in the place of what is there, if anything: durably, and the old one or the new one whole.
pub(crate) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let part = path.with_extension("part");
    if part.exists() {
        fs::remove_file(&part)?;
    }
    write_new(&part, text)?;
    fs::rename(&part, path)?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// Makes a folder, and those above it, that only its owner may look into; what is there stays as it is.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Makes durable what was renamed in a folder.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(path)?.sync_all()?;
    }
    Ok(())
}
