use std::time::Duration;

use ureq::Body;
use ureq::http::{Response, StatusCode};

/// How often a request is sent again, at most.
const RETRIES_MAX: u32 = 3;
/// Before the first retry; each further one waits twice as long, and up to half as long again by chance.
const PAUSE_MS: u64 = 200;

/// Decides whether a request is sent again, and after how long.
#[derive(Debug, Default)]
pub(super) struct Retry {
    done: u32,
}

impl Retry {
    /// Returns how long to wait before the request is sent again, unless its answer stands.
    pub(super) fn pause(
        &mut self,
        answer: &Result<Response<Body>, ureq::Error>,
    ) -> Option<Duration> {
        let worthwhile = match answer {
            Ok(answer) => answer.status() == StatusCode::SERVICE_UNAVAILABLE,
            Err(error) => is_lost(error),
        };
        if !worthwhile || self.done == RETRIES_MAX {
            return None;
        }
        let pause_ms = PAUSE_MS << self.done;
        self.done += 1;
        Some(Duration::from_millis(pause_ms + jitter(pause_ms / 2)))
    }
}

/// Says whether a request or its answer was lost on the way; anything else would happen again.
const fn is_lost(error: &ureq::Error) -> bool {
    matches!(
        error,
        ureq::Error::Io(_)
            | ureq::Error::Timeout(_)
            | ureq::Error::ConnectionFailed
            | ureq::Error::HostNotFound
    )
}

/// Keeps many clients from coming back at the same moment.
fn jitter(most_ms: u64) -> u64 {
    getrandom::u64().map_or(0, |random| random % (most_ms + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16) -> Result<Response<Body>, ureq::Error> {
        let body = Body::builder().data("");
        Ok(Response::builder().status(status).body(body).unwrap())
    }

    #[test]
    fn a_busy_recorder_is_asked_three_more_times_each_later_than_the_last() {
        let mut retry = Retry::default();
        for least_ms in [200, 400, 800] {
            let pause = retry.pause(&answered(503)).unwrap();
            let most = Duration::from_millis(least_ms + least_ms / 2);
            assert!(pause >= Duration::from_millis(least_ms) && pause <= most);
        }
        assert_eq!(retry.pause(&answered(503)), None);
    }

    #[test]
    fn an_answer_stands_and_what_was_lost_is_sent_again() {
        for status in [200, 400, 401, 409, 413, 500] {
            assert_eq!(Retry::default().pause(&answered(status)), None);
        }
        let lost = Err(ureq::Error::Io(std::io::ErrorKind::ConnectionReset.into()));
        assert!(Retry::default().pause(&lost).is_some());
        assert_eq!(
            Retry::default().pause(&Err(ureq::Error::BadUri("x".into()))),
            None
        );
    }
}
