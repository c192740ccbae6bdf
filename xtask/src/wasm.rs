//! The toolchain that builds WebAssembly: found, or installed and said.
//!
//! Ways, first that works: the pinned toolchain's own wasm32 standard library; a compiler that has the standard
//! library's source beside it, from which cargo builds it; `rustup target add`; Debian's packages.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Result, bail};

use crate::{process, tools};

/// The one target that components are made from.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// Compilers that a distribution may have installed together with the standard library's source.
const DISTRIBUTION_RUSTC: &str = "/usr/bin/rustc";
const DISTRIBUTION_PACKAGES: [&str; 2] = ["rustc-web", "rust-web-src"];

/// A way to compile for [`TARGET`].
#[derive(Debug)]
pub struct Toolchain {
    rustc: PathBuf,
    /// Whether the standard library is built from source together with what needs it.
    from_source: bool,
    linker: Option<PathBuf>,
}

impl Toolchain {
    /// Finds a toolchain; where there is none, installs one and says so, or fails with the one line to type.
    pub fn find() -> Result<Self> {
        if let Some(found) = Self::installed() {
            return Ok(found);
        }
        println!(
            "there is no toolchain for WebAssembly yet; installing: rustup target add {TARGET}"
        );
        process::quiet(Command::new("rustup").args(["target", "add", TARGET]));
        if let Some(found) = Self::installed() {
            return Ok(found);
        }
        let packages = DISTRIBUTION_PACKAGES.join(" ");
        println!("rustup could not; installing: apt-get install {packages}");
        tools::apt_get(&DISTRIBUTION_PACKAGES);
        if let Some(found) = Self::installed() {
            return Ok(found);
        }
        bail!(
            "no toolchain for WebAssembly could be installed from here; type one of these lines, then try again:\n  \
             rustup target add {TARGET}\n  sudo apt-get install {packages}"
        )
    }

    fn installed() -> Option<Self> {
        let pinned = PathBuf::from("rustc");
        if has_target(&pinned) {
            return Some(Self {
                rustc: pinned,
                from_source: false,
                linker: None,
            });
        }
        let linker = bundled_linker(&pinned);
        [pinned, PathBuf::from(DISTRIBUTION_RUSTC)]
            .into_iter()
            .find(|rustc| has_source(rustc))
            .map(|rustc| Self {
                rustc,
                from_source: true,
                linker,
            })
    }

    /// Starts a cargo command for [`TARGET`] in `workspace`, with a target folder of its own.
    pub fn cargo(&self, subcommand: &str, workspace: &Path, target_dir: &Path) -> Command {
        let mut cargo = process::cargo(workspace);
        cargo
            .arg(subcommand)
            .args(["--target", TARGET, "--target-dir"])
            .arg(target_dir)
            .env("RUSTC", &self.rustc);
        if self.from_source {
            // Building the standard library is unstable in cargo, not in what it yields.
            cargo
                .arg("-Zbuild-std=std,panic_abort")
                .env("RUSTC_BOOTSTRAP", "1");
        }
        if let Some(linker) = &self.linker {
            cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
        }
        cargo
    }

    /// Says in one line which compiler is used.
    pub fn describe(&self) -> String {
        let version = process::line(Command::new(&self.rustc).arg("--version")).unwrap_or_default();
        let library = if self.from_source {
            "standard library from source"
        } else {
            "installed standard library"
        };
        format!("{version}, {library}")
    }
}

fn has_target(rustc: &Path) -> bool {
    process::line(Command::new(rustc).args(["--print", "target-libdir", "--target", TARGET]))
        .is_some_and(|folder| Path::new(&folder).is_dir())
}

fn has_source(rustc: &Path) -> bool {
    sysroot(rustc).is_some_and(|root| {
        root.join("lib/rustlib/src/rust/library/Cargo.lock")
            .is_file()
    })
}

/// The linker that rustup's toolchains bring; a distribution's compiler may come without one.
fn bundled_linker(rustc: &Path) -> Option<PathBuf> {
    let version = process::text(Command::new(rustc).arg("-vV"))?;
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
    process::line(Command::new(rustc).args(["--print", "sysroot"])).map(PathBuf::from)
}
