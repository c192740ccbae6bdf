//! The order of the log: what is linked to comes first, otherwise what was recorded first.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use model::{Entry, EntryHash};

use crate::ReadError;

/// Entries that were written at once, in their order: they stay together.
#[derive(Debug, Clone)]
pub(super) struct Unit {
    pub(super) entries: Vec<Entry>,
    /// The writer's time, where the unit came from a batch.
    pub(super) written_ms: Option<u64>,
    /// By when the log was promised to hold them.
    pub(super) latest_ms: Option<u64>,
}

/// Orders units: those that links lead to before those that they lead from, otherwise by the recorded time and the hash
/// of the first entry.
///
/// The units that hold `urgent` entries come first, with those that they need. Links to entries that are in no unit are
/// not looked at.
pub(super) fn order(units: Vec<Unit>, urgent: &HashSet<EntryHash>) -> Result<Vec<Unit>, ReadError> {
    let places: HashMap<EntryHash, usize> = units
        .iter()
        .enumerate()
        .flat_map(|(place, unit)| unit.entries.iter().map(move |entry| (entry.hash(), place)))
        .collect();
    let needs: Vec<HashSet<usize>> = units
        .iter()
        .enumerate()
        .map(|(place, unit)| {
            let before = unit.entries.iter().flat_map(|entry| &entry.header().links);
            let before = before.filter_map(|link| places.get(link.previous.as_ref()?).copied());
            before.filter(|before| *before != place).collect()
        })
        .collect();
    let urgent = closure(
        &needs,
        urgent.iter().filter_map(|hash| places.get(hash).copied()),
    );

    let mut followers: HashMap<usize, Vec<usize>> = HashMap::new();
    let mut missing: Vec<usize> = needs.iter().map(HashSet::len).collect();
    for (place, needs) in needs.iter().enumerate() {
        for before in needs {
            followers.entry(*before).or_default().push(place);
        }
    }
    let mut units: Vec<Option<Unit>> = units.into_iter().map(Some).collect();
    let rank = |units: &[Option<Unit>], place: usize| {
        let first = units.get(place)?.as_ref()?.entries.first()?;
        let key = (
            !urgent.contains(&place),
            first.header().recorded_ms,
            first.hash(),
        );
        Some(Reverse((key, place)))
    };
    let free = missing
        .iter()
        .enumerate()
        .filter(|(_, missing)| **missing == 0);
    let mut ready: BinaryHeap<_> = free.filter_map(|(place, _)| rank(&units, place)).collect();
    let mut ordered = Vec::with_capacity(units.len());
    while let Some(Reverse((_, place))) = ready.pop() {
        for follower in followers.remove(&place).unwrap_or_default() {
            if let Some(missing) = missing.get_mut(follower) {
                *missing -= 1;
                if *missing == 0 {
                    ready.extend(rank(&units, follower));
                }
            }
        }
        ordered.extend(units.get_mut(place).and_then(Option::take));
    }
    if units.iter().all(Option::is_none) {
        Ok(ordered)
    } else {
        Err(ReadError::Corrupt("entries link to each other in a circle"))
    }
}

/// Adds to some units all that they need.
fn closure(needs: &[HashSet<usize>], of: impl Iterator<Item = usize>) -> HashSet<usize> {
    let mut found = HashSet::new();
    let mut open: Vec<usize> = of.collect();
    while let Some(place) = open.pop() {
        if found.insert(place) {
            open.extend(needs.get(place).into_iter().flatten());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use journal::{Draft, Head};
    use model::StreamName;

    use super::*;
    use crate::conformance::{attestation, journal_id, stream};

    /// Writes entries one after the other, and remembers heads.
    #[derive(Default)]
    struct Writer(HashMap<StreamName, Head>);

    impl Writer {
        fn write(&mut self, number: u64, streams: &[&str], at_ms: u64) -> Entry {
            let streams: Vec<_> = streams.iter().map(|name| stream(name)).collect();
            let draft: Draft = attestation(number, &streams);
            let heads: Vec<_> = streams
                .iter()
                .map(|name| self.0.get(name).copied())
                .collect();
            let entry = journal::link(&journal_id(), &draft, &heads, at_ms).unwrap();
            for link in &entry.header().links {
                let head = Head {
                    seq: link.seq,
                    hash: entry.hash(),
                    recorded_ms: entry.header().recorded_ms,
                };
                self.0.insert(link.stream.clone(), head);
            }
            entry
        }
    }

    fn unit(entries: &[&Entry]) -> Unit {
        Unit {
            entries: entries.iter().map(|entry| (*entry).clone()).collect(),
            written_ms: None,
            latest_ms: None,
        }
    }

    fn numbers(units: &[Unit]) -> Vec<u64> {
        let entries = units.iter().flat_map(|unit| &unit.entries);
        entries
            .map(|entry| {
                let text = entry.header().fields.get();
                text.trim_matches(|c: char| !c.is_ascii_digit())
                    .parse()
                    .unwrap()
            })
            .collect()
    }

    #[test]
    fn what_was_appended_one_by_one_is_in_that_order_however_it_is_found() {
        let mut writer = Writer::default();
        let entries: Vec<_> = (0..40)
            .map(|number| {
                writer.write(
                    number,
                    &[["a", "b", "c"][(number % 3) as usize]],
                    1_000 + number,
                )
            })
            .collect();
        let mut units: Vec<_> = entries.iter().map(|entry| unit(&[entry])).collect();
        units.reverse();
        units.swap(3, 30);
        let ordered = order(units, &HashSet::new()).unwrap();
        assert_eq!(numbers(&ordered), (0..40).collect::<Vec<_>>());
    }

    #[test]
    fn links_come_before_times_and_batches_stay_together() {
        let mut writer = Writer::default();
        let first = writer.write(1, &["a"], 5_000);
        let second = writer.write(2, &["b"], 5_000);
        // A writer whose clock is behind follows at the time of its head; another stream is earlier.
        let third = writer.write(3, &["b"], 4_900);
        let fourth = writer.write(4, &["c"], 4_000);
        let units = vec![unit(&[&fourth]), unit(&[&third]), unit(&[&first, &second])];
        assert_eq!(
            numbers(&order(units, &HashSet::new()).unwrap()),
            [4, 1, 2, 3]
        );
    }

    #[test]
    fn what_is_urgent_comes_first_with_all_that_it_needs() {
        let mut writer = Writer::default();
        let entries: Vec<_> = [(1, "x"), (2, "a"), (3, "y"), (4, "a"), (5, "z")]
            .map(|(number, name)| writer.write(number, &[name], number * 100))
            .into();
        let units: Vec<_> = entries.iter().map(|entry| unit(&[entry])).collect();
        let urgent = HashSet::from([entries[3].hash()]);
        assert_eq!(numbers(&order(units, &urgent).unwrap()), [2, 4, 1, 3, 5]);
    }

    #[test]
    fn a_circle_is_found() {
        let mut writer = Writer::default();
        let [one, two, three] = [1, 2, 3].map(|number| writer.write(number, &["a"], number));
        let units = vec![unit(&[&one, &three]), unit(&[&two])];
        order(units, &HashSet::new()).unwrap_err();
    }
}
