//! Time: it is stamped from one clock, never goes back in a stream, and is not written when it cannot be right.

use journal::Draft;
use journal::kind::ClockCorrected;
use model::limits::CLOCK_DRIFT_MS_MAX;
use model::{Class, StreamName};

use super::appending::created;
use super::draft::draft;
use super::{Home, Witness, append, attestation, stream};
use crate::{AppendError, Clock as _, Store};

fn corrected(from_ms: u64, to_ms: u64) -> Draft {
    draft(
        &ClockCorrected { from_ms, to_ms },
        vec![StreamName::admin()],
    )
}

async fn recorded_ms(store: &dyn Store, number: u64, name: &str) -> u64 {
    let appended = append(store, vec![attestation(number, &[stream(name)])]).await;
    appended[0].stored.entry.header().recorded_ms
}

async fn drifted(store: &dyn Store, number: u64) -> u64 {
    let draft = attestation(number, &[stream("a")]);
    let size = store.status().await.unwrap().size;
    let error = store.append(vec![draft]).await.unwrap_err();
    assert_eq!(error.class(), Class::Unavailable);
    assert_eq!(store.status().await.unwrap().size, size);
    match error {
        AppendError::ClockDrift { drift_ms } => drift_ms,
        other => panic!("it is not the clock, but: {other}"),
    }
}

/// A clock that is set back a little stands still in streams.
pub async fn time_never_goes_back_in_a_stream(home: &dyn Home) {
    let store = created(home).await;
    let clock = home.clock();
    let start = clock.wall_ms();
    clock.pass(1_000);
    assert_eq!(recorded_ms(&*store, 1, "a").await, start + 1_000);
    clock.set(start + 500);
    assert_eq!(recorded_ms(&*store, 2, "a").await, start + 1_000);
    assert_eq!(recorded_ms(&*store, 3, "b").await, start + 500);
    clock.pass(2_000);
    assert_eq!(recorded_ms(&*store, 4, "a").await, start + 2_500);
    Witness::of(&*store).check(&*store).await;
}

/// And writes on when it is put right.
pub async fn a_clock_that_jumps_forward_stops_writing(home: &dyn Home) {
    let store = created(home).await;
    let clock = home.clock();
    let start = clock.wall_ms();
    clock.set(start + CLOCK_DRIFT_MS_MAX);
    recorded_ms(&*store, 1, "a").await;
    clock.set(start + 3_600_000);
    assert_eq!(drifted(&*store, 2).await, 3_600_000);
    clock.set(start);
    recorded_ms(&*store, 2, "a").await;
}

/// As well.
pub async fn a_clock_that_jumps_back_stops_writing(home: &dyn Home) {
    let store = created(home).await;
    let clock = home.clock();
    clock.pass(60_000);
    recorded_ms(&*store, 1, "a").await;
    let now = clock.wall_ms();
    clock.set(now - CLOCK_DRIFT_MS_MAX - 1);
    assert_eq!(drifted(&*store, 2).await, CLOCK_DRIFT_MS_MAX + 1);
    // What was recorded is still answered.
    let again = append(&*store, vec![attestation(1, &[stream("a")])]).await;
    assert!(again[0].replayed);
    clock.set(now);
    recorded_ms(&*store, 2, "a").await;
}

/// A restart forgets how much time went by, but not what was recorded.
pub async fn a_clock_behind_a_head_stops_writing_to_its_stream_only(home: &dyn Home) {
    let store = created(home).await;
    let clock = home.clock();
    clock.pass(60_000);
    recorded_ms(&*store, 1, "a").await;
    drop(store);
    clock.set(clock.wall_ms() - 20_000);
    let store = home.open(None).await.unwrap();
    let drafts = vec![
        attestation(2, &[stream("b")]),
        attestation(3, &[stream("b"), stream("a")]),
    ];
    let error = store.append(drafts).await.unwrap_err();
    assert!(
        matches!(error, AppendError::HeadAhead { place: 1, ahead_ms: 20_000, ref stream }
            if *stream == super::stream("a")),
        "{error}"
    );
    assert_eq!(error.class(), Class::Unavailable);
    recorded_ms(&*store, 4, "b").await;
}

/// Also across a restart, and `as_of` follows.
pub async fn only_a_clock_corrected_entry_lets_time_go_back(home: &dyn Home) {
    let store = created(home).await;
    let clock = home.clock();
    let a = stream("a");
    clock.pass(100_000);
    let before = recorded_ms(&*store, 1, "a").await;
    clock.pass(1_000);
    recorded_ms(&*store, 2, "a").await;
    recorded_ms(&*store, 3, "other").await;
    let (wrong, right) = (clock.wall_ms(), clock.wall_ms() - 50_000);
    clock.set(right);
    drifted(&*store, 4).await;
    let appended = append(&*store, vec![corrected(wrong, right)]).await;
    assert_eq!(appended[0].stored.entry.header().recorded_ms, right);
    let after = recorded_ms(&*store, 4, "a").await;
    assert_eq!(after, right);
    drop(store);

    let store = home.open(None).await.unwrap();
    assert_eq!(recorded_ms(&*store, 5, "other").await, right);
    clock.pass(10);
    recorded_ms(&*store, 6, "a").await;
    for (at, seq) in [
        (right - 1, None),
        (right, Some(2)),
        (right + 10, Some(3)),
        (before, Some(3)),
        (u64::MAX, Some(3)),
    ] {
        assert_eq!(store.as_of(&a, at).await.unwrap(), seq, "at {at}");
    }
    Witness::of(&*store).check(&*store).await;
}
