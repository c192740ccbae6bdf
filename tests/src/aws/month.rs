//! A month of a journal, simulated: minutes of it are recorded and sealed beside the real servers, counted, and scaled.
//!
//! Requests come evenly, day and night: the dearest way for the sealer, which then finds the fewest entries at a time.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::bill::{Calls, Part, item_bytes};
use super::pipeline::{REQUESTS, Run};
use super::prices::Prices;
use super::world::World;

/// Entries of a run.
pub const RUN_ENTRIES: u32 = 14;
/// What is simulated: so many entries a month.
pub const ENTRIES: f64 = 1_000_000.0;
const MONTH_MS: f64 = 30.0 * 24.0 * 3_600_000.0;
/// The schedule runs the sealer too, whatever came.
const SCHEDULE_MS: u64 = 60_000;
/// What a billed gigabyte is.
const GB: f64 = 1_073_741_824.0;
/// DynamoDB keeps so much more for each item.
const ITEM_OVERHEAD_BYTES: u64 = 100;
/// What a function takes, assumed: so long for a request, so long for sealing, so much memory.
const RECORDING_MS: f64 = 60.0;
const SEALING_MS: f64 = 200.0;
const MEMORY_GB: f64 = 1769.0 / 1024.0;
/// What one invocation logs, Lambda's own lines included, assumed.
const LOG_BYTES: f64 = 1_000.0;

/// What something used.
#[derive(Debug, Clone, Copy, Default)]
pub struct Used {
    /// Invocations of functions.
    pub invocations: f64,
    /// Write units, as they are billed.
    pub write_units: f64,
    /// Read units.
    pub read_units: f64,
    /// S3 requests of the dear sort.
    pub puts: f64,
    /// S3 requests of the cheap sort.
    pub gets: f64,
}

impl Used {
    fn scaled(self, by: f64) -> Self {
        Self {
            invocations: self.invocations * by,
            write_units: self.write_units * by,
            read_units: self.read_units * by,
            puts: self.puts * by,
            gets: self.gets * by,
        }
    }
}

/// A month.
#[derive(Debug, Clone)]
pub struct Month {
    /// How long appends were gathered before they were sealed together.
    pub window_ms: u64,
    /// Recording, deciding, approving, observing.
    pub recording: Used,
    /// Sealing.
    pub sealing: Used,
    /// Seals.
    pub seals: f64,
    /// Streams that it began.
    pub streams: f64,
    /// Bytes in the table at its end, with what DynamoDB adds.
    pub table_bytes: f64,
    /// Bytes in the bucket at its end, by the first part of the key; lists of heads aside.
    pub bucket_bytes: BTreeMap<String, f64>,
    /// Lists of heads that it wrote, and the bytes of one of all streams at its end.
    pub lists: f64,
    /// Bytes of a stream in a list of heads.
    pub listed_stream_bytes: f64,
}

/// Records and seals runs of the pipeline, with appends gathered for a time, and scales them to a month.
pub async fn simulate(world: &World, window_ms: u64, runs: u32) -> Month {
    let entries = f64::from(runs * RUN_ENTRIES);
    let scale = ENTRIES / entries;
    let every_ms = MONTH_MS / ENTRIES * f64::from(RUN_ENTRIES) / as_f64(REQUESTS as u64);
    let mut simulation = Simulation {
        world,
        window_ms,
        recording: Used::default(),
        sealing: Used::default(),
        unsealed_since_ms: None,
        scheduled_ms: SCHEDULE_MS,
        now_ms: 0,
    };
    // What all runs share is there before.
    for request in 0..REQUESTS {
        Run(0).request(world, request).await;
    }
    world.seal().await;
    let before = Kept::of(world).await;
    let mut requests = 0;
    for run in 1..=runs {
        for request in 0..REQUESTS {
            requests += 1;
            simulation
                .pass_until(floor(f64::from(requests) * every_ms))
                .await;
            simulation.record(Run(run), request).await;
        }
    }
    simulation.seal().await;
    let after = Kept::of(world).await;
    let units = |of: fn(&Kept) -> u64| as_f64(of(&after) - of(&before));
    simulation.recording.write_units = units(|kept| kept.recorded_units);
    simulation.sealing.write_units = units(|kept| kept.sealed_units);
    let grown = |prefix: &str| {
        let bytes = |kept: &Kept| kept.objects.get(prefix).copied().unwrap_or_default();
        as_f64(bytes(&after) - bytes(&before)) * scale
    };
    let prefixes = after.objects.keys().filter(|prefix| *prefix != "heads");
    Month {
        window_ms,
        recording: simulation.recording.scaled(scale),
        sealing: simulation.sealing.scaled(scale),
        seals: as_f64(after.seals - before.seals) * scale,
        streams: as_f64(after.streams - before.streams) * scale,
        table_bytes: as_f64(after.table_bytes - before.table_bytes) * scale,
        bucket_bytes: prefixes
            .map(|prefix| (prefix.clone(), grown(prefix)))
            .collect(),
        lists: as_f64(after.lists - before.lists) * scale,
        listed_stream_bytes: as_f64(after.last_list_bytes) / as_f64(after.streams),
    }
}

