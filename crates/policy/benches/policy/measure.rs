//! Times and memory, as they are measured everywhere here.

use std::fs;
use std::hint::black_box;
use std::time::{Duration, Instant};

use policy::{DossierInput, Limits, Prepared, Times};
use rustix::time::{ClockId, clock_gettime};

pub struct Sample {
    pub p50: f64,
    pub p99: f64,
}

/// Measures for so many seconds, after a tenth of that to warm up. It is this thread's time on a processor, so that what
/// else the machine does shows less.
pub fn sample(seconds: f64, mut work: impl FnMut()) -> Sample {
    let started = Instant::now();
    while started.elapsed().as_secs_f64() < seconds / 10.0 {
        work();
    }
    let mut times = Vec::new();
    let started = Instant::now();
    while started.elapsed().as_secs_f64() < seconds || times.len() < 3 {
        let begun = on_processor();
        work();
        times.push(micros(on_processor().saturating_sub(begun)));
    }
    times.sort_by(f64::total_cmp);
    Sample {
        p50: times[times.len() / 2],
        p99: times[(times.len() as f64 * 0.99) as usize],
    }
}

pub fn on_processor() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap()
}

pub fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// One policy over one dossier, and its parts, µs.
pub struct Parts {
    pub whole: Sample,
    pub begin: f64,
    pub call: f64,
    pub end: f64,
    pub fuel: u64,
}

pub fn parts(policy: &Prepared, input: &DossierInput, seconds: f64) -> Parts {
    let limits = Limits::default();
    let whole = sample(seconds, || {
        black_box(policy.evaluate(input, "{}", &limits));
    });
    let mut times: Vec<Times> = Vec::new();
    let mut fuel = 0;
    let started = Instant::now();
    while started.elapsed().as_secs_f64() < seconds / 4.0 || times.is_empty() {
        let (evaluation, time) = policy.evaluate_timed(input, "{}", &limits);
        fuel = evaluation.fuel;
        times.push(time);
    }
    let middle = |part: fn(&Times) -> Duration| {
        let mut all: Vec<f64> = times.iter().map(|time| micros(part(time))).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    Parts {
        whole,
        begin: middle(|time| time.begin),
        call: middle(|time| time.call),
        end: middle(|time| time.end),
        fuel,
    }
}

/// Megabytes that are in memory, where the system says so.
pub fn resident() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes / 1e3)
}
