//! Measures the second home: units and round trips, writers that meet, and what a month costs.
//!
//! The servers are DynamoDB Local and moto, on this machine: times are theirs, counts are AWS's. `cargo xtask bench aws`
//! starts them.
#![expect(clippy::print_stdout, reason = "a benchmark prints")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark stops at the first surprise"
)]

mod cost;
mod meeting;
mod warm;

use trailmark_tests::aws::place::servers;

const PARTS: [&str; 3] = ["warm", "meeting", "cost"];

fn main() {
    // What is handed to all benchmarks is not ours: ours are names of parts.
    let wanted: Vec<String> = std::env::args()
        .filter(|part| PARTS.contains(&part.as_str()))
        .collect();
    let Some(servers) = servers() else {
        println!("left out: the servers are not there; `cargo xtask bench aws` starts them");
        return;
    };
    let is_wanted = |part: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == part);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        if is_wanted("warm") {
            warm::run(&servers).await;
        }
        if is_wanted("meeting") {
            meeting::run(&servers).await;
        }
        if is_wanted("cost") {
            cost::run(&servers).await;
        }
    });
}

/// Prints a figure beside what is aimed at.
fn show(what: &str, measured: f64, unit: &str, aim: f64) {
    println!(
        "{what:<52} {measured:>10.2} {unit:<12} aim {aim:>8.2}  ratio {:>5.2}",
        measured / aim
    );
}

/// Turns a count into what can be divided.
fn count(number: u64) -> f64 {
    f64::from(u32::try_from(number).unwrap())
}
