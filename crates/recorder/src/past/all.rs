use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread;

/// Results that wait to be taken; the threads wait when there are more.
const WAITING_MAX: usize = 256;

/// Works on each of `items`, in their order, on so many threads [default: one for each processor], and hands over each
/// result as it is there, with the place of its item. It holds no more results than fit on one page.
pub fn for_all<T: Sync, R: Send>(
    items: &[T],
    threads: Option<NonZero<usize>>,
    work: impl Fn(&T) -> R + Sync,
    mut done: impl FnMut(usize, R),
) {
    let threads = threads
        .or_else(|| thread::available_parallelism().ok())
        .map_or(1, NonZero::get)
        .min(items.len());
    if threads <= 1 {
        for (place, item) in items.iter().enumerate() {
            done(place, work(item));
        }
        return;
    }
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        let (sender, receiver) = sync_channel(WAITING_MAX);
        let (next, work) = (&next, &work);
        let take = move || {
            let place = next.fetch_add(1, Ordering::Relaxed);
            items.get(place).map(|item| (place, item))
        };
        let mut started = false;
        for _ in 0..threads {
            let sender = sender.clone();
            let worker = move || {
                while let Some((place, item)) = take() {
                    // Nobody listens any more when the one who asked has panicked.
                    if sender.send((place, work(item))).is_err() {
                        return;
                    }
                }
            };
            started |= thread::Builder::new().spawn_scoped(scope, worker).is_ok();
        }
        drop(sender);
        for (place, result) in receiver {
            done(place, result);
        }
        if !started {
            while let Some((place, item)) = take() {
                done(place, work(item));
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_worked_on_once_on_any_number_of_threads() {
        let items: Vec<usize> = (0..1_000).collect();
        for threads in [None, NonZero::new(1), NonZero::new(7)] {
            let mut found = vec![0; items.len()];
            for_all(
                &items,
                threads,
                |item| item * 2,
                |place, twice| {
                    found[place] += twice;
                },
            );
            assert!(items.iter().all(|item| found[*item] == item * 2));
        }
        for_all(&[(); 0], None, |()| (), |_, ()| panic!("there is nothing"));
    }
}
