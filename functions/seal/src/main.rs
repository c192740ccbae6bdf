//! Gives entries their place in the log, signs checkpoints, and says how far behind it is.

mod metrics;
mod sealing;
mod stream;

use std::process::ExitCode;

use home::{Event, Takes};
use lambda_runtime::{Diagnostic, LambdaEvent};
use serde_json::value::RawValue;

use self::sealing::Sealing;
use self::stream::Answer;

const TAKES: Takes = Takes {
    function: "seal",
    what: "schedules and its table's stream",
};

fn main() -> ExitCode {
    home::run(TAKES.function, Sealing::open, take)
}

/// Whatever wakes it, it looks for itself what is to be sealed. A stream is told which of its records to send again.
async fn take(
    sealing: &Sealing,
    event: LambdaEvent<Box<RawValue>>,
) -> Result<Option<Answer>, Diagnostic> {
    let wakes = match Event::read(TAKES, &event.payload)? {
        Event::Schedule => None,
        Event::Stream(wakes) => Some(stream::appended(sealing.settings(), wakes)?),
        other => return Err(TAKES.refuse(other.name()).into()),
    };
    let deadline = event.context.deadline();
    sealing.run(deadline).await.map_err(failed)?;
    match wakes {
        None => Ok(None),
        Some(wakes) => stream::answer(sealing.store(), wakes)
            .await
            .map(Some)
            .map_err(failed),
    }
}

fn failed(error: anyhow::Error) -> Diagnostic {
    Diagnostic {
        error_type: "Trailmark.NotSealed".to_owned(),
        error_message: format!("{error:#}"),
    }
}
