//! Builds the WebAssembly policies: the stock engine for Rego, and each policy that is written in Rust.
//!
//! They are a cargo workspace of their own in `policies/`. Each becomes a component in `target/guests/`, from where
//! `crates/policy` embeds it. Nothing is built while sources, lock file and compiler are as they were.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context, Result};
use wit_component::ComponentEncoder;

use crate::{
    process,
    wasm::{TARGET, Toolchain},
};

/// The file that says from what the components in its folder were built.
const STAMP: &str = "built-from";

/// Builds every guest below `root`, unless it is there already.
pub fn build(root: &Path) -> Result<()> {
    let workspace = root.join("policies");
    let guests = root.join("target/guests");
    let toolchain = Toolchain::find()?;
    let stamp = stamp(root, &toolchain.describe())?;
    let names = names(&workspace)?;
    let there = names.iter().all(|name| component(&guests, name).is_file());
    if there && fs::read_to_string(guests.join(STAMP)).is_ok_and(|built| built == stamp) {
        println!(
            "the {} guests in {} are up to date",
            names.len(),
            guests.display()
        );
        return Ok(());
    }
    println!(
        "building {} guests with {}; the first time takes some minutes",
        names.len(),
        toolchain.describe()
    );
    let started = Instant::now();
    let target_dir = root.join("target/guests-build");
    process::run(
        toolchain
            .cargo("build", &workspace, &target_dir)
            .args(["--release", "--locked"]),
    )?;
    fs::create_dir_all(&guests)
        .with_context(|| format!("could not create {}", guests.display()))?;
    for name in &names {
        let module = target_dir
            .join(TARGET)
            .join("release")
            .join(format!("{}.wasm", name.replace('-', "_")));
        let bytes = componentize(&module)?;
        // A file that is as it was keeps its time, and what embeds it is not compiled again.
        if fs::read(component(&guests, name)).ok().as_ref() != Some(&bytes) {
            write(&component(&guests, name), &bytes)?;
        }
        println!("  {name}: {} kB", bytes.len() / 1000);
    }
    write(&guests.join(STAMP), stamp.as_bytes())?;
    println!(
        "built {} guests in {} s",
        names.len(),
        started.elapsed().as_secs()
    );
    Ok(())
}

fn component(guests: &Path, name: &str) -> PathBuf {
    guests.join(format!("{name}.wasm"))
}

/// Makes a component of a module that holds its own WIT.
fn componentize(module: &Path) -> Result<Vec<u8>> {
    let bytes = fs::read(module).with_context(|| format!("could not read {}", module.display()))?;
    let mut encoder = ComponentEncoder::default();
    encoder
        .validate(true)
        .module(&bytes)?
        .encode()
        .with_context(|| format!("could not make a component of {}", module.display()))
}

/// Writes a whole file or none.
fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let part = path.with_extension("part");
    fs::write(&part, bytes)
        .and_then(|()| fs::rename(&part, path))
        .with_context(|| format!("could not write {}", path.display()))
}

/// The packages that become components: the engine, and whatever is a policy, that is, has cases.
fn names(workspace: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for folder in fs::read_dir(workspace)
        .with_context(|| format!("could not read {}", workspace.display()))?
    {
        let folder = folder?;
        let Ok(name) = folder.file_name().into_string() else {
            continue;
        };
        let guest = name == "engine" || folder.path().join("cases.yaml").is_file();
        if guest && folder.path().join("Cargo.toml").is_file() {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// All that the components are made of, as one number: sources, interfaces, lock file and compiler.
fn stamp(root: &Path, compiler: &str) -> Result<String> {
    let mut files = Vec::new();
    collect(&root.join("policies"), &mut files)?;
    collect(&root.join("wit"), &mut files)?;
    files.sort();
    let mut hasher = DefaultHasher::new();
    compiler.hash(&mut hasher);
    for path in files {
        path.strip_prefix(root)?.hash(&mut hasher);
        fs::read(&path)?.hash(&mut hasher);
    }
    Ok(format!("{:016x}\n", hasher.finish()))
}

/// Collects the files that a guest's build reads.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in
        fs::read_dir(folder).with_context(|| format!("could not read {}", folder.display()))?
    {
        let path = entry?.path();
        if path.is_dir() {
            if !path.ends_with("target") {
                collect(&path, files)?;
            }
        } else if path.extension().is_some_and(|extension| {
            ["rs", "toml", "lock", "wit", "json"]
                .iter()
                .any(|read| extension == *read)
        }) {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_is_the_engine_or_has_cases_and_a_manifest() {
        let root = tempfile::tempdir().unwrap();
        for (folder, files) in [
            ("engine", &["Cargo.toml"][..]),
            ("author", &["Cargo.toml"]),
            ("in-rust", &["Cargo.toml", "cases.yaml"]),
            ("in-rego", &["policy.rego", "cases.yaml"]),
        ] {
            fs::create_dir(root.path().join(folder)).unwrap();
            for file in files {
                fs::write(root.path().join(folder).join(file), "").unwrap();
            }
        }
        assert_eq!(names(root.path()).unwrap(), ["engine", "in-rust"]);
    }

    #[test]
    fn the_stamp_changes_with_every_source_and_with_the_compiler() {
        let root = tempfile::tempdir().unwrap();
        for folder in ["policies/engine/src", "policies/target", "wit"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        let write = |path: &str, text: &str| fs::write(root.path().join(path), text).unwrap();
        write("policies/engine/src/lib.rs", "1");
        write("wit/policy.wit", "1");
        let first = stamp(root.path(), "rustc 1").unwrap();
        write("policies/target/lib.rs", "ignored");
        write("policies/cases.yaml", "ignored");
        assert_eq!(stamp(root.path(), "rustc 1").unwrap(), first);
        assert_ne!(stamp(root.path(), "rustc 2").unwrap(), first);
        write("wit/policy.wit", "2");
        assert_ne!(stamp(root.path(), "rustc 1").unwrap(), first);
    }
}
