//! What a recorder of these tests is made of.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Once};

use journal::Draft;
use journal::key::{LogKey, PermitKey};
use recorder::{
    AliasKey, Charter, Entropy, Parts, Policies, Recorder, RecorderError, Sharing, genesis,
};
use store::{Clock, Store};

/// 2026-11-19T02:30:00Z.
pub const START_MS: u64 = 1_795_055_400_000;

pub(super) fn genesis_draft(solo: bool) -> Draft {
    let journal = "trailmark/test".parse().unwrap();
    let charter = Charter {
        name: "Test".to_owned(),
        people_by_key: true,
        solo,
    };
    let log_key = LogKey::new(&journal, &[1; 32]);
    genesis(&charter, &log_key, &PermitKey::new(&[2; 32])).unwrap()
}

pub(super) async fn recorder(store: Arc<dyn Store>, clock: &TestClock) -> Recorder {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("policy-cache");
    let cache = policy::Cache::in_folder(folder, [4; 32]);
    // Compiling the Rego engine takes long; whoever comes first does it for all.
    static COMPILED: Once = Once::new();
    COMPILED.call_once(|| {
        let config = policy::Config {
            cache: Some(cache.clone()),
            engine: Some(policy::stock::engine().into()),
            ..policy::Config::default()
        };
        let seed = policy::stock::seed("unit-tested", policy::PolicyForm::Rego)
            .unwrap()
            .source();
        policy::Sandbox::new(config)
            .unwrap()
            .prepare(&seed)
            .unwrap();
    });
    let parts = Parts {
        store,
        clock: Arc::new(clock.clone()),
        entropy: Arc::new(Counting(AtomicU64::new(1))),
        alias_key: AliasKey([3; 32]),
        permit_key: PermitKey::new(&[2; 32]),
        policies: Policies::new(policy::stock::engine().into(), Some(cache)).unwrap(),
        policy_keys: Vec::new(),
        sharing: Sharing::Alone,
    };
    Recorder::start(parts).await.unwrap()
}

/// Time stands still unless a test moves it.
#[derive(Clone)]
pub struct TestClock(Arc<AtomicU64>);

impl TestClock {
    pub(super) fn start() -> Self {
        Self(Arc::new(AtomicU64::new(START_MS)))
    }

    pub fn advance(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn wall_ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    fn elapsed_ms(&self) -> u64 {
        self.wall_ms() - START_MS
    }
}

/// Counts instead of guessing.
struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RecorderError> {
        let count = self.0.fetch_add(1, Ordering::SeqCst).to_be_bytes();
        for (byte, value) in buffer
            .iter_mut()
            .rev()
            .zip(count.iter().rev().chain(std::iter::repeat(&0)))
        {
            *byte = *value;
        }
        Ok(())
    }
}
