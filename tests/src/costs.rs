//! `docs/aws.md` says what things cost: its tables are what the store consumes now.

use crate::aws::bill::Part;
use crate::aws::kinds::{self, Cost};
use crate::aws::month::{self, simulate};
use crate::aws::pipeline::CALLED;
use crate::aws::place::{Place, servers};
use crate::aws::prices::{EU_WEST_1, US_EAST_1};
use crate::aws::world::World;
use crate::tidy::text;

/// Simulated runs: some 25 minutes, in which the log fills two bundles.
const RUNS: u32 = 40;

/// Fails with what the page should have said.
fn assert_said(table: &str) {
    let page = text("docs/aws.md");
    assert!(
        page.contains(table),
        "docs/aws.md does not have this table:\n\n{table}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_tells_what_each_kind_of_entry_takes() {
    let Some(servers) = servers() else { return };
    let world = World::new(Place::new(&servers).await).await;
    let costs = kinds::measure(&world).await;
    for (cost, called) in costs.iter().zip(CALLED) {
        assert_eq!(cost.what, called);
    }
    check_aims(&costs);
    assert_said(&kinds::table(&costs));
}

/// What is aimed at: six units for an attestation in two streams with a small header, three round trips for an ingest,
/// four for a decision.
fn check_aims(costs: &[Cost]) {
    for cost in costs {
        let is_attestation = cost.what.starts_with("attestation");
        if is_attestation && cost.header_bytes <= 800 {
            assert!(cost.part(Part::Entries) <= 6, "{cost:?}");
        }
        let rounds_max = match cost.what {
            "decision" => 4,
            "approval" | "snapshot, 1 started, 1 stopped" => continue,
            _ => 3,
        };
        assert!(cost.used.rounds <= rounds_max, "{cost:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_tells_what_a_month_costs() {
    let Some(servers) = servers() else { return };
    let mut months = Vec::new();
    for window_ms in [60_000, 5_000] {
        let world = World::new(Place::new(&servers).await).await;
        months.push(simulate(&world, window_ms, RUNS).await);
    }
    let months: Vec<_> = months.iter().collect();
    assert_nearly_said(&month::table(&months, &[&US_EAST_1, &EU_WEST_1]));
}

/// Compares row by row: entries' hashes are others each time, and with them what lies together.
fn assert_nearly_said(table: &str) {
    let page = text("docs/aws.md");
    for row in table.lines() {
        let label = row.split('|').nth(1).unwrap();
        let said = page
            .lines()
            .find(|line| line.split('|').nth(1) == Some(label));
        let near = said.is_some_and(|said| {
            let pairs: Vec<_> = dollars(row).zip(dollars(said)).collect();
            dollars(row).count() == dollars(said).count()
                && pairs
                    .iter()
                    .all(|(now, said)| (now - said).abs() <= 0.02 + said * 0.02)
        });
        assert!(near, "docs/aws.md does not say `{row}`:\n\n{table}");
    }
}

fn dollars(row: &str) -> impl Iterator<Item = f64> + '_ {
    let cells = row.split('|').skip(2);
    cells.filter_map(|cell| cell.trim().trim_matches('*').parse().ok())
}
