//! Sending one transaction until it is known what became of it.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use tokio::time::Instant;

use super::backoff::Backoff;
use super::error::{CallError, Reason};
use super::layout::{Item, Key, TOKEN};
use super::table::{Obstacle, Table, Transacted};
use crate::AppendError;

/// How often the same transaction is sent, each time by a call that tries a few times itself.
const SENDS_MAX: u32 = 6;
/// How long: a sealer counts on it that nothing older is still sent, and a gateway does not wait longer.
const SENDING_MAX: Duration = Duration::from_secs(20);
const WAIT: Duration = Duration::from_millis(50);
const WAIT_MAX: Duration = Duration::from_secs(2);

/// What became of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    /// It was done, once.
    Done,
    /// It was not done, and never will be: others took its places, or are about to.
    Taken,
}

/// Names a transaction, so that it is known again wherever it is met: by the service, and in its batch's item.
pub(super) fn new_token() -> String {
    let hash = || RandomState::new().hash_one(0_u8);
    format!("{:016x}{:016x}", hash(), hash())
}

/// Puts items, the last of which carries the token, where none are.
///
/// A lost answer means nothing, so the very same items are sent again: they can be put only once, and nothing else is
/// written before it is known whether they were. If even that cannot be found out, it is said so.
pub(super) async fn send(table: &Table, items: &[Item], token: &str) -> Result<Sent, AppendError> {
    let begun = Instant::now();
    let mut backoff = Backoff::new(WAIT, WAIT_MAX);
    // Whether an earlier sending may have been done.
    let mut unknown = false;
    let mut throttled = None;
    for _ in 0..SENDS_MAX {
        match table.transact(items, token).await {
            Ok(Transacted::Done) => return Ok(Sent::Done),
            Ok(Transacted::Cancelled(obstacles)) => match judge(&obstacles, token) {
                Judged::Ours => return Ok(Sent::Done),
                // Others have a place of ours for ever, so ours can no longer land; but it may have before them.
                Judged::Taken if unknown => return look(table, items, token).await,
                Judged::Taken => return Ok(Sent::Taken),
                // What is in our way may be our own earlier sending.
                Judged::Conflict if unknown => {}
                Judged::Conflict => return Ok(Sent::Taken),
                Judged::Throttled => throttled = Some(table.throttled()),
                Judged::Refused(text) => return Err(AppendError::Unavailable(text.into())),
            },
            Err(error) => match error.reason {
                Reason::Unanswered => unknown = true,
                Reason::Throttled => throttled = Some(error),
                _ if unknown => return Err(AppendError::Unanswered),
                _ => return Err(error.into()),
            },
        }
        let wait = backoff.next();
        if begun.elapsed() + wait > SENDING_MAX {
            break;
        }
        tokio::time::sleep(wait).await;
    }
    match throttled {
        Some(error) if !unknown => Err(error.into()),
        // It may have landed; where it has not, it still may.
        _ => match look(table, items, token).await {
            Ok(Sent::Done) => Ok(Sent::Done),
            _ => Err(AppendError::Unanswered),
        },
    }
}

/// Reads whether a transaction was done: its batch tells.
async fn look(table: &Table, items: &[Item], token: &str) -> Result<Sent, AppendError> {
    let batch = items
        .last()
        .and_then(Key::of)
        .ok_or(AppendError::Unanswered)?;
    let found = table
        .get(batch)
        .await
        .map_err(|_| AppendError::Unanswered)?;
    Ok(match found {
        Some(item) if has_token(&item, token) => Sent::Done,
        _ => Sent::Taken,
    })
}

/// Why a transaction was cancelled.
#[derive(Debug, PartialEq)]
enum Judged {
    Ours,
    Taken,
    Conflict,
    Throttled,
    Refused(String),
}

/// Finds the reason that decides: the surest first.
fn judge(obstacles: &[Obstacle], token: &str) -> Judged {
    let mut found = Judged::Conflict;
    for obstacle in obstacles {
        match obstacle {
            Obstacle::Taken(item) if has_token(item, token) => return Judged::Ours,
            Obstacle::Refused(text) => found = Judged::Refused(text.clone()),
            Obstacle::Taken(_) if !matches!(found, Judged::Refused(_)) => found = Judged::Taken,
            Obstacle::Throttled if found == Judged::Conflict => found = Judged::Throttled,
            _ => {}
        }
    }
    found
}

fn has_token(item: &Item, token: &str) -> bool {
    let found = item.get(TOKEN).and_then(|found| found.as_s().ok());
    found.is_some_and(|found| found == token)
}

impl Table {
    fn throttled(&self) -> CallError {
        CallError::because(
            "dynamodb:TransactWriteItems",
            self.resource(),
            Reason::Throttled,
        )
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::AttributeValue;

    use super::*;

    fn taken(token: &str) -> Obstacle {
        Obstacle::Taken(Item::from([(
            TOKEN.to_owned(),
            AttributeValue::S(token.to_owned()),
        )]))
    }

    #[test]
    fn of_several_reasons_the_surest_decides() {
        use Obstacle::{Conflict, None, Throttled};
        let refused = || Obstacle::Refused("ItemCollectionSizeLimitExceeded: ".to_owned());
        let other = || Obstacle::Taken(Item::new());
        for (obstacles, expected) in [
            (vec![None, Conflict], Judged::Conflict),
            (vec![Conflict, Throttled], Judged::Throttled),
            (vec![Throttled, Conflict], Judged::Throttled),
            (vec![Conflict, other(), Throttled], Judged::Taken),
            (vec![other(), taken("theirs")], Judged::Taken),
            (vec![other(), taken("ours")], Judged::Ours),
            (
                vec![refused(), other()],
                Judged::Refused("ItemCollectionSizeLimitExceeded: ".to_owned()),
            ),
        ] {
            assert_eq!(judge(&obstacles, "ours"), expected, "{obstacles:?}");
        }
    }

    #[test]
    fn no_two_transactions_have_one_token() {
        let tokens: std::collections::HashSet<_> = (0..1_000).map(|_| new_token()).collect();
        assert_eq!(tokens.len(), 1_000);
        assert!(tokens.iter().all(|token| token.len() == 32));
    }
}
