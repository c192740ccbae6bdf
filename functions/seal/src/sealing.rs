//! Sealing, until nothing is left or time runs short; and what is due after it.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, anyhow};
use home::{Key, Opened, Settings};
use store::aws::keys::{Keys, LogSigner, ReceiptKeys};
use store::aws::{Clients, Dynamo, Sealer};
use store::{Clock, Store};
use tokio::sync::OnceCell;

use crate::metrics::Metrics;

/// A step takes some seconds; none begins with less time than this.
const STEP: Duration = Duration::from_secs(20);

/// What seals one journal.
pub(crate) struct Sealing {
    settings: Settings,
    clients: Clients,
    clock: Arc<dyn Clock>,
    store: Dynamo,
    sealer: Sealer,
    signer: Arc<dyn LogSigner>,
    receipts: ReceiptKeys,
    /// Writes `heads` entries, which takes a receipt key, which takes a seal.
    recording: OnceCell<Opened>,
}

impl Sealing {
    pub(crate) async fn open(settings: Settings) -> Result<Self> {
        let clients = Clients::load(&settings.endpoints).await;
        let keys = Keys::new(&clients, &settings.endpoints);
        let source = |key| {
            settings
                .key(key)
                .cloned()
                .ok_or_else(|| anyhow!("no {key} key is named"))
        };
        let (log, receipt) = (source(Key::Log)?, source(Key::Receipt)?);
        let opened = settings.store(&clients, None);
        let (signer, store) = tokio::join!(
            keys.log_signer(&settings.journal, &log),
            Dynamo::open(&opened),
        );
        let store = store.with_context(|| settings.described())?;
        let signer = signer.context("could not take up the log key")?;
        let clock: Arc<dyn Clock> = Arc::new(clients.clock());
        let (address, journal) = (&settings.address, &settings.journal);
        let sealer = Sealer::new(&clients, address, journal, signer.clone(), clock.clone());
        Ok(Self {
            clock,
            store,
            sealer,
            signer,
            receipts: ReceiptKeys::new(keys, receipt),
            recording: OnceCell::new(),
            clients,
            settings,
        })
    }

    pub(crate) const fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) const fn store(&self) -> &dyn Store {
        &self.store
    }

    /// Seals until nothing is left or `deadline` comes near, and does then what is due.
    pub(crate) async fn run(&self, deadline: SystemTime) -> Result<()> {
        let mut metrics = Metrics::default();
        let sealed = self.seal(deadline, &mut metrics).await;
        let kept = match &sealed {
            Ok(Some(remaining)) => self.keep(*remaining, deadline, &mut metrics).await,
            _ => Ok(()),
        };
        metrics.write(&self.settings.journal, self.clock.wall_ms());
        sealed.and(kept)
    }

    /// Says how many entries the last step left, and nothing where none was done: a step shows that the log's key is the
    /// right one.
    async fn seal(&self, deadline: SystemTime, metrics: &mut Metrics) -> Result<Option<u64>> {
        let mut remaining = None;
        while left(deadline) >= STEP {
            let step = self.sealer.run().await.context("could not seal")?;
            metrics.add(&step);
            remaining = Some(step.remaining);
            // Another sealer goes on; or what remains waits for something that sealing does not bring.
            if step.overtaken || step.remaining == 0 || step.sealed == 0 {
                break;
            }
        }
        Ok(remaining)
    }

    /// Renews the receipt key, and writes a `heads` entry, each when it is due.
    async fn keep(
        &self,
        remaining: u64,
        deadline: SystemTime,
        metrics: &mut Metrics,
    ) -> Result<()> {
        let renewed = self
            .receipts
            .renew(self.signer.as_ref(), self.clock.wall_ms())
            .await;
        if renewed.context("could not renew the receipt key")? {
            tracing::info!("the receipt key is a new one");
        }
        // What it says must not be old when it is sealed: verifiers refuse one that comes too long after.
        if remaining > 0 {
            return Ok(());
        }
        let opened = self
            .recording
            .get_or_try_init(|| home::open(&self.settings, &self.clients));
        let opened = opened.await?;
        opened.refresh().await;
        let written = opened.recorder.write_heads_if_due().await;
        if written
            .context("could not write a `heads` entry")?
            .is_some()
        {
            self.seal(deadline, metrics).await?;
        }
        Ok(())
    }
}

fn left(deadline: SystemTime) -> Duration {
    deadline
        .duration_since(SystemTime::now())
        .unwrap_or_default()
}
