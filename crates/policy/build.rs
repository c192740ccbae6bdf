//! Embeds what `cargo xtask guests` built, so that whoever installs `trailmark` has the engine and the seed policies.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let manifest = env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?;
    let root = Path::new(&manifest).join("../..").canonicalize()?;
    // The folder is `target/guests` unless the components come from elsewhere, as in a packaged build.
    println!("cargo::rerun-if-env-changed=TRAILMARK_GUESTS");
    let guests =
        env::var_os("TRAILMARK_GUESTS").map_or_else(|| root.join("target/guests"), Into::into);
    let policies = root.join("policies");
    println!("cargo::rerun-if-changed={}", policies.display());

    let engine = guests.join("engine.wasm");
    println!("cargo::rerun-if-changed={}", engine.display());
    let mut missing = !engine.is_file();
    let mut seeds = String::new();
    let mut folders = fs::read_dir(&policies)?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<Vec<_>>>()?;
    folders.sort();
    for folder in folders
        .iter()
        .filter(|folder| folder.join("cases.yaml").is_file())
    {
        let control = folder.file_name().unwrap_or_default().to_string_lossy();
        if folder.join("Cargo.toml").is_file() {
            let component = guests.join(format!("{control}.wasm"));
            println!("cargo::rerun-if-changed={}", component.display());
            missing |= !component.is_file();
            let _ = writeln!(
                seeds,
                "    Seed::component({control:?}, include_bytes!({component:?})),"
            );
        }
        let source = folder.join("policy.rego");
        if source.is_file() {
            let _ = writeln!(
                seeds,
                "    Seed::rego({control:?}, include_str!({source:?})),"
            );
        }
    }
    if missing {
        println!(
            "cargo::error=the WebAssembly policies are not built yet: run `cargo xtask guests`"
        );
        return Ok(());
    }
    let text = format!(
        "static ENGINE: &[u8] = include_bytes!({engine:?});\n\nstatic SEEDS: &[Seed] = &[\n{seeds}];\n",
    );
    let out = env::var_os("OUT_DIR")
        .ok_or_else(|| io::Error::other("cargo did not say where to write"))?;
    fs::write(Path::new(&out).join("stock.rs"), text)
}
