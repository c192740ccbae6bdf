//! The functions as Lambda runs them: the real programs, a runtime API, DynamoDB Local and an S3 server.

mod event;
mod fronts;
mod lambda;
mod misuse;
mod sealing;
mod settings;
mod story;
mod together;
mod watch;
mod world;
