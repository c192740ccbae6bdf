//! What a month costs: see `docs/aws.md`, whose tables these are.

use store::aws::Endpoints;
use trailmark_tests::aws::month::{Month, simulate, table};
use trailmark_tests::aws::place::Place;
use trailmark_tests::aws::prices::{DATE, EU_WEST_1, US_EAST_1};
use trailmark_tests::aws::world::World;

use crate::show;

/// As in the test that holds the page to it.
const RUNS: u32 = 40;
/// A million events recorded, sealed and kept for a month.
const DOLLARS_AIM: f64 = 10.0;

pub async fn run(servers: &Endpoints) {
    println!(
        "\na million entries a month, simulated from {RUNS} runs of a pipeline; list prices of {DATE}"
    );
    let mut months: Vec<Month> = Vec::new();
    for window_ms in [60_000, 5_000] {
        let world = World::new(Place::new(servers).await).await;
        months.push(simulate(&world, window_ms, RUNS).await);
    }
    for month in &months {
        println!("{month:#?}");
    }
    println!(
        "{}",
        table(
            &months.iter().collect::<Vec<_>>(),
            &[&US_EAST_1, &EU_WEST_1]
        )
    );
    for month in &months {
        let what = format!("us-east-1, sealed every {} s", month.window_ms / 1000);
        show(&what, month.dollars(&US_EAST_1).total(), "$", DOLLARS_AIM);
    }
}
