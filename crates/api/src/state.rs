use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use recorder::Recorder;
use tokio::sync::Semaphore;

use crate::Limits;
use crate::metrics::Metrics;

/// What all requests share.
#[derive(Clone)]
pub struct AppState {
    shared: Arc<Shared>,
}

/// The parts of [`AppState`], for this crate alone.
pub struct Shared {
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) limits: Limits,
    pub(crate) metrics: Metrics,
    pub(crate) requests: Semaphore,
    pub(crate) exports: Arc<Semaphore>,
    request_ids: RequestIds,
}

impl AppState {
    /// Shares a recorder among requests.
    #[must_use]
    pub fn new(recorder: Arc<Recorder>, limits: Limits) -> Self {
        let shared = Shared {
            recorder,
            requests: Semaphore::new(limits.requests_max),
            exports: Arc::new(Semaphore::new(limits.exports_max)),
            metrics: Metrics::default(),
            request_ids: RequestIds::start(),
            limits,
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    pub(crate) fn next_request_id(&self) -> RequestId {
        self.request_ids.next()
    }
}

impl std::ops::Deref for AppState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}

/// Names a request in the log and in a problem. It is no secret.
#[derive(Clone, Copy)]
pub(crate) struct RequestId(u64);

impl std::fmt::Display for RequestId {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{:016x}", self.0)
    }
}

/// Counts requests from a random place on, so that two runs of the server do not use the same ids.
struct RequestIds(AtomicU64);

impl RequestIds {
    fn start() -> Self {
        Self(AtomicU64::new(RandomState::new().hash_one("request")))
    }

    fn next(&self) -> RequestId {
        RequestId(self.0.fetch_add(1, Ordering::Relaxed))
    }
}
