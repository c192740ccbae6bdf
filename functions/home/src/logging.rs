use tracing_subscriber::EnvFilter;

use crate::LogFormat;

/// What is logged: completion lines, and what went wrong. Never bodies, tokens or addresses.
const FILTER: &str = "info";

/// Begins to log to standard error, which Lambda keeps.
pub(crate) fn start(format: LogFormat) {
    let builder = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(FILTER))
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(false);
    // A second call, as in tests, changes nothing.
    let _ = match format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
}
