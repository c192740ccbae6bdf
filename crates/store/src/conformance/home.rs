use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use journal::Draft;
use model::JournalId;

use crate::{Appended, Clock, OpenError, Store};

/// A place for one journal, in which a store can be opened, and things can happen to it.
///
/// The place begins empty. A checkpoint is kept outside it.
#[async_trait]
pub trait Home: Send + Sync {
    /// Creates a journal in it, with [`super::SEED`].
    async fn create(
        &self,
        journal: &JournalId,
        genesis: Draft,
    ) -> Result<(Arc<dyn Store>, Appended), OpenError>;

    /// Opens the journal in it.
    async fn open(&self, expected: Option<&JournalId>) -> Result<Arc<dyn Store>, OpenError>;

    /// Copies what is in it to another place, which has the same checkpoint outside.
    async fn copy(&self) -> Box<dyn Home>;

    /// Puts what is in another place, of the same sort, in the place of this one's content.
    async fn put_back(&self, copy: &dyn Home);

    /// Marks what is in it as written by a later version.
    async fn raise_format(&self);

    /// Describes everything in it, so that any change shows.
    async fn content(&self) -> String;

    /// Reads the checkpoint outside.
    fn outside(&self) -> String;

    /// Writes the checkpoint outside, as another process could; nothing removes it.
    fn set_outside(&self, note: &str);

    /// Returns the clock of all stores in it.
    fn clock(&self) -> Arc<TestClock>;

    /// Lets a place of the same sort be taken out of the trait.
    fn as_any(&self) -> &dyn std::any::Any;
}

/// A clock that stands still until it is told otherwise.
#[derive(Debug)]
pub struct TestClock {
    wall_ms: AtomicU64,
    elapsed_ms: AtomicU64,
}

impl Default for TestClock {
    fn default() -> Self {
        Self {
            wall_ms: AtomicU64::new(1_700_000_000_000),
            elapsed_ms: AtomicU64::new(0),
        }
    }
}

impl TestClock {
    /// Lets time go by.
    pub fn pass(&self, ms: u64) {
        self.wall_ms.fetch_add(ms, Ordering::SeqCst);
        self.elapsed_ms.fetch_add(ms, Ordering::SeqCst);
    }

    /// Sets the wall clock.
    pub fn set(&self, wall_ms: u64) {
        self.wall_ms.store(wall_ms, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn wall_ms(&self) -> u64 {
        self.wall_ms.load(Ordering::SeqCst)
    }

    fn elapsed_ms(&self) -> u64 {
        self.elapsed_ms.load(Ordering::SeqCst)
    }
}
