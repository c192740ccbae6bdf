//! Rust for WebAssembly: the target that rustup installs, or a distribution's compiler with its library's source.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::BuildError;

/// The one target that policies are built for.
pub(super) const TARGET: &str = "wasm32-unknown-unknown";

/// A compiler of a distribution, which may have the standard library's source beside it.
const DISTRIBUTION_RUSTC: &str = "/usr/bin/rustc";

/// Returns what cargo must be told besides, in variables: nothing where the target is installed; otherwise how the
/// standard library is built from source.
///
/// # Errors
/// When there is neither.
pub(super) fn environment() -> Result<Vec<(&'static str, String)>, BuildError> {
    let own = PathBuf::from("rustc");
    let target =
        asked(&own, &["--print", "target-libdir", "--target", TARGET]).map_err(|source| {
            BuildError::Start {
                program: "rustc".into(),
                source,
            }
        })?;
    if Path::new(target.trim()).is_dir() {
        return Ok(Vec::new());
    }
    let candidates = [own.clone(), DISTRIBUTION_RUSTC.into()];
    let with_source = candidates.into_iter().find(|rustc| {
        sysroot(rustc).is_some_and(|root| {
            root.join("lib/rustlib/src/rust/library/Cargo.lock")
                .is_file()
        })
    });
    let rustc = with_source.ok_or(BuildError::NoTarget)?;
    let mut variables = vec![
        ("RUSTC", rustc.to_string_lossy().into_owned()),
        // Building the standard library is unstable in cargo, not in what it yields.
        ("RUSTC_BOOTSTRAP", "1".into()),
        ("CARGO_UNSTABLE_BUILD_STD", "std,panic_abort".into()),
    ];
    // A distribution's compiler may come without the linker that rustup's brings.
    if let Some(linker) = bundled_linker(&own) {
        let linker = linker.to_string_lossy().into_owned();
        variables.push(("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker));
    }
    Ok(variables)
}

fn bundled_linker(rustc: &Path) -> Option<PathBuf> {
    let version = asked(rustc, &["-vV"]).ok()?;
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))?;
    let linker = sysroot(rustc)?
        .join("lib/rustlib")
        .join(host)
        .join("bin/rust-lld");
    linker.is_file().then_some(linker)
}

fn sysroot(rustc: &Path) -> Option<PathBuf> {
    let root = asked(rustc, &["--print", "sysroot"]).ok()?;
    Some(root.trim().into())
}

fn asked(rustc: &Path, question: &[&str]) -> std::io::Result<String> {
    let output = Command::new(rustc).args(question).output()?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
