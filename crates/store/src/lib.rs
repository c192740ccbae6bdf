//! Where a journal is kept: the storage contract, its stores, and the suite that each of them must pass.
//!
//! A store links drafts, makes them entries, orders them in the log and seals each group with a signed checkpoint. It
//! knows nothing of what entries mean: kinds, policies and HTTP are other crates' words.

#![warn(missing_docs)]

mod clock;
#[cfg(any(test, feature = "conformance"))]
#[macro_use]
pub mod conformance;
mod contract;
mod error;
#[cfg(any(test, feature = "conformance"))]
pub mod memory;
mod outside;
mod seal;
mod sqlite;
mod stage;

pub use clock::{Clock, SystemClock};
pub use contract::{
    Appended, Consistency, Direction, OutsideCheckpoint, ReadOnlyReason, Status, Store, Stored,
    StoredPayload,
};
pub use error::{AppendError, Cause, OpenError, ReadError, RecoverError};
pub use journal::Receipt;
#[cfg(any(test, feature = "conformance"))]
pub use memory::Memory;
pub use sqlite::{Options, Sqlite};
