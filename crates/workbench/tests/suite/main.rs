//! The policies that come with Trailmark, as their authors test them.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod engines;
mod languages;
mod shipped;
mod support;
