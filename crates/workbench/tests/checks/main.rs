//! No fail-open by accident: what the check finds in policies that are bad, and in those that come with Trailmark.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

mod bad;
mod component;
mod documents;
mod mutants;
mod shipped;
mod support;
