//! What the functions of the second home share: configuration, clients, events, and the start.
//!
//! A function is a few lines: its name, and the router that answers for it. All else is found here, and nothing here
//! knows what a request means.
//!
//! ```no_run
//! fn main() -> std::process::ExitCode {
//!     home::answer("ingest", api::ingest::router)
//! }
//! ```
//!
//! A start reads the environment ([`Settings`]), makes the clients, reads the keys that the function uses, and opens the
//! journal, all before the first event. What is wrong is said once, to Lambda and in the log, and nothing is written.
#![warn(missing_docs)]

mod answer;
mod compiling;
mod event;
mod http;
mod images;
mod logging;
mod open;
mod settings;
mod start;

pub use answer::answer;
pub use event::{Event, Refused, Takes, Wake};
pub use open::{Opened, open};
pub use settings::{Fault, Key, LogFormat, Settings, SettingsError, Users, VARIABLES, Variable};
pub use start::run;
