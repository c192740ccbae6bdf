use std::time::Duration;

use model::limits::{BATCH_ITEMS_MAX, PAYLOAD_BYTES_MAX};

/// What one request may use. Everything over it has a refusal of its own.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of an answer, where what carries it has a limit; without one, long answers are written as they are read.
    pub answer_bytes_max: Option<usize>,
    /// Bytes of a request's body: a report of the largest size in base64, and what stands around it.
    pub body_bytes_max: usize,
    /// How long the body may take to arrive.
    pub body_timeout: Duration,
    /// Connections at the same time; further ones wait in the system's own bounded queue.
    pub connections_max: usize,
    /// Events of one request: each is an entry and at least one link of one atomic append.
    pub events_max: usize,
    /// Exports at the same time; each holds a thread while its reader is slow.
    pub exports_max: usize,
    /// How long the headers of the next request may take to arrive, an idle connection's included.
    pub header_timeout: Duration,
    /// Bytes of a request's headers, names and values.
    pub headers_bytes_max: usize,
    /// Bytes of a policy that comes as it is; a larger one is uploaded.
    pub policy_bytes_max: usize,
    /// Requests at the same time; further ones are refused, not queued.
    pub requests_max: usize,
    /// How long requests in flight are given to finish when the server stops.
    pub shutdown_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            answer_bytes_max: None,
            body_bytes_max: 8 * 1024 * 1024,
            body_timeout: Duration::from_secs(30),
            connections_max: 1_024,
            events_max: BATCH_ITEMS_MAX / 2,
            exports_max: 4,
            header_timeout: Duration::from_secs(60),
            headers_bytes_max: 16 * 1024,
            policy_bytes_max: PAYLOAD_BYTES_MAX,
            requests_max: 256,
            shutdown_timeout: Duration::from_secs(25),
        }
    }
}
