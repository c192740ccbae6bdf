//! Waits for what belongs to a policy to change.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use anyhow::{Context as _, Result};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};
use workbench::Folder;

use super::Test;

/// An editor writes a file in several steps: they are one change when they follow each other so closely.
const QUIET: Duration = Duration::from_millis(100);

pub(super) struct Changes {
    events: Receiver<notify::Result<Event>>,
    /// It ends with this.
    _watcher: RecommendedWatcher,
    /// What the command writes itself.
    written: Option<PathBuf>,
}

impl Changes {
    /// Watches from now on, so that a change during the first run is seen.
    pub(super) fn of(test: &Test) -> Result<Self> {
        let (sender, events) = mpsc::channel();
        let mut watcher = notify::recommended_watcher(sender).context("could not watch files")?;
        for path in watched(test) {
            watcher
                .watch(&path, RecursiveMode::Recursive)
                .with_context(|| format!("could not watch `{}`", path.display()))?;
        }
        Ok(Self {
            events,
            _watcher: watcher,
            written: test.junit.clone(),
        })
    }

    /// Returns after a change, as soon as it is quiet again.
    pub(super) fn wait(&mut self) -> Result<()> {
        loop {
            let event = self.events.recv().context("could not watch files")??;
            if self.concerns(&event) {
                break;
            }
        }
        while self.events.recv_timeout(QUIET).is_ok() {}
        Ok(())
    }

    fn concerns(&self, event: &Event) -> bool {
        // Reading is an event too, and every run reads.
        !event.kind.is_access() && event.paths.iter().any(|path| !self.is_ours(path))
    }

    fn is_ours(&self, path: &Path) -> bool {
        let name = |path: &Path| {
            path.file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned()
        };
        self.written
            .as_ref()
            .is_some_and(|written| name(path).starts_with(&name(written)))
    }
}

/// The folders in which everything lies that a run reads.
fn watched(test: &Test) -> Vec<PathBuf> {
    let folder = |path: &Path| match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let mut paths = Vec::new();
    if test.policy.is_dir() {
        paths.push(test.policy.clone());
        let component = Folder::open(&test.policy).and_then(|folder| folder.component());
        paths.extend(component.ok().map(|path| folder(&path)));
    } else {
        paths.push(folder(&test.policy));
    }
    paths.extend(test.cases.as_deref().map(folder));
    paths.retain(|path| path.is_dir());
    paths
}
