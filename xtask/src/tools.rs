//! What a machine must have besides rustup's Rust: found, installed and said, or named in one line to type.

use std::{path::Path, process::Command};

use anyhow::{Result, bail};

use crate::process;

/// Makes sure that rustfmt and clippy are there.
pub fn format_and_lint(root: &Path) -> Result<()> {
    component(root, "rustfmt", "fmt")?;
    component(root, "clippy", "clippy")
}

/// Makes sure that a C compiler is there: SQLite is compiled with the rest.
pub fn c_compiler() -> Result<()> {
    let chosen = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    if process::text(Command::new(chosen).arg("--version")).is_none() {
        bail!(
            "there is no C compiler; type this line, then try again:\n  sudo apt-get install gcc libc6-dev"
        );
    }
    Ok(())
}

/// Makes sure that Java, Maven and Python are there: DynamoDB Local and the tools for AWS run on them.
pub fn java_maven_and_python() -> Result<()> {
    debian(&[
        ("Java 17 or newer", "default-jre-headless", has_java),
        ("Maven", "maven", has_maven),
        ("Python 3.10 or newer with venv", "python3-venv", has_python),
    ])
}

/// Makes sure that Go is there, new enough to fetch a newer one by itself where a program wants that.
pub fn go() -> Result<()> {
    debian(&[("Go 1.21 or newer", "golang-go", has_go)])
}

/// Makes sure that what policies in C, JavaScript and Python are built with is there.
pub fn clang_node_and_python() -> Result<()> {
    debian(&[
        ("clang with WebAssembly", "clang", has_clang),
        ("a linker for WebAssembly", "lld", has_wasm_ld),
        ("Node.js 20 or newer with npm", "npm", has_node),
        ("Python 3.10 or newer with venv", "python3-venv", has_python),
    ])
}

/// What is looked for, Debian's package of it, and whether it is there.
type Program = (&'static str, &'static str, fn() -> bool);

/// Makes sure that programs are there, all that are missing in one go.
fn debian(programs: &[Program]) -> Result<()> {
    let missing = || programs.iter().filter(|(_, _, there)| !there());
    let packages: Vec<_> = missing().map(|(_, package, _)| *package).collect();
    if packages.is_empty() {
        return Ok(());
    }
    if may_install() {
        println!(
            "{} not here yet; installing: apt-get install {}",
            names(missing()),
            packages.join(" ")
        );
        apt_get(&packages);
    }
    if missing().next().is_some() {
        bail!(
            "{} could not be found or installed from here; type this line, then try again:\n  \
             sudo apt-get update && sudo apt-get install {}",
            names(missing()),
            packages.join(" ")
        );
    }
    Ok(())
}

fn names<'a>(programs: impl Iterator<Item = &'a Program>) -> String {
    programs
        .map(|(name, _, _)| *name)
        .collect::<Vec<_>>()
        .join(", ")
}

/// Debian's packages can be installed by root alone.
fn may_install() -> bool {
    Path::new("/etc/debian_version").exists()
        && process::line(Command::new("id").arg("-u")).is_some_and(|id| id == "0")
}

/// Installs Debian's packages with its output shown; whether it helped is left to whoever asks next.
pub fn apt_get(packages: &[&str]) {
    process::quiet(Command::new("apt-get").arg("update"));
    process::quiet(
        Command::new("apt-get")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .args(["install", "--yes", "--no-install-recommends"])
            .args(packages),
    );
}

fn has_java() -> bool {
    process::text(Command::new("java").arg("--version"))
        .and_then(|text| java_major(&text))
        .is_some_and(|major| major >= 17)
}

/// The 17 of `openjdk 17.0.15 2025-04-15`; Java 8 does not know `--version` at all.
fn java_major(text: &str) -> Option<u32> {
    let version = text.split_whitespace().nth(1)?;
    version.split(['.', '-', '+']).next()?.parse().ok()
}

fn has_maven() -> bool {
    process::text(Command::new("mvn").arg("--version")).is_some()
}

fn has_python() -> bool {
    let asked = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))";
    process::text(Command::new("python3").args(["-c", asked])).is_some()
}

fn has_go() -> bool {
    process::text(Command::new("go").arg("version"))
        .and_then(|text| go_minor(&text))
        .is_some_and(|minor| minor >= 21)
}

/// The 26 of `go version go1.26.8 linux/amd64`.
fn go_minor(text: &str) -> Option<u32> {
    let version = text.split_whitespace().nth(2)?.strip_prefix("go1.")?;
    version.split(['.', '-', 'r', 'b']).next()?.parse().ok()
}

fn has_clang() -> bool {
    process::text(Command::new("clang").arg("--print-targets"))
        .is_some_and(|targets| targets.contains("wasm32"))
}

fn has_wasm_ld() -> bool {
    process::text(Command::new("wasm-ld").arg("--version")).is_some()
}

fn has_node() -> bool {
    let version = process::line(Command::new("node").arg("--version"));
    let major = version.and_then(|version| {
        let major = version.trim_start_matches('v').split('.').next()?;
        major.parse::<u32>().ok()
    });
    major.is_some_and(|major| major >= 20)
        && process::text(Command::new("npm").arg("--version")).is_some()
}

fn component(root: &Path, name: &str, subcommand: &str) -> Result<()> {
    let there = || process::text(process::cargo(root).args([subcommand, "--version"])).is_some();
    if there() {
        return Ok(());
    }
    println!("{name} is not here yet; installing: rustup component add {name}");
    process::quiet(
        Command::new("rustup")
            .current_dir(root)
            .args(["component", "add", name]),
    );
    if !there() {
        bail!(
            "{name} could not be installed from here; type this line, then try again:\n  rustup component add {name}"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gos_minor_version_is_read_from_what_it_prints() {
        for (text, minor) in [
            ("go version go1.26.8 linux/amd64", Some(26)),
            ("go version go1.21rc2 darwin/arm64", Some(21)),
            ("go version go1.19 linux/amd64", Some(19)),
            ("go version devel +a0b1c2 linux/amd64", None),
        ] {
            assert_eq!(go_minor(text), minor, "{text}");
        }
    }

    #[test]
    fn javas_major_version_is_read_from_what_it_prints() {
        for (text, major) in [
            (
                "openjdk 17.0.15 2025-04-15\nOpenJDK Runtime Environment",
                Some(17),
            ),
            ("java 21 2023-09-19 LTS", Some(21)),
            ("openjdk 24-ea 2025-03-18", Some(24)),
            ("", None),
            ("Error: could not open", None),
        ] {
            assert_eq!(java_major(text), major, "{text}");
        }
    }

    #[test]
    fn what_is_there_is_neither_installed_nor_named() {
        debian(&[("a shell", "no-such-package", || true)]).unwrap();
    }
}