struct Simulation<'a> {
    world: &'a World,
    window_ms: u64,
    recording: Used,
    sealing: Used,
    unsealed_since_ms: Option<u64>,
    scheduled_ms: u64,
    now_ms: u64,
}

impl Simulation<'_> {
    /// Lets time go by, and the sealer run when it is called for.
    async fn pass_until(&mut self, until_ms: u64) {
        loop {
            let waits = self.unsealed_since_ms.map(|since| since + self.window_ms);
            let next = waits.unwrap_or(u64::MAX).min(self.scheduled_ms);
            if next > until_ms {
                break;
            }
            self.pass(next);
            if next == self.scheduled_ms {
                self.scheduled_ms += SCHEDULE_MS;
            }
            self.seal().await;
        }
        self.pass(until_ms);
    }

    fn pass(&mut self, to_ms: u64) {
        self.world.clock.pass(to_ms.saturating_sub(self.now_ms));
        self.now_ms = self.now_ms.max(to_ms);
    }

    async fn record(&mut self, run: Run, request: usize) {
        let begun = self.begin();
        run.request(self.world, request).await;
        self.end(begun, |simulation| &mut simulation.recording);
        self.unsealed_since_ms.get_or_insert(self.now_ms);
    }

    async fn seal(&mut self) {
        let begun = self.begin();
        self.world.seal().await;
        self.end(begun, |simulation| &mut simulation.sealing);
        self.unsealed_since_ms = None;
    }

    fn begin(&self) -> Calls {
        self.world.place.clients.meter().take();
        self.world.place.bill.calls()
    }

    fn end(&mut self, begun: Calls, of: impl FnOnce(&mut Self) -> &mut Used) {
        let used = self.world.place.clients.meter().take();
        let asked = self.world.place.bill.calls() - begun;
        let sum = of(self);
        sum.invocations += 1.0;
        sum.read_units += used.read_units.max(as_f64(asked.table_reads));
        sum.puts += as_f64(asked.puts);
        sum.gets += as_f64(asked.gets);
    }
}

/// What is kept at some moment.
struct Kept {
    table_bytes: u64,
    recorded_units: u64,
    sealed_units: u64,
    seals: u64,
    streams: u64,
    objects: BTreeMap<String, u64>,
    lists: u64,
    last_list_bytes: u64,
}

impl Kept {
    async fn of(world: &World) -> Self {
        let items = world.place.items().await;
        let is = |suffix: &'static str| {
            move |item: &&super::place::Item| {
                item["pk"].as_s().is_ok_and(|key| key.ends_with(suffix))
            }
        };
        let mut objects = BTreeMap::<_, u64>::new();
        let (mut lists, mut last_list_bytes) = (0, 0);
        for (key, size) in world.place.objects().await {
            let own = key
                .trim_start_matches(world.journal.as_str())
                .trim_start_matches('/');
            let prefix = own.split('/').next().unwrap().to_owned();
            if prefix == "heads" {
                lists += 1;
                last_list_bytes = size.max(last_list_bytes);
            }
            *objects.entry(prefix).or_default() += size;
        }
        let of = |sealed: bool| {
            let parts = items.iter().map(|item| (Part::of(item), item));
            let parts = parts.filter(move |(part, _)| (*part == Part::Sealed) == sealed);
            parts.map(|(part, item)| part.units(item)).sum()
        };
        Self {
            recorded_units: of(false),
            sealed_units: of(true),
            table_bytes: items
                .iter()
                .map(|item| item_bytes(item) + ITEM_OVERHEAD_BYTES)
                .sum(),
            seals: items.iter().filter(is("#c")).count() as u64,
            streams: items.iter().filter(is("#n")).count() as u64,
            objects,
            lists,
            last_list_bytes,
        }
    }
}

