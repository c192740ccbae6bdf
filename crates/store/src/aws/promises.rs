use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use journal::key::ReceiptKey;
use journal::receipt::ReceiptVoucher;

/// By when an entry is in the log, counted from its writing, where nothing else is asked for.
pub const PROMISE_WINDOW_MS: u64 = 10 * 60 * 1000;

/// What signs promises: a receipt key, for which the log's key vouches, and which another takes the place of in time.
pub struct Promiser {
    current: RwLock<Arc<Current>>,
    window_ms: u64,
}

/// A receipt key and its voucher.
pub(super) struct Current {
    pub(super) key: ReceiptKey,
    pub(super) voucher: ReceiptVoucher,
}

impl Promiser {
    /// Promises that entries are in the log within a time.
    #[must_use]
    pub fn new(key: ReceiptKey, voucher: ReceiptVoucher, window_ms: u64) -> Self {
        Self {
            current: RwLock::new(Arc::new(Current { key, voucher })),
            window_ms,
        }
    }

    /// Goes on with another key.
    pub fn replace(&self, key: ReceiptKey, voucher: ReceiptVoucher) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) =
            Arc::new(Current { key, voucher });
    }

    /// Returns until when the present key promises.
    #[must_use]
    pub fn until_ms(&self) -> u64 {
        self.current().voucher.until_ms
    }

    pub(super) fn current(&self) -> Arc<Current> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current)
    }

    pub(super) const fn window_ms(&self) -> u64 {
        self.window_ms
    }
}

impl fmt::Debug for Promiser {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Promiser")
    }
}
