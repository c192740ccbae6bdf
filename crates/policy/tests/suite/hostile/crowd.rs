//! A thousand at once: the pool has places again afterwards.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use policy::{Denial, Limits, Outcome, Prepared};
use serde_json::json;

use super::nothing_is_left_behind;
use crate::support::component::evaluating;
use crate::support::dossier;

const AT_ONCE: usize = 1_000;

#[test]
fn a_thousand_that_never_end_leave_room_for_the_next() {
    let attack = |body: &str, denial: Denial| {
        let policy = crate::support::sandbox().prepare(&evaluating(body));
        (policy.unwrap(), Outcome::Denied(denial))
    };
    let attacks: [(Prepared, Outcome); 4] = [
        attack("(loop (br 0)) (unreachable)", Denial::OutOfFuel),
        attack(
            "(loop (drop (memory.grow (i32.const 64))) (br 0)) (unreachable)",
            Denial::OutOfMemory,
        ),
        attack(
            "(loop (drop (table.grow $table (ref.null func) (i32.const 1000))) (br 0)) (unreachable)",
            Denial::OutOfTable,
        ),
        attack("(unreachable)", Denial::Trapped),
    ];
    let limits = Limits {
        fuel: 2_000_000,
        ..Limits::default()
    };
    let (input, next) = (dossier(json!({})), AtomicUsize::new(0));
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= AT_ONCE {
                return;
            }
            let (policy, expected) = &attacks[number % attacks.len()];
            assert_eq!(policy.evaluate(&input, "{}", &limits).outcome, *expected);
        }
    };
    thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(work);
        }
    });
    nothing_is_left_behind();
}

#[test]
fn a_thousand_policies_are_ready_at_once_and_none_is_another() {
    let policies: Vec<Prepared> = (0..AT_ONCE)
        .map(|number| {
            let body = format!("(drop (i32.const {number})) (i32.const 0)");
            crate::support::sandbox()
                .prepare(&evaluating(&body))
                .unwrap()
        })
        .collect();
    let input = dossier(json!({}));
    for policy in &policies {
        let evaluation = policy.evaluate(&input, "{}", &Limits::default());
        assert!(
            matches!(&evaluation.outcome, Outcome::Verdict(verdict) if !verdict.allow),
            "{evaluation:?}"
        );
    }
    let mut digests: Vec<_> = policies
        .iter()
        .map(|policy| policy.identity().policy)
        .collect();
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), AT_ONCE);
    nothing_is_left_behind();
}
