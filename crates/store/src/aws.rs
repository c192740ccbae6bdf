//! A journal on DynamoDB and S3: many writers, no server, nothing ever updated or deleted in the table.
//!
//! An append is one transaction of conditional puts; whoever comes second links anew. A sealer of its own gives entries
//! their place in the log later, so an append answers with a promise. See `docs/adr/0005-links-carry-the-header.md`.

mod backoff;
mod bucket;
mod bulk;
pub mod client;
mod error;
#[cfg(any(test, feature = "conformance"))]
pub mod faulty;
pub mod keys;
mod layout;
mod log;
mod look;
mod meter;
mod monitor;
mod open;
mod parallel;
mod past;
mod payload;
mod promises;
mod read;
mod records;
mod seal;
mod send;
mod store;
mod table;
mod transfer;
mod unsealed;
mod write;

pub use client::{Address, Clients, Endpoints, ServiceClock};
pub use error::{CallError, Reason};
pub use layout::table_definition;
pub use meter::{Meter, Usage};
pub use monitor::{Finding, Monitor, Watched};
pub use open::{Dynamo, LOOK_EVERY_MS, Settings};
pub use promises::{PROMISE_WINDOW_MS, Promiser};
pub use seal::{SealError, Sealer, Sealing};
pub use transfer::{DynamoOrigin, DynamoTarget};

#[cfg(test)]
mod tests;
