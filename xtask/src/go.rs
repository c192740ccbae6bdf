//! Programs written in Go that tests are held against: OPA says what Rego means, a registry takes policies in.
//!
//! Both are installed once below `target/go`, at the versions named here.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::{install, process, tools};

/// A program: the variable that names it to tests, its file, and what it is installed from.
struct Program {
    variable: &'static str,
    file: &'static str,
    package: &'static str,
}

const PROGRAMS: [Program; 2] = [
    Program {
        variable: "TRAILMARK_TEST_OPA",
        file: "opa",
        package: "github.com/open-policy-agent/opa@v1.22.2",
    },
    Program {
        variable: "TRAILMARK_TEST_REGISTRY",
        file: "registry",
        package: "github.com/distribution/distribution/v3/cmd/registry@v3.1.2",
    },
];

/// The programs, installed.
pub struct Programs {
    folder: PathBuf,
}

impl Programs {
    /// Installs what is missing.
    pub fn installed(root: &Path) -> Result<Self> {
        let folder = root.join("target/go");
        for program in &PROGRAMS {
            let place = folder.join(program.file);
            install::once(&place, program.package, |_| {
                tools::go()?;
                let mut go = Command::new("go");
                go.args(["install", "-trimpath", program.package])
                    .env("GOBIN", &place)
                    .env("CGO_ENABLED", "0")
                    .current_dir(&place);
                process::run(&mut go)
                    .with_context(|| format!("could not install `{}`", program.package))
            })?;
        }
        Ok(Self { folder })
    }

    /// Where tests find them; with these a test that lacks one fails.
    pub fn environment(&self) -> Vec<(&'static str, OsString)> {
        let named = PROGRAMS.iter().map(|program| {
            let path = self.folder.join(program.file).join(program.file);
            (program.variable, path.into())
        });
        named
            .chain([("TRAILMARK_TEST_GO", "required".into())])
            .collect()
    }
}
