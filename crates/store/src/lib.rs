//! Where a journal is kept: the storage contract, its stores, and the suite that each of them must pass.
//!
//! A store links drafts, makes them entries, orders them in the log and seals each group with a signed checkpoint. It
//! knows nothing of what entries mean: kinds, policies and HTTP are other crates' words.
//!
//! ```
//! use journal::{Draft, key::{LogKey, PermitKey}, kind::Genesis};
//! use model::{By, JournalId, StreamName, kind::Fields};
//! use store::{Options, Sqlite, Store};
//!
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let journal: JournalId = "trailmark/example".parse()?;
//! let seed = [7; 32]; // In earnest: random, and kept.
//! let log = LogKey::new(&journal, &seed);
//! let genesis = Genesis {
//!     format: model::FORMAT,
//!     log_key: log.vkey().clone(),
//!     name: "Example".to_owned(),
//!     people_by_key: false,
//!     permit_key: PermitKey::new(&[8; 32]).public(),
//!     solo: false,
//! };
//! let draft = Draft {
//!     by: By::recorder(),
//!     claimed_ms: None,
//!     fields: genesis.encode()?,
//!     kind: Genesis::kind()?,
//!     streams: vec![StreamName::admin()],
//!     payloads: Vec::new(),
//!     idempotency: None,
//!     expected: Vec::new(),
//!     large: Vec::new(),
//! };
//! let folder = tempfile::tempdir()?;
//! let (store, first) = Sqlite::create(Options::new(folder.path()), &journal, &seed, draft).await?;
//! first.receipt.verify(&first.stored.entry.hash(), log.vkey())?;
//! assert_eq!(store.status().await?.size, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![warn(missing_docs)]

pub mod bulk;
mod clock;
#[cfg(any(test, feature = "conformance"))]
#[macro_use]
pub mod conformance;
#[cfg(feature = "aws")]
pub mod aws;
mod contract;
mod error;
mod keys;
#[cfg(any(test, feature = "conformance"))]
pub mod memory;
mod outside;
mod seal;
mod sqlite;
mod stage;
pub mod transfer;

pub use clock::{Clock, SystemClock};
pub use contract::{
    Appended, Consistency, Direction, OutsideCheckpoint, ReadOnlyReason, Status, Store, Stored,
    StoredPayload,
};
pub use error::{AppendError, Cause, OpenError, ReadError, RecoverError};
pub use journal::Receipt;
pub use keys::key_chain;
#[cfg(any(test, feature = "conformance"))]
pub use memory::Memory;
pub use sqlite::{Options, Sqlite, SqliteOrigin, SqliteTarget};
