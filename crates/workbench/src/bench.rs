//! How long a case takes, beside a policy that does nothing.

use std::time::{Duration, Instant};

use policy::{DossierInput, Limits, PolicySource, Prepared, PublishError, Sandbox};
use serde::Serialize;

/// The least that can be a policy: what it takes is the sandbox's own.
const EMPTY: &str = "package empty\n\nallow := false\n\nfindings := []\n";

/// What repeated evaluations of one dossier took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Measured {
    /// Half of them took at most this long, in nanoseconds.
    pub p50_ns: u64,
    /// Ninety-nine of a hundred took at most this long, in nanoseconds.
    pub p99_ns: u64,
    /// Units of fuel, the same each time.
    pub fuel: u64,
    /// Bytes of linear memory, the same each time.
    pub memory_bytes: u64,
}

/// Makes the empty policy ready, in Rego.
///
/// # Errors
/// When the sandbox cannot run Rego.
pub fn empty(sandbox: &Sandbox) -> Result<Prepared, PublishError> {
    sandbox.prepare(&PolicySource::Rego(EMPTY.into()))
}

/// Evaluates a policy and the empty one in turn, so that both see the same machine; each at least once.
#[must_use]
pub fn measure(
    [policy, empty]: [&Prepared; 2],
    input: &DossierInput,
    parameters: &str,
    iterations: u32,
) -> [Measured; 2] {
    let mut times = [Vec::new(), Vec::new()];
    let mut used = [(0, 0); 2];
    for _ in 0..iterations.max(1) {
        for ((policy, times), used) in [policy, empty].into_iter().zip(&mut times).zip(&mut used) {
            let begun = Instant::now();
            let evaluation = policy.evaluate(input, parameters, &Limits::default());
            times.push(begun.elapsed());
            *used = (evaluation.fuel, evaluation.memory_bytes);
        }
    }
    let [mine, floor] = times;
    let [mine_used, floor_used] = used;
    [measured(mine, mine_used), measured(floor, floor_used)]
}

fn measured(mut times: Vec<Duration>, (fuel, memory_bytes): (u64, u64)) -> Measured {
    times.sort_unstable();
    Measured {
        p50_ns: percentile(&times, 50),
        p99_ns: percentile(&times, 99),
        fuel,
        memory_bytes,
    }
}

/// The smallest time that so many of a hundred do not exceed.
fn percentile(sorted: &[Duration], percent: usize) -> u64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    let time = sorted.get(rank - 1).copied().unwrap_or_default();
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_time_that_was_measured() {
        let times: Vec<_> = (1..=200).map(Duration::from_nanos).collect();
        assert_eq!(percentile(&times, 50), 100);
        assert_eq!(percentile(&times, 99), 198);
        assert_eq!(percentile(&times[..1], 99), 1);
        assert_eq!(percentile(&[], 99), 0);
    }
}
