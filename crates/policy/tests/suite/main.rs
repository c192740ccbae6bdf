//! What the sandbox promises, tried on the real thing.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod determinism;
mod hostile;
mod opa;
mod publish;
mod rego;
mod sandbox;
mod support;
mod wasi;
