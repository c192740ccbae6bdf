//! Recording and deciding in a process that has done so before.

use std::time::{Duration, Instant};

use store::aws::{Endpoints, Usage};
use trailmark_tests::aws::kinds;
use trailmark_tests::aws::pipeline::{CALLED, Run};
use trailmark_tests::aws::place::Place;
use trailmark_tests::aws::world::World;

use crate::{count, show};

const RUNS: u32 = 50;
/// An ingest of an attestation, and a decision, among a run's requests.
const INGEST: usize = 7;
const DECIDE: usize = 9;

pub async fn run(servers: &Endpoints) {
    println!("\nwarm: {RUNS} of each, one after the other");
    let world = World::new(Place::new(servers).await).await;
    println!("{}", kinds::table(&kinds::measure(&world).await));
    let mut samples = vec![Samples::default(); CALLED.len()];
    for run in 2..2 + RUNS {
        for (request, samples) in samples.iter_mut().enumerate() {
            world.place.clients.meter().take();
            let start = Instant::now();
            Run(run).request(&world, request).await;
            samples.add(start.elapsed(), world.place.clients.meter().take());
            world.clock.pass(3_000);
        }
    }
    let floor = floor(&world).await;
    for (request, rounds) in [(INGEST, 3.0), (DECIDE, 4.0)] {
        let (called, samples) = (CALLED[request], &mut samples[request]);
        let waits = samples.rounds();
        show(
            &format!("{called}: round trips, p50"),
            count(waits),
            "rounds",
            rounds,
        );
        let calls = count(samples.used.calls) / f64::from(RUNS);
        println!("{:<52} {calls:>10.2} calls", format!("{called}: calls"));
        let middle = samples.quantile(0.5);
        let floor = floor * u32::try_from(waits).unwrap();
        let ratio = middle.as_secs_f64() / floor.as_secs_f64();
        println!(
            "{:<52} p50 {middle:?}, p99 {:?}; floor {floor:?} (its round trips alone), ratio {ratio:.2}",
            format!("{called}: time"),
            samples.quantile(0.99)
        );
    }
}

/// The time of one read of one item by the bare client.
async fn floor(world: &World) -> Duration {
    let mut times = Vec::new();
    for _ in 0..200 {
        let get = world
            .place
            .clients
            .dynamodb
            .get_item()
            .table_name(&world.place.address.table);
        let key = |text: &str| aws_sdk_dynamodb::types::AttributeValue::S(text.to_owned());
        let get = get
            .key("pk", key("none"))
            .key("sk", key("none"))
            .consistent_read(true);
        let start = Instant::now();
        get.send().await.unwrap();
        times.push(start.elapsed());
    }
    times.sort_unstable();
    times[times.len() / 2]
}

#[derive(Clone, Default)]
struct Samples {
    times: Vec<Duration>,
    rounds: Vec<u64>,
    used: Usage,
}

impl Samples {
    fn add(&mut self, took: Duration, used: Usage) {
        self.times.push(took);
        self.rounds.push(used.rounds);
        self.used.calls += used.calls;
    }

    /// Returns the middle one: calls that begin together count twice where one has its answer before the other is sent.
    fn rounds(&mut self) -> u64 {
        self.rounds.sort_unstable();
        self.rounds[self.rounds.len() / 2]
    }

    fn quantile(&mut self, part: f64) -> Duration {
        self.times.sort_unstable();
        let last = f64::from(u32::try_from(self.times.len() - 1).unwrap());
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a part of a length"
        )]
        let at = (last * part).round() as usize;
        self.times[at]
    }
}
