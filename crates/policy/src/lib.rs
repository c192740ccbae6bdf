//! Policies: compiled ahead of time, metered, run and replayed in one sandbox.
//!
//! Every policy runs as a WebAssembly component: one of the author's own, or the stock engine component given the
//! author's Rego source. Every evaluation gets a fresh instance. This crate knows neither stores nor HTTP, and not how
//! the answers of several policies become a decision.
//!
//! ```no_run
//! use policy::{Config, DossierInput, Limits, PolicySource, Sandbox};
//! # fn example(dossier: &model::Dossier, source: &str) -> Result<(), Box<dyn std::error::Error>> {
//! let sandbox = Sandbox::new(Config::default())?;
//! let policy = sandbox.prepare(&PolicySource::Rego(source.into()))?;
//! let input = DossierInput::new(dossier)?;
//! let evaluation = policy.evaluate(&input, r#"{"suites":["api"]}"#, &Limits::default());
//! println!("allowed: {}, fuel: {}", evaluation.allows(), evaluation.fuel);
//! # Ok(())
//! # }
//! ```
#![warn(missing_docs)]

mod bindings;
mod cache;
mod document;
mod error;
mod evaluation;
mod image;
mod input;
mod limits;
mod machine;
mod meter;
mod prepared;
mod sandbox;
mod source;
pub mod stock;
mod structure;
mod verdict;
mod wasi;

pub use cache::{Cache, Place};
pub use error::{Cause, PublishError, SandboxError};
pub use evaluation::{Denial, Evaluation, Finding, Outcome, Status, Undecided, Verdict};
pub use input::{DossierInput, InputError};
pub use limits::{
    FINDINGS_MAX, Limits, MEMORY_BYTES_CEILING, POLICY_BYTES_MAX, REASON_BYTES_MAX,
    SOURCE_BYTES_MAX, TABLE_ELEMENTS_CEILING,
};
pub use machine::Processor;
pub use prepared::{Prepared, Task, Times, evaluate_all};
pub use sandbox::{Config, Sandbox};
pub use source::{Identity, PolicyForm, PolicySource};

/// How fuel, memory and output are counted. It changes with wasmtime's major version, the engine's settings, the
/// encoding of the input and the making of images, because each of them changes the figures of the same work.
pub const METERING: &str = "metering.v2";

/// The runtime that policies are compiled for and run by. What it compiled is never taken over by another version.
pub const RUNTIME: &str = "wasmtime-48.0.8";
