//! Counting what the services bill and what callers wait for.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// What clients have used.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usage {
    /// Calls.
    pub calls: u64,
    /// Requests: a call that is tried again sends several.
    pub requests: u64,
    /// Round trips, where one caller waits: calls that run at the same time count once.
    pub rounds: u64,
    /// Read units that the table counted.
    pub read_units: f64,
    /// Write units that the table counted.
    pub write_units: f64,
}

/// Counts what clients use.
#[derive(Debug, Default)]
pub struct Meter(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    usage: Usage,
    running: u64,
}

impl Meter {
    /// Returns what was used so far.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.lock().usage
    }

    /// Returns what was used so far, and counts anew.
    pub fn take(&self) -> Usage {
        std::mem::take(&mut self.lock().usage)
    }

    pub(super) fn begin(&self) {
        let mut counts = self.lock();
        counts.usage.calls += 1;
        counts.usage.rounds += u64::from(counts.running == 0);
        counts.running += 1;
    }

    pub(super) fn sent(&self) {
        self.lock().usage.requests += 1;
    }

    pub(super) fn end(&self) {
        let mut counts = self.lock();
        counts.running = counts.running.saturating_sub(1);
    }

    pub(super) fn read(&self, units: Option<f64>) {
        self.lock().usage.read_units += units.unwrap_or_default();
    }

    pub(super) fn wrote(&self, units: Option<f64>) {
        self.lock().usage.write_units += units.unwrap_or_default();
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
