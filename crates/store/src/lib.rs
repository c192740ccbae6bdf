//! Where a journal is kept: the storage contract, its stores, and the suite that each of them must pass.
//!
//! A store links drafts, makes them entries, orders them in the log and seals each group with a signed checkpoint. It
//! knows nothing of what entries mean: kinds, policies and HTTP are other crates' words.

#![warn(missing_docs)]

mod clock;
mod contract;
mod error;

pub use clock::{Clock, SystemClock};
pub use contract::{
    Appended, Consistency, Direction, OutsideCheckpoint, ReadOnlyReason, Receipt, Status, Store,
    Stored, StoredPayload,
};
pub use error::{AppendError, ReadError, RecoverError};
