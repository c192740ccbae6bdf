//! How long to wait before trying again: anything up to a bound that doubles ("full jitter"), so that writers who
//! collided come back one by one.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

/// A row of waits.
#[derive(Debug, Clone)]
pub(super) struct Backoff {
    bound: Duration,
    bound_max: Duration,
    random: Random,
}

impl Backoff {
    pub(super) fn new(bound: Duration, bound_max: Duration) -> Self {
        // Nothing rests on these numbers but that two processes have others.
        Self::seeded(bound, bound_max, RandomState::new().hash_one(0_u8))
    }

    /// Makes the same row each time.
    pub(super) const fn seeded(bound: Duration, bound_max: Duration, seed: u64) -> Self {
        Self {
            bound,
            bound_max,
            random: Random(seed),
        }
    }

    /// Returns how long to wait now.
    pub(super) fn next(&mut self) -> Duration {
        let bound = self.bound.min(self.bound_max);
        self.bound = bound.saturating_mul(2);
        bound.mul_f64(self.random.fraction())
    }

    pub(super) async fn wait(&mut self) {
        tokio::time::sleep(self.next()).await;
    }
}

/// The generator SplitMix64: small, and good enough to spread waits.
#[derive(Debug, Clone)]
struct Random(u64);

impl Random {
    fn fraction(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let high = u32::try_from((mixed ^ (mixed >> 31)) >> 32).unwrap_or_default();
        f64::from(high) / (f64::from(u32::MAX) + 1.0)
    }
}
