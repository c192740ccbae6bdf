//! The commit that the demo takes to production: this repository's own.

use std::{path::Path, process::Command};

use anyhow::{Context, Result};

use crate::process;

/// What git says of HEAD.
pub struct Commit {
    pub sha: String,
    pub subject: String,
    pub author: String,
    /// Every address under which somebody wrote or committed it.
    pub emails: Vec<String>,
    /// Those whom its message names as co-authors: name and address.
    pub co_authors: Vec<(String, String)>,
}

impl Commit {
    pub fn head(root: &Path) -> Result<Self> {
        let mut emails = vec![field(root, "%ae")?, field(root, "%ce")?];
        emails.dedup();
        Ok(Self {
            sha: field(root, "%H")?,
            subject: field(root, "%s")?,
            author: field(root, "%an")?,
            emails,
            co_authors: co_authors(root)?,
        })
    }

    /// Enough of it for people to know it by.
    pub fn short(&self) -> &str {
        self.sha.get(..10).unwrap_or(&self.sha)
    }
}

fn co_authors(root: &Path) -> Result<Vec<(String, String)>> {
    let trailers = field(root, "%H%n%(trailers:key=Co-authored-by,valueonly)")?;
    let named = |line: &str| {
        let (name, email) = line.trim().strip_suffix('>')?.split_once(" <")?;
        Some((name.to_owned(), email.to_owned()))
    };
    Ok(trailers.lines().filter_map(named).collect())
}

fn field(root: &Path, format: &str) -> Result<String> {
    let mut git = Command::new("git");
    git.current_dir(root)
        .args(["log", "-1", &format!("--format={format}")]);
    process::line(&mut git).with_context(|| {
        format!(
            "`{}` says nothing; is this a git checkout?",
            process::shown(&git)
        )
    })
}
