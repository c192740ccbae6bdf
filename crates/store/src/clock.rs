use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};

/// Where a store takes its time from.
///
/// Two sources that should agree: what the wall clock says, and how much time went by. Where they drift apart by more
/// than [`model::limits::CLOCK_DRIFT_MS_MAX`] a store refuses to write, rather than stamp a wrong time into streams.
pub trait Clock: Send + Sync {
    /// Returns milliseconds since 1970-01-01 UTC, as the wall clock has it.
    fn wall_ms(&self) -> u64;

    /// Returns milliseconds that went by since some fixed moment; nothing sets it back or forth.
    fn elapsed_ms(&self) -> u64;
}

/// The clock of this machine. Elapsed time goes on while the machine sleeps, so waking up is no jump.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    started_ms: u64,
}

impl SystemClock {
    /// Starts counting elapsed time.
    #[must_use]
    pub fn start() -> Self {
        Self {
            started_ms: since_boot_ms(),
        }
    }
}

impl Clock for SystemClock {
    fn wall_ms(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.map_or(0, |since| {
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        })
    }

    fn elapsed_ms(&self) -> u64 {
        since_boot_ms().saturating_sub(self.started_ms)
    }
}

fn since_boot_ms() -> u64 {
    // On Linux the monotonic clock stands still in sleep; elsewhere it is the one that does not.
    #[cfg(target_os = "linux")]
    let id = ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    let id = ClockId::Monotonic;
    let since = clock_gettime(id);
    let seconds = u64::try_from(since.tv_sec).unwrap_or(0);
    let nanoseconds = u64::try_from(since.tv_nsec).unwrap_or(0);
    seconds * 1_000 + nanoseconds / 1_000_000
}

/// One look at both sources.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) wall_ms: u64,
    pub(crate) elapsed_ms: u64,
}

/// Compares the wall clock with elapsed time since a moment at which it was right.
pub(crate) struct Watch {
    clock: Arc<dyn Clock>,
    since: Moment,
}

impl Watch {
    /// Takes the clock to be right now.
    pub(crate) fn start(clock: Arc<dyn Clock>) -> Self {
        let since = look(&*clock);
        Self { clock, since }
    }

    /// Takes elapsed time to count from 1970-01-01 UTC, so that the clock has to agree with it from the beginning.
    #[cfg(feature = "aws")]
    pub(crate) fn since_1970(clock: Arc<dyn Clock>) -> Self {
        let since = Moment {
            wall_ms: 0,
            elapsed_ms: 0,
        };
        Self { clock, since }
    }

    pub(crate) fn read(&self) -> Moment {
        look(&*self.clock)
    }

    /// Returns how far the wall clock is, either way, from where elapsed time says that it should be.
    pub(crate) fn drift_ms(&self, now: Moment) -> u64 {
        let elapsed_ms = now.elapsed_ms.saturating_sub(self.since.elapsed_ms);
        now.wall_ms.abs_diff(self.since.wall_ms + elapsed_ms)
    }

    /// Takes the clock to have been right at a moment.
    pub(crate) fn rebase(&mut self, right: Moment) {
        self.since = right;
    }
}

fn look(clock: &dyn Clock) -> Moment {
    Moment {
        wall_ms: clock.wall_ms(),
        elapsed_ms: clock.elapsed_ms(),
    }
}
