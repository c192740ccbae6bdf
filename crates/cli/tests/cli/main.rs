//! The built `trailmark` program, as its users type it: against a server of its own, in a home folder of its own.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test stops at the first surprise"
)]

mod check;
mod ci;
mod client;
mod evidence;
mod help;
mod journal;
mod languages;
mod offline;
mod past;
mod policies;
mod policy;
mod rotation;
mod serve;
mod signed;
mod story;
mod transcript;
#[cfg(target_os = "linux")]
mod uploads;
mod world;
