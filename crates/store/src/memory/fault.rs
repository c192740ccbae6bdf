use std::sync::atomic::{AtomicU8, Ordering};

use crate::AppendError;

/// How a write goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is not done, and answered with an error.
    Lost,
    /// It is done, and answered with an error all the same.
    Hidden,
}

/// The switch by which a write fails.
#[derive(Debug, Default)]
pub struct Faults(AtomicU8);

const NONE: u8 = 0;
const LOST: u8 = 1;
const HIDDEN: u8 = 2;

impl Faults {
    /// Lets the next write go wrong, once.
    pub fn arm(&self, fault: Fault) {
        let next = match fault {
            Fault::Lost => LOST,
            Fault::Hidden => HIDDEN,
        };
        self.0.store(next, Ordering::SeqCst);
    }

    pub(super) fn before_write(&self) -> Result<(), AppendError> {
        if self.fires(LOST) {
            return Err(AppendError::Unavailable("the write is lost".into()));
        }
        Ok(())
    }

    pub(super) fn after_write(&self) -> Result<(), AppendError> {
        if self.fires(HIDDEN) {
            return Err(AppendError::Unanswered);
        }
        Ok(())
    }

    fn fires(&self, fault: u8) -> bool {
        self.0
            .compare_exchange(fault, NONE, Ordering::SeqCst, Ordering::SeqCst)
            .is_ok()
    }
}
