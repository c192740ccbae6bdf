use std::any::Any;
use std::sync::Arc;

use async_trait::async_trait;
use journal::Draft;
use model::JournalId;

use super::{Disk, Fault, Memory, OutsideFile};
use crate::conformance::{
    Home, SEED, TestClock, Witness, attestation, genesis, journal_id, stream,
};
use crate::{AppendError, Appended, OpenError, Store};

#[derive(Clone, Default)]
struct MemoryHome {
    disk: Disk,
    outside: OutsideFile,
    clock: Arc<TestClock>,
}

#[async_trait]
impl Home for MemoryHome {
    async fn create(
        &self,
        journal: &JournalId,
        genesis: Draft,
    ) -> Result<(Arc<dyn Store>, Appended), OpenError> {
        let clock = Arc::clone(&self.clock) as Arc<dyn crate::Clock>;
        let outside = Some(&self.outside);
        let (store, first) =
            Memory::create(&self.disk, outside, clock, (journal, &SEED), genesis).await?;
        Ok((Arc::new(store), first))
    }

    async fn open(&self, expected: Option<&JournalId>) -> Result<Arc<dyn Store>, OpenError> {
        let clock = Arc::clone(&self.clock) as Arc<dyn crate::Clock>;
        let store = Memory::open(&self.disk, Some(&self.outside), clock, (expected, &SEED))?;
        Ok(Arc::new(store))
    }

    async fn copy(&self) -> Box<dyn Home> {
        Box::new(Self {
            disk: self.disk.copy(),
            ..self.clone()
        })
    }

    async fn put_back(&self, copy: &dyn Home) {
        let copy: &Self = copy.as_any().downcast_ref().unwrap();
        self.disk.put_back(&copy.disk);
    }

    async fn raise_format(&self) {
        self.disk.raise_version();
    }

    async fn content(&self) -> String {
        self.disk.describe()
    }

    fn outside(&self) -> String {
        self.outside.read()
    }

    fn set_outside(&self, note: &str) {
        self.outside.write(note);
    }

    fn clock(&self) -> Arc<TestClock> {
        Arc::clone(&self.clock)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

conformance_tests!(MemoryHome::default);
conformance_alone_tests!(MemoryHome::default);

#[tokio::test]
async fn a_write_that_is_lost_or_hidden_is_repeated_without_harm() {
    let journal = journal_id();
    let (store, _) = Memory::create(
        &Disk::default(),
        None,
        Arc::new(TestClock::default()),
        (&journal, &SEED),
        genesis(&journal),
    )
    .await
    .unwrap();
    let faults = store.faults();
    let mut witness = Witness::of(&store);
    for number in 0..20 {
        let fault = if number % 2 == 0 {
            Fault::Lost
        } else {
            Fault::Hidden
        };
        let batch = vec![
            attestation(2 * number, &[stream("a")]),
            attestation(2 * number + 1, &[stream("a"), stream("b")]),
        ];
        faults.arm(fault);
        let error = store.append(batch.clone()).await.unwrap_err();
        assert_eq!(
            matches!(error, AppendError::Unanswered),
            fault == Fault::Hidden
        );
        let appended = store.append(batch).await.unwrap();
        assert_eq!(appended[0].replayed, fault == Fault::Hidden);
        assert_eq!(appended[1].stored.index, Some(2 * number + 2));
        witness.keep(&appended);
    }
    witness.check(&store).await;
}
