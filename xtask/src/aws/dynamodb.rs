//! Amazon's DynamoDB Local, from Maven Central.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::{install, process};

/// Names the versions.
const POM: &str = include_str!("pom.xml");
const LOOPBACK: &str = include_str!("loopback.groovy");
const COPY: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";

/// DynamoDB Local as it lies in a folder.
pub struct DynamoDb(PathBuf);

impl DynamoDb {
    /// Finds it below `root`, or fetches it and says so.
    pub fn installed(root: &Path) -> Result<Self> {
        let folder = root.join(super::FOLDER).join("dynamodb-local");
        install::once(&folder, &format!("{COPY}\n{POM}\n{LOOPBACK}"), |lock| {
            let pom = folder.join("pom.xml");
            fs::write(&pom, POM)
                .and_then(|()| fs::write(folder.join("loopback.groovy"), LOOPBACK))
                .with_context(|| format!("could not write to `{}`", folder.display()))?;
            process::run(
                Command::new("mvn")
                    .stdin(lock.try_clone()?)
                    .args(["--quiet", "--batch-mode", "--strict-checksums"])
                    .args(["-Dstyle.color=never", "--file"])
                    .arg(&pom)
                    .args([COPY, "-DincludeScope=runtime", "-DoutputDirectory=lib"]),
            )
        })?;
        Ok(Self(folder))
    }

    /// The words that serve it on `port` of this machine alone, with nothing kept and nothing told to Amazon.
    pub fn serve(&self, guard: &mut Command, port: u16) {
        guard
            .arg("java")
            .arg("-cp")
            .arg(self.0.join("lib/*"))
            .arg("groovy.ui.GroovyMain")
            .arg(self.0.join("loopback.groovy"))
            .args(["-inMemory", "-disableTelemetry", "-port", &port.to_string()]);
    }
}
