//! Many requests at once, but never so many that they crowd each other out.

use std::future::Future;

use tokio::task::{JoinError, JoinSet};

/// Requests of one caller that run at the same time.
const AT_ONCE: usize = 32;

/// Runs tasks, some of them at the same time, and returns what they gave, in their order.
///
/// # Errors
/// The first that a task gave; what still ran is stopped.
pub(super) async fn all<T, E, F>(tasks: impl IntoIterator<Item = F>) -> Result<Vec<T>, E>
where
    F: Future<Output = Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    let mut running = JoinSet::new();
    let mut done = Vec::new();
    for (place, task) in tasks.into_iter().enumerate() {
        if running.len() == AT_ONCE {
            done.extend(finished(running.join_next().await).transpose()?);
        }
        running.spawn(async move { task.await.map(|value| (place, value)) });
    }
    while let Some(one) = finished(running.join_next().await) {
        done.push(one?);
    }
    done.sort_unstable_by_key(|(place, _)| *place);
    Ok(done.into_iter().map(|(_, value)| value).collect())
}

/// Hands a task's panic on to whoever waits for it.
fn finished<T>(joined: Option<Result<T, JoinError>>) -> Option<T> {
    match joined? {
        Ok(value) => Some(value),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Nobody but us can stop a task, and we do so only by giving up the whole.
            Err(_) => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn answers_come_in_the_order_of_the_questions() {
        let tasks = (0..100_u64).map(|number| async move {
            for _ in 0..(number * 7) % 5 {
                tokio::task::yield_now().await;
            }
            Ok::<_, ()>(number)
        });
        assert_eq!(all(tasks).await, Ok((0..100).collect()));
    }

    #[tokio::test]
    async fn the_first_failure_is_the_answer() {
        let tasks =
            (0..100).map(|number| async move { if number == 50 { Err(number) } else { Ok(()) } });
        assert_eq!(all(tasks).await, Err(50));
    }
}