/// Dollars by what they are for.
#[derive(Debug, Clone)]
pub struct Dollars(pub Vec<(&'static str, f64)>);

impl Dollars {
    /// Returns the sum.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.0.iter().map(|(_, dollars)| dollars).sum()
    }
}

impl Month {
    /// Returns what the month's requests cost, and keeping for a month what they left.
    #[must_use]
    pub fn dollars(&self, prices: &Prices) -> Dollars {
        let (recording, sealing) = (&self.recording, &self.sealing);
        let million = |count: f64, price: f64| count / 1e6 * price;
        let compute = |used: &Used, ms: f64| {
            let seconds = used.invocations * ms / 1000.0;
            million(seconds * MEMORY_GB, prices.gb_seconds)
                + million(used.invocations, prices.invocations)
        };
        let invocations = recording.invocations + sealing.invocations;
        let bucket: f64 = self.bucket_bytes.values().sum();
        Dollars(vec![
            (
                "record: write units",
                million(recording.write_units, prices.write_units),
            ),
            (
                "record: read units",
                million(recording.read_units, prices.read_units),
            ),
            (
                "record: S3 requests",
                million(recording.puts, prices.puts) + million(recording.gets, prices.gets),
            ),
            ("record: Lambda", compute(recording, RECORDING_MS)),
            (
                "record: HTTP API",
                million(recording.invocations, prices.api),
            ),
            (
                "seal: write units",
                million(sealing.write_units, prices.write_units),
            ),
            (
                "seal: read units",
                million(sealing.read_units, prices.read_units),
            ),
            (
                "seal: S3 requests",
                million(sealing.puts, prices.puts) + million(sealing.gets, prices.gets),
            ),
            ("seal: Lambda", compute(sealing, SEALING_MS)),
            ("logs", invocations * LOG_BYTES / GB * prices.logs_gb),
            ("keep: table", self.table_bytes / GB * prices.table_gb),
            (
                "keep: its recovery to any second",
                self.table_bytes / GB * prices.recovery_gb,
            ),
            ("keep: bucket", bucket / GB * prices.bucket_gb),
            (
                "keep: lists of heads",
                self.list_bytes() / GB * prices.bucket_gb,
            ),
        ])
    }

    /// Returns the bytes of all lists of heads at the month's end: each has all streams, and those grow evenly.
    #[must_use]
    pub fn list_bytes(&self) -> f64 {
        self.lists * self.streams / 2.0 * self.listed_stream_bytes
    }
}

/// Writes what months cost beside each other, as a table.
#[must_use]
pub fn table(months: &[&Month], prices: &[&Prices]) -> String {
    let mut text = String::from("| $ a month |");
    let columns: Vec<_> = prices
        .iter()
        .flat_map(|prices| {
            months
                .iter()
                .map(move |month| (month.window_ms / 1000, prices.region, month.dollars(prices)))
        })
        .collect();
    for (window, region, _) in &columns {
        write!(text, " {region}, sealed every {window} s |").unwrap();
    }
    text.push_str("\n|---|");
    text.push_str(&"--:|".repeat(columns.len()));
    text.push('\n');
    let rows = columns.first().map_or(0, |(_, _, dollars)| dollars.0.len());
    for row in 0..rows {
        write!(text, "| {} |", columns[0].2.0[row].0).unwrap();
        for (_, _, dollars) in &columns {
            write!(text, " {:.2} |", dollars.0[row].1).unwrap();
        }
        text.push('\n');
    }
    text.push_str("| **together** |");
    for (_, _, dollars) in &columns {
        write!(text, " **{:.2}** |", dollars.total()).unwrap();
    }
    text.push('\n');
    text
}

fn as_f64(number: u64) -> f64 {
    // Nothing here comes near 2^53.
    #[expect(clippy::cast_precision_loss, reason = "smaller than 2^53")]
    let number = number as f64;
    number
}

fn floor(number: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "milliseconds of some minutes"
    )]
    let number = number as u64;
    number
}
