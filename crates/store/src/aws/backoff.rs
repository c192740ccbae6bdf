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

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;
    use std::collections::BinaryHeap;

    use super::*;
    use crate::aws::write::{ATTEMPTS_MAX, CONTENDED_WAIT, CONTENDED_WAIT_MAX};

    #[test]
    fn waits_grow_and_are_bounded() {
        let mut backoff = Backoff::seeded(Duration::from_millis(10), Duration::from_millis(35), 1);
        for bound_ms in [10, 20, 35, 35, 35] {
            assert!(backoff.next() < Duration::from_millis(bound_ms));
        }
        let mut same = Backoff::seeded(Duration::from_millis(10), Duration::from_millis(35), 1);
        let mut other = Backoff::seeded(Duration::from_millis(10), Duration::from_millis(35), 2);
        assert_ne!(same.next(), other.next());
    }

    /// A writer who appends to one stream again and again, as the table sees it.
    struct Writer {
        backoff: Backoff,
        left: u32,
        attempts: u32,
        seen: u64,
    }

    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    enum Step {
        Read,
        Begin,
        End,
    }

    /// What writers did.
    #[derive(Debug, Default)]
    struct Run {
        appends: u64,
        transactions: u64,
        /// Appends that took more attempts than one is given.
        given_up: u64,
    }

    /// Who appends to one stream: how many, how often each, and how long they do something else in between.
    #[derive(Debug, Clone, Copy)]
    struct Load {
        writers: u64,
        appends: u32,
        pause_ms: u64,
    }

    /// Lets them, in virtual time: a read takes 3 to 8 ms, a transaction 6 to 16, and one that begins while another is
    /// under way is cancelled.
    fn simulate(load: Load, seed: u64) -> Run {
        let mut random = Random(seed);
        let fresh = |seed| Backoff::seeded(CONTENDED_WAIT, CONTENDED_WAIT_MAX, seed);
        let mut all: Vec<Writer> = (0..load.writers)
            .map(|writer| Writer {
                backoff: fresh(seed ^ (writer << 32)),
                left: load.appends,
                attempts: 0,
                seen: 0,
            })
            .collect();
        let mut events: BinaryHeap<_> = (0..all.len())
            .map(|writer| Reverse((Duration::ZERO, Step::Read, writer)))
            .collect();
        let (mut run, mut busy) = (Run::default(), false);
        while let Some(Reverse((now, step, place))) = events.pop() {
            let mut after = |from_ms: u64, to_ms: u64| {
                let spread = Duration::from_millis(to_ms - from_ms).mul_f64(random.fraction());
                now + Duration::from_millis(from_ms) + spread
            };
            let writer = &mut all[place];
            let next = match step {
                Step::Read => {
                    writer.seen = run.appends;
                    (after(3, 8), Step::Begin)
                }
                Step::Begin => {
                    run.transactions += 1;
                    writer.attempts += 1;
                    if busy || writer.seen != run.appends {
                        (now + writer.backoff.next(), Step::Read)
                    } else {
                        busy = true;
                        (after(6, 16), Step::End)
                    }
                }
                Step::End => {
                    busy = false;
                    run.appends += 1;
                    run.given_up += u64::from(writer.attempts > ATTEMPTS_MAX);
                    writer.attempts = 0;
                    writer.left -= 1;
                    writer.backoff = fresh(seed ^ run.appends);
                    if writer.left == 0 {
                        continue;
                    }
                    (after(load.pause_ms / 2, load.pause_ms * 3 / 2), Step::Read)
                }
            };
            events.push(Reverse((next.0, next.1, place)));
        }
        assert_eq!(run.appends, load.writers * u64::from(load.appends));
        run
    }

    #[test]
    fn sixteen_writers_on_one_stream_take_three_attempts_on_average() {
        let loads = [1, 4, 16].map(|writers| {
            // All at once, and again and again.
            [(1, 0), (50, 30)].map(|(appends, pause_ms)| Load {
                writers,
                appends,
                pause_ms,
            })
        });
        for load in loads.into_iter().flatten() {
            let mut all = Run::default();
            for seed in 0..200 {
                let run = simulate(load, seed);
                all.appends += run.appends;
                all.transactions += run.transactions;
                all.given_up += run.given_up;
            }
            let mean = all.transactions as f64 / all.appends as f64;
            println!(
                "{load:?}: {mean:.2} transactions an append, {} given up",
                all.given_up
            );
            assert!(
                mean <= if load.writers == 1 { 1.0 } else { 3.0 },
                "{load:?}: {mean:.2}"
            );
            assert!(all.given_up * 1_000 <= all.appends, "{load:?}: {all:?}");
        }
    }
}
