//! What policies in other languages are built with, for the tests that build them.
//!
//! JavaScript's and Python's are installed once below `target/languages`, as the templates of the workbench name them;
//! Rust's is that of the guests, and C's are Debian's clang and lld.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::{install, process, tools, wasm};

/// Names the folder to tests; with it, a test that lacks a language fails.
const VARIABLE: &str = "TRAILMARK_TEST_LANGUAGES";
const TEMPLATES: &str = "crates/workbench/templates";

/// The tools, installed.
pub struct Languages(PathBuf);

impl Languages {
    /// Installs what is missing.
    pub fn installed(root: &Path) -> Result<Self> {
        tools::clang_node_and_python()?;
        wasm::Toolchain::find()?;
        let folder = root.join("target/languages");
        let templates = root.join(TEMPLATES);
        javascript(&folder.join("javascript"), &templates)?;
        python(&folder.join("python"), &templates)?;
        // The standard library for WebAssembly is compiled into it once, where it must be.
        fs::create_dir_all(folder.join("rust"))?;
        Ok(Self(folder))
    }

    /// Where tests find them.
    pub fn environment(&self) -> Vec<(&'static str, OsString)> {
        vec![(VARIABLE, self.0.clone().into())]
    }
}

fn javascript(folder: &Path, templates: &Path) -> Result<()> {
    let package = read(&templates.join("javascript/package.json"))?;
    install::once(folder, &package, |_| {
        fs::write(folder.join("package.json"), &package)?;
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund"])
            .current_dir(folder);
        process::run(&mut npm)
    })
}

fn python(folder: &Path, templates: &Path) -> Result<()> {
    let requirements = templates.join("python/requirements.txt");
    let recipe = format!("{}\n{}", folder.display(), read(&requirements)?);
    install::once(folder, &recipe, |_| {
        process::run(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
        process::run(
            Command::new(folder.join("bin/python"))
                .args(["-m", "pip", "install", "--quiet", "--requirement"])
                .arg(&requirements),
        )
    })
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("could not read `{}`", path.display()))
}
