use super::gather::Gathered;
use super::order::Unit;
use super::{LANDING_MS_MAX, Sealing};

/// What a step leaves to the next one.
pub(super) struct Rest {
    remaining: u64,
    /// When the first of it was written.
    first_ms: Option<u64>,
    /// When the last batch of all was written, or now, where that is earlier: neither a writer's clock nor ours, alone,
    /// moves the mark too far.
    newest_ms: u64,
}

impl Rest {
    pub(super) fn of(gathered: &Gathered, now_ms: u64) -> Self {
        Self {
            remaining: gathered.remaining,
            first_ms: gathered.remaining_ms,
            newest_ms: gathered.newest_ms.unwrap_or_default().min(now_ms),
        }
    }

    /// Leaves all but the first `count` entries, and returns how many of those had been promised for an earlier time.
    pub(super) fn leave_after(&mut self, units: &[Unit], count: usize, now_ms: u64) -> u64 {
        let (mut taken, mut missed) = (0, 0);
        for unit in units {
            let size = unit.entries.len();
            let here = size.min(count - taken);
            taken += here;
            if unit.latest_ms.is_some_and(|latest_ms| latest_ms < now_ms) {
                missed += here as u64;
            }
            if here < size {
                self.remaining += (size - here) as u64;
                self.first_ms = match (self.first_ms, unit.written_ms) {
                    (Some(one), Some(other)) => Some(one.min(other)),
                    (one, other) => one.or(other),
                };
            }
        }
        missed
    }

    /// Returns a moment before which no batch is left, and none can still land.
    pub(super) fn low_ms(&self) -> u64 {
        let landed_ms = self.newest_ms.saturating_sub(LANDING_MS_MAX);
        self.first_ms
            .map_or(landed_ms, |first_ms| first_ms.min(landed_ms))
    }

    pub(super) fn sealing(&self, size: u64, sealed: u64, missed: u64, now_ms: u64) -> Sealing {
        Sealing {
            size,
            sealed,
            remaining: self.remaining,
            oldest_ms: self
                .first_ms
                .map(|first_ms| now_ms.saturating_sub(first_ms)),
            missed,
            overtaken: false,
        }
    }
}
