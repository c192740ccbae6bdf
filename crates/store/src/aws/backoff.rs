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

    /// Lets writers append to one stream, in virtual time: a read takes 3 to 8 ms, a transaction 6 to 16, and one that
    /// begins while another is under way is cancelled. Returns transactions for each append, and the most for any.
    fn simulate(writers: u64, seed: u64) -> (f64, u32) {
        const APPENDS: u32 = 50;
        let mut random = Random(seed);
        let fresh = |seed| Backoff::seeded(CONTENDED_WAIT, CONTENDED_WAIT_MAX, seed);
        let mut all: Vec<Writer> = (0..writers)
            .map(|writer| Writer {
                backoff: fresh(seed ^ writer),
                left: APPENDS,
                attempts: 0,
                seen: 0,
            })
            .collect();
        let mut events: BinaryHeap<_> = (0..all.len())
            .map(|writer| Reverse((Duration::ZERO, Step::Read, writer)))
            .collect();
        let (mut stream, mut busy, mut transactions, mut most) = (0, None, 0, 0);
        while let Some(Reverse((now, step, place))) = events.pop() {
            let mut took = |from: u64, to: u64| {
                let spread = Duration::from_millis(to - from).mul_f64(random.fraction());
                now + Duration::from_millis(from) + spread
            };
            let writer = &mut all[place];
            let lost = match step {
                Step::Read => {
                    writer.seen = stream;
                    events.push(Reverse((took(3, 8), Step::Begin, place)));
                    false
                }
                Step::Begin => {
                    transactions += 1;
                    writer.attempts += 1;
                    let meets = busy.is_some() || writer.seen != stream;
                    if !meets {
                        busy = Some(place);
                        events.push(Reverse((took(6, 16), Step::End, place)));
                    }
                    meets
                }
                Step::End => {
                    busy = None;
                    stream += 1;
                    most = most.max(writer.attempts);
                    writer.attempts = 0;
                    writer.left -= 1;
                    writer.backoff = fresh(random.0 ^ stream);
                    if writer.left > 0 {
                        events.push(Reverse((now, Step::Read, place)));
                    }
                    false
                }
            };
            if lost {
                let again = now + all[place].backoff.next();
                events.push(Reverse((again, Step::Read, place)));
            }
        }
        assert_eq!(stream, writers * u64::from(APPENDS));
        (f64::from(transactions) / stream as f64, most)
    }

    #[test]
    fn sixteen_writers_on_one_stream_take_three_attempts_on_average() {
        for (writers, allowed) in [(1, 1.0), (4, 2.0), (16, 3.0)] {
            let runs: Vec<_> = (0..20).map(|seed| simulate(writers, seed)).collect();
            let mean = runs.iter().map(|(mean, _)| mean).sum::<f64>() / runs.len() as f64;
            let most = runs.iter().map(|(_, most)| *most).max().unwrap();
            println!("{writers} writers: {mean:.2} transactions an append, {most} at most");
            assert!(mean <= allowed, "{writers} writers: {mean:.2}");
            assert!(most <= ATTEMPTS_MAX, "{writers} writers: {most}");
        }
    }
}
