//! The policies that come with Trailmark, as their authors test them.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]
#![expect(clippy::print_stdout, reason = "what is left out is said")]

mod alike;
mod engines;
mod languages;
mod lines;
mod shipped;
mod support;
