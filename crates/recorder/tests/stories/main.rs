//! The recorder's promises, told as stories on a real store.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a story that goes another way ends there"
)]

mod environment;
mod exceptions;
mod heads;
mod images;
mod past;
mod policies;
mod publication;
mod recording;
mod release;
mod shared;
mod trust;
mod watched;
mod world;
