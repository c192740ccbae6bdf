//! What is installed below `target`: made once, and made anew when it was left half-made or is wanted differently.

use std::{
    fs::{self, File, TryLockError},
    path::Path,
    time::Instant,
};

use anyhow::{Context, Result};

/// The file that says from what its folder was made; it is written last.
const STAMP: &str = "made-from";

/// Makes `folder` with `make`, unless it was made from the same `recipe` already.
///
/// Two that make the same folder at once would remove each other's work, so it is locked, until nobody has the lock's file
/// open any more. A program that `make` starts gets it as its stdin: one that outlives us finishes before another begins.
pub fn once(folder: &Path, recipe: &str, make: impl FnOnce(&File) -> Result<()>) -> Result<()> {
    let parent = folder.parent().context("an installation needs a folder")?;
    fs::create_dir_all(parent).with_context(|| format!("could not make `{}`", parent.display()))?;
    let lock = lock(folder)?;
    if is_made(folder, recipe) {
        return Ok(());
    }
    println!("installing {} …", folder.display());
    let started = Instant::now();
    if folder.exists() {
        fs::remove_dir_all(folder)
            .with_context(|| format!("could not empty `{}`", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("could not make `{}`", folder.display()))?;
    make(&lock)?;
    stamp(folder, recipe)?;
    println!(
        "installed {} in {:.1} s",
        folder.display(),
        started.elapsed().as_secs_f64()
    );
    Ok(())
}

fn lock(folder: &Path) -> Result<File> {
    let path = folder.with_extension("lock");
    let file = File::options()
        .read(true)
        .append(true)
        .create(true)
        .open(&path)
        .with_context(|| format!("could not make `{}`", path.display()))?;
    if let Err(TryLockError::WouldBlock) = file.try_lock() {
        println!("somebody else installs {}; waiting", folder.display());
    }
    file.lock()
        .with_context(|| format!("could not lock `{}`", path.display()))?;
    Ok(file)
}

fn is_made(folder: &Path, recipe: &str) -> bool {
    fs::read_to_string(folder.join(STAMP)).is_ok_and(|made| made == recipe)
}

/// Writes a whole stamp or none.
fn stamp(folder: &Path, recipe: &str) -> Result<()> {
    let part = folder.join("made-from.part");
    fs::write(&part, recipe)
        .and_then(|()| fs::rename(&part, folder.join(STAMP)))
        .with_context(|| format!("could not write the stamp in `{}`", folder.display()))
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    #[test]
    fn what_is_made_is_made_once_for_each_recipe() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("aws/tool");
        let mut made = 0;
        for recipe in ["1", "1", "2", "2", "1"] {
            once(&folder, recipe, |_| {
                made += 1;
                Ok(())
            })
            .unwrap();
        }
        assert_eq!(made, 3);
    }

    #[test]
    fn what_was_left_half_made_is_made_anew_from_nothing() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("tool");
        let half = folder.join("half");
        let failed = once(&folder, "1", |_| {
            fs::write(&half, "")?;
            bail!("the network went away")
        });
        assert!(failed.is_err());
        assert!(half.exists());
        once(&folder, "1", |_| {
            assert!(!half.exists());
            Ok(())
        })
        .unwrap();
        assert!(is_made(&folder, "1"));
    }

    #[test]
    fn what_still_works_on_a_folder_keeps_it_locked() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("tool");
        let mut left = None;
        once(&folder, "1", |lock| {
            left = Some(lock.try_clone()?);
            Ok(())
        })
        .unwrap();
        let other = File::open(folder.with_extension("lock")).unwrap();
        assert!(matches!(other.try_lock(), Err(TryLockError::WouldBlock)));
        drop(left);
        other.try_lock().unwrap();
    }

    #[test]
    fn two_at_once_make_it_once() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("tool");
        let made = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    once(&folder, "1", |_| {
                        made.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                        Ok(())
                    })
                    .unwrap();
                });
            }
        });
        assert_eq!(made.into_inner(), 1);
    }
}
