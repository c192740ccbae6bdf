//! Runs every target over the inputs that are kept, and over each of them cut, changed and doubled a little: the same in
//! every run, on any toolchain.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use trailmark_fuzz::{TARGETS, Target};

/// What is done to each input, place by place, at most.
const PLACES_MAX: usize = 400;

fn main() -> io::Result<()> {
    let corpus = env::args_os().nth(1).map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus"),
        PathBuf::from,
    );
    for target in TARGETS {
        let folder = corpus.join(target.name);
        let mut files = fs::read_dir(&folder)?
            .map(|file| Ok(file?.path()))
            .collect::<io::Result<Vec<_>>>()?;
        files.sort();
        if files.is_empty() {
            let text = format!("`{}` holds nothing", folder.display());
            return Err(io::Error::other(text));
        }
        let mut runs = 0_u64;
        for file in &files {
            let bytes = fs::read(file)?;
            // Told before, so that whoever sees it stop knows at which.
            println!("{}: {}", target.name, file.display());
            (target.run)(&bytes);
            runs += 1 + around(target, &bytes);
        }
        println!("{}: {} inputs, {runs} runs", target.name, files.len());
    }
    let known = |name: &str| TARGETS.iter().any(|target| target.name == name);
    for folder in fs::read_dir(&corpus)? {
        let name = folder?.file_name();
        if !known(&name.to_string_lossy()) {
            let text = format!("there is a corpus and no target `{}`", name.display());
            return Err(io::Error::other(text));
        }
    }
    Ok(())
}

/// Runs a target over an input with one place changed, for many places.
fn around(target: &Target, bytes: &[u8]) -> u64 {
    let step = bytes.len().div_ceil(PLACES_MAX).max(1);
    let mut runs = 0;
    for at in (0..bytes.len()).step_by(step) {
        let mut run = |changed: &[u8]| {
            (target.run)(changed);
            runs += 1;
        };
        run(&bytes[..at]);
        let mut changed = bytes.to_vec();
        changed[at] ^= 1 << (at % 8);
        run(&changed);
        changed.remove(at);
        run(&changed);
        let mut doubled = bytes[..at].to_vec();
        doubled.extend_from_slice(&bytes[at / 2..]);
        run(&doubled);
    }
    runs
}
