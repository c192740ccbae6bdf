//! A small security scan, really done: private keys in files that are about to be shipped.
//!
//! It stands in for the scanner of a real pipeline and writes the same kind of report: SARIF 2.1.0.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::process;

const RULE: &str = "private-key";

/// A private key that was found.
#[derive(Debug, PartialEq)]
pub struct Leak {
    pub file: String,
    /// Counted from 1.
    pub line: usize,
}

/// The files of this commit's tree.
pub fn tracked_files(root: &Path) -> Result<Vec<String>> {
    let listed = process::text(
        Command::new("git")
            .current_dir(root)
            .args(["ls-files", "-z"]),
    );
    let listed = listed.context("could not list the files of this commit with git")?;
    Ok(listed
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect())
}

/// Reads each file and writes what was found to `report`; files that are no text hold no PEM key.
pub fn run(root: &Path, files: &[String], report: &Path) -> Result<Vec<Leak>> {
    let mut leaks = Vec::new();
    for name in files {
        let Ok(text) = fs::read_to_string(root.join(name)) else {
            continue;
        };
        leaks.extend(leaks_in(&text).map(|line| Leak {
            file: name.clone(),
            line,
        }));
    }
    fs::write(report, sarif(&leaks).to_string())
        .with_context(|| format!("could not write `{}`", report.display()))?;
    Ok(leaks)
}

fn leaks_in(text: &str) -> impl Iterator<Item = usize> + '_ {
    let begins = |line: &str| {
        line.starts_with("-----BEGIN ") && line.trim_end().ends_with("PRIVATE KEY-----")
    };
    text.lines()
        .enumerate()
        .filter(move |(_, line)| begins(line))
        .map(|(at, _)| at + 1)
}

fn sarif(leaks: &[Leak]) -> Value {
    let results: Vec<_> = leaks
        .iter()
        .map(|leak| {
            json!({
                "ruleId": RULE,
                "level": "error",
                "message": { "text": "a private key is about to be shipped" },
                "locations": [{ "physicalLocation": {
                    "artifactLocation": { "uri": leak.file },
                    "region": { "startLine": leak.line },
                }}],
            })
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "keyscan",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": [{
                    "id": RULE,
                    "shortDescription": { "text": "No private key is shipped" },
                    "properties": { "security-severity": "9.0" },
                }],
            }},
            "results": results,
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_key_is_found_in_its_line_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        let key = format!("text\n-----BEGIN {} KEY-----\nMC4\n", "PRIVATE");
        fs::write(folder.path().join("leaked.pem"), key).unwrap();
        fs::write(
            folder.path().join("public.pem"),
            "-----BEGIN PUBLIC KEY-----\n",
        )
        .unwrap();
        fs::write(folder.path().join("binary"), [0xff, 0xfe]).unwrap();
        let files = ["leaked.pem", "public.pem", "binary"].map(str::to_owned);
        let report = folder.path().join("scan.sarif");

        let leaks = run(folder.path(), &files, &report).unwrap();

        assert_eq!(
            leaks,
            [Leak {
                file: "leaked.pem".to_owned(),
                line: 2
            }]
        );
        let sarif: Value = serde_json::from_slice(&fs::read(report).unwrap()).unwrap();
        assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], RULE);
        assert_eq!(sarif["runs"][0]["results"].as_array().unwrap().len(), 1);
    }
}
