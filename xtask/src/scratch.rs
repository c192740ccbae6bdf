//! A folder, a port and an environment of their own for each real use of the `trailmark` program.

use std::{
    ffi::OsString,
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

/// A fresh folder below `target`, and a free port of this machine.
pub struct Scratch {
    pub folder: PathBuf,
    pub listen: SocketAddr,
    programs: PathBuf,
}

impl Scratch {
    /// Makes `target/NAME` anew, with nothing of an earlier run in it.
    pub fn fresh(root: &Path, name: &str) -> Result<Self> {
        let folder = root.join("target").join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder)
                .with_context(|| format!("could not empty `{}`", folder.display()))?;
        }
        fs::create_dir_all(&folder)
            .with_context(|| format!("could not make `{}`", folder.display()))?;
        let listen = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        Ok(Self {
            folder,
            listen,
            programs: root.join("target/debug"),
        })
    }

    /// The program that this workspace builds.
    pub fn trailmark(&self) -> PathBuf {
        self.programs.join("trailmark")
    }

    /// Starts a command that sees this workspace's programs first, and Trailmark's settings of this scratch alone.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("TRAILMARK_"))
        {
            command.env_remove(name);
        }
        command
            .env("PATH", self.path())
            .env("TRAILMARK_DATA", self.folder.join("data"))
            .env("TRAILMARK_LISTEN", self.listen.to_string())
            .env("TRAILMARK_URL", format!("http://{}", self.listen));
        command
    }

    fn path(&self) -> OsString {
        let mut path = self.programs.clone().into_os_string();
        if let Some(rest) = std::env::var_os("PATH") {
            path.push(":");
            path.push(rest);
        }
        path
    }
}
