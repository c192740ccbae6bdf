//! The functions as Lambda runs them: the real programs, a runtime API, DynamoDB Local and an S3 server.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test stops where something is wrong, and says why"
)]

mod event;
mod fronts;
mod lambda;
mod misuse;
mod sealing;
mod settings;
mod story;
mod together;
mod uploads;
mod watch;
mod world;
