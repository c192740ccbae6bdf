//! Outside formats to typed facts, and fingerprints of files and directories.
//!
//! A report (JUnit, SARIF, a pull request …) is read once, when it is recorded. What is read are its *facts*: small,
//! typed, canonical JSON that decisions rest on, so that nothing is ever parsed again to decide. Facts hold no personal
//! data: people stand in them by opaque id, or are only counted; names and addresses go into a part of their own that can
//! be erased.
//!
//! This crate knows nothing of stores, policies or entries, and is pure: only [`fingerprint`] touches the file system.
//!
//! ```
//! use evidence::{PersonId, extract};
//! let report = br#"<testsuite name="sums"><testcase name="one and one is two"/></testsuite>"#;
//! let nobody = |_alias: &str| -> Option<PersonId> { None };
//! let extracted = extract("junit", report, &nobody)?;
//! assert_eq!(extracted.schema.as_str(), "junit.v1");
//! # Ok::<(), evidence::EvidenceError>(())
//! ```
#![warn(missing_docs)]

mod error;
mod extract;
pub mod fingerprint;
pub mod generic;
pub mod junit;
pub mod limits;
mod people;
pub mod provenance;
pub mod pull_request;
pub mod sarif;
pub mod strict_json;
mod text;
mod xml;

pub use error::EvidenceError;
pub use extract::{EXTRACTOR_VERSION, Extracted, check_size, extract, extract_stream, known_types};
pub use model::PersonId;
pub use people::{Alias, BadAlias, People};
pub use xml::XmlError;
