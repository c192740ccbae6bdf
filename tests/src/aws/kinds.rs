//! What each kind of request costs, as the table counts it.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;

use store::aws::Usage;

use super::bill::{Calls, Part};
use super::pipeline::{CALLED, REQUESTS, Run};
use super::place::Item;
use super::world::World;

/// Calls that begin together count as two round trips where one has its answer before the other is sent: so the fewest
/// of some runs are what a caller must wait for.
const ROUNDS_RUNS: u32 = 5;

/// What recording took, and what sealing it took after that.
#[derive(Debug, Clone)]
pub struct Cost {
    /// What was asked for.
    pub what: &'static str,
    /// Entries, and the bytes of the first one's header.
    pub entries: u64,
    /// Bytes of the first entry's header.
    pub header_bytes: u64,
    /// Streams of the first entry.
    pub streams: u64,
    /// Write units by part, as they are billed.
    pub units: BTreeMap<Part, u64>,
    /// Write units that sealing took for positions and streams; the seal itself is one for many entries.
    pub sealing_units: u64,
    /// What recording used.
    pub used: Usage,
    /// Calls that recording took.
    pub asked: Calls,
    /// Payloads' bytes that went to S3.
    pub object_bytes: u64,
}

impl Cost {
    /// Returns the write units of one part.
    #[must_use]
    pub fn part(&self, part: Part) -> u64 {
        self.units.get(&part).copied().unwrap_or_default()
    }

    /// Returns the read units: as they were counted, and one for each read at least.
    #[must_use]
    pub fn read_units(&self) -> f64 {
        let reads = u32::try_from(self.asked.table_reads).unwrap();
        self.used.read_units.max(f64::from(reads))
    }
}

/// Records a run, and measures each of its requests; the run before it began what all runs share.
pub async fn measure(world: &World) -> Vec<Cost> {
    let mut costs = Vec::new();
    for number in 0..REQUESTS {
        Run(0).request(world, number).await;
    }
    world.seal().await;
    for (number, what) in CALLED.into_iter().enumerate() {
        costs.push(measure_one(world, number, what).await);
    }
    for run in 2..2 + ROUNDS_RUNS {
        for (number, cost) in costs.iter_mut().enumerate() {
            world.place.clients.meter().take();
            Run(run).request(world, number).await;
            let rounds = world.place.clients.meter().take().rounds;
            cost.used.rounds = cost.used.rounds.min(rounds);
        }
    }
    costs
}

async fn measure_one(world: &World, number: usize, what: &'static str) -> Cost {
    let place = &world.place;
    let before = keys(&place.items().await);
    let (stored, calls) = (object_bytes(world).await, place.bill.calls());
    place.clients.meter().take();
    let hashes = Run(1).request(world, number).await;
    let used = place.clients.meter().take();
    let asked = place.bill.calls() - calls;
    let items = place.items().await;
    let new: Vec<&Item> = items
        .iter()
        .filter(|item| !before.contains(&key(item)))
        .collect();
    let mut units = BTreeMap::new();
    for item in &new {
        let part = Part::of(item);
        *units.entry(part).or_default() += part.units(item);
    }
    let found = world
        .ingest
        .store()
        .entry(&hashes[0])
        .await
        .unwrap()
        .unwrap();
    let entries = new.iter().filter(|item| Part::of(item) == Part::Batches);
    let entries = entries
        .map(|item| item["e"].as_l().unwrap().len() as u64)
        .sum();
    let object_bytes = object_bytes(world).await - stored;
    let sealing_units = sealing_units(world, &items).await;
    Cost {
        what,
        entries,
        header_bytes: found.entry.bytes().len() as u64,
        streams: found.entry.header().links.len() as u64,
        units,
        sealing_units,
        used,
        asked,
        object_bytes,
    }
}

async fn object_bytes(world: &World) -> u64 {
    let objects = world.place.objects().await;
    objects.iter().map(|(_, size)| size).sum()
}

/// Seals, and returns what the entries' own items took.
async fn sealing_units(world: &World, items: &[Item]) -> u64 {
    let before = keys(items);
    while world.sealer.run().await.unwrap().remaining > 0 {}
    let items = world.place.items().await;
    let new = items.iter().filter(|item| !before.contains(&key(item)));
    let own = new.filter(|item| !key(item).0.ends_with("#c"));
    own.map(|item| Part::of(item).units(item)).sum()
}

fn keys(items: &[Item]) -> HashSet<(String, String)> {
    items.iter().map(key).collect()
}

fn key(item: &Item) -> (String, String) {
    let text = |name: &str| item[name].as_s().unwrap().clone();
    (text("pk"), text("sk"))
}

/// Writes costs as a table.
#[must_use]
pub fn table(costs: &[Cost]) -> String {
    let mut text = String::from(
        "| recorded | entries | header, bytes | streams | append, WU | its record, WU | payloads, WU | objects, PUT | sealing, WU | read, RU | calls | round trips |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for cost in costs {
        writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            cost.what,
            cost.entries,
            cost.header_bytes,
            cost.streams,
            cost.part(Part::Entries),
            cost.part(Part::Batches),
            cost.part(Part::Payloads),
            cost.asked.puts,
            cost.sealing_units,
            cost.read_units(),
            cost.used.calls,
            cost.used.rounds,
        )
        .unwrap();
    }
    text
}
