//! What is counted, as Prometheus reads it. Labels come from enums alone.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::http::StatusCode;
use store::Status;

/// Upper bounds of the histogram's buckets, in microseconds.
const BUCKETS_US: [u64; 12] = [
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    5_000_000,
];

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    Ingest,
    Decide,
    Approve,
    Snapshot,
    Query,
    Operations,
    /// A path or method that is none.
    None,
}

impl Function {
    const ALL: [Self; 7] = [
        Self::Ingest,
        Self::Decide,
        Self::Approve,
        Self::Snapshot,
        Self::Query,
        Self::Operations,
        Self::None,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Decide => "decide",
            Self::Approve => "approve",
            Self::Snapshot => "snapshot",
            Self::Query => "query",
            Self::Operations => "operations",
            Self::None => "none",
        }
    }
}

/// Counters of all functions.
#[derive(Default)]
pub(crate) struct Metrics {
    ingest: Counters,
    decide: Counters,
    approve: Counters,
    snapshot: Counters,
    query: Counters,
    operations: Counters,
    none: Counters,
}

/// The counters of one function.
#[derive(Default)]
struct Counters {
    succeeded: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
    /// By the first bucket that a request fits in.
    durations: [AtomicU64; BUCKETS_US.len()],
    duration_sum_us: AtomicU64,
}

impl Metrics {
    pub(crate) fn count(&self, function: Function, status: StatusCode, duration: Duration) {
        let counters = self.of(function);
        let count = match status.as_u16() {
            500.. => &counters.failed,
            400.. => &counters.refused,
            _ => &counters.succeeded,
        };
        count.fetch_add(1, Ordering::Relaxed);
        let duration_us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        if let Some((bucket, _)) = counters
            .durations
            .iter()
            .zip(BUCKETS_US)
            .find(|(_, most)| duration_us <= *most)
        {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        counters
            .duration_sum_us
            .fetch_add(duration_us, Ordering::Relaxed);
    }

    const fn of(&self, function: Function) -> &Counters {
        match function {
            Function::Ingest => &self.ingest,
            Function::Decide => &self.decide,
            Function::Approve => &self.approve,
            Function::Snapshot => &self.snapshot,
            Function::Query => &self.query,
            Function::Operations => &self.operations,
            Function::None => &self.none,
        }
    }

    /// Writes everything in Prometheus' text format, version 0.0.4.
    pub(crate) fn write(&self, status: &Status) -> String {
        let mut out = String::with_capacity(8 * 1024);
        let mut line = |text: std::fmt::Arguments<'_>| {
            // Writing to a string cannot fail.
            let _ = writeln!(out, "{text}");
        };
        line(format_args!(
            "# HELP trailmark_requests_total Requests by function and outcome."
        ));
        line(format_args!("# TYPE trailmark_requests_total counter"));
        for function in Function::ALL {
            let (name, counters) = (function.as_str(), self.of(function));
            for (status, count) in [
                ("2xx", &counters.succeeded),
                ("4xx", &counters.refused),
                ("5xx", &counters.failed),
            ] {
                let count = count.load(Ordering::Relaxed);
                line(format_args!(
                    "trailmark_requests_total{{function=\"{name}\",status=\"{status}\"}} {count}"
                ));
            }
        }
        line(format_args!(
            "# HELP trailmark_request_seconds Time from a request's headers to its answer's."
        ));
        line(format_args!("# TYPE trailmark_request_seconds histogram"));
        for function in Function::ALL {
            self.of(function)
                .write_durations(function.as_str(), &mut line);
        }
        line(format_args!(
            "# HELP trailmark_log_entries Entries in the log."
        ));
        line(format_args!("# TYPE trailmark_log_entries gauge"));
        line(format_args!("trailmark_log_entries {}", status.size));
        line(format_args!(
            "# HELP trailmark_read_only Whether the journal takes no writes."
        ));
        line(format_args!("# TYPE trailmark_read_only gauge"));
        line(format_args!(
            "trailmark_read_only {}",
            u8::from(status.read_only.is_some())
        ));
        out
    }
}

impl Counters {
    fn write_durations(&self, function: &str, line: &mut impl FnMut(std::fmt::Arguments<'_>)) {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let mut until = 0;
        for (bucket, most_us) in self.durations.iter().zip(BUCKETS_US) {
            until += load(bucket);
            let most = Seconds(most_us);
            line(format_args!(
                "trailmark_request_seconds_bucket{{function=\"{function}\",le=\"{most}\"}} {until}"
            ));
        }
        let count = load(&self.succeeded) + load(&self.refused) + load(&self.failed);
        let sum = Seconds(load(&self.duration_sum_us));
        line(format_args!(
            "trailmark_request_seconds_bucket{{function=\"{function}\",le=\"+Inf\"}} {count}"
        ));
        line(format_args!(
            "trailmark_request_seconds_sum{{function=\"{function}\"}} {sum}"
        ));
        line(format_args!(
            "trailmark_request_seconds_count{{function=\"{function}\"}} {count}"
        ));
    }
}

/// Microseconds, written as seconds.
struct Seconds(u64);

impl std::fmt::Display for Seconds {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}
