//! The HTTP interface as its clients see it: real requests to a real recorder on a store in memory.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where something is wrong"
)]

mod bad_input;
mod cloud_events;
mod decisions;
mod events;
mod log;
mod lookups;
mod openapi;
mod operations;
mod policies;
mod sockets;
mod uploads;
mod world;
