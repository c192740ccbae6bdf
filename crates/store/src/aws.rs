//! A journal on DynamoDB and S3: many writers, no server, nothing ever updated or deleted in the table.
//!
//! An append is one transaction of conditional puts; whoever comes second links anew. A sealer of its own gives entries
//! their place in the log later, so an append answers with a promise. See `docs/adr/0005-links-carry-the-header.md`.

mod backoff;
pub mod client;
mod error;
#[cfg(any(test, feature = "conformance"))]
pub mod faulty;
mod layout;
mod meter;
mod table;

pub use client::{Address, Clients, Endpoints, ServiceClock};
pub use error::{CallError, Reason};
pub use layout::table_definition;
pub use meter::{Meter, Usage};
