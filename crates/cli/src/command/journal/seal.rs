use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::json;
use store::aws::keys::{KeySource, Keys, LogSigner, ReceiptKeys};
use store::aws::{Clients, Sealer, Sealing};

use super::home::OnAws;
use crate::command::Global;
use crate::exit::Exit;

/// Seals what waits, as the function `seal` does each minute, and renews the receipt key: for small set-ups and drills.
///
/// It can run beside the function, which then finds nothing left to do.
#[derive(Debug, Args)]
pub(crate) struct Seal {
    #[command(flatten)]
    on: OnAws,
    /// The log's key: `secret:ARN`, `kms:ARN` or `file:PATH`.
    #[arg(long, value_name = "KEY")]
    log_key: KeySource,
    /// Where the receipt key is; it is renewed when it is due [default: it is left alone].
    #[arg(long, value_name = "KEY")]
    receipt_key: Option<KeySource>,
}

impl Seal {
    pub(super) async fn run(self, global: &Global) -> Result<Exit> {
        let clients = self.on.cloud.clients().await;
        let keys = Keys::new(&clients, &self.on.cloud.endpoints());
        let signer = keys.log_signer(&self.on.journal, &self.log_key).await;
        let signer = signer.context("could not take up the log's key")?;
        let sealed = seal_all(&clients, &self.on, &signer).await?;
        if let Some(receipt_key) = self.receipt_key {
            let now_ms = crate::argument::now_ms();
            let renewed = ReceiptKeys::new(keys, receipt_key)
                .renew(&*signer, now_ms)
                .await;
            renewed.context("could not renew the receipt key")?;
        }
        let answer = json!({
            "journal": self.on.journal, "size": sealed.size, "sealed": sealed.sealed, "missed": sealed.missed,
        });
        global.output().answer(&answer, |page| {
            page.line(format!(
                "{} entries sealed, of {}",
                sealed.sealed, sealed.size
            ));
        })?;
        Ok(Exit::Done)
    }
}

/// Seals until nothing waits.
pub(super) async fn seal_all(
    clients: &Clients,
    on: &OnAws,
    signer: &Arc<dyn LogSigner>,
) -> Result<Sealing> {
    let clock = Arc::new(clients.clock());
    let sealer = Sealer::new(
        clients,
        &on.address()?,
        &on.journal,
        Arc::clone(signer),
        clock,
    );
    let mut sealed = 0;
    let mut missed = 0;
    loop {
        let step = sealer.run().await.context("could not seal the journal")?;
        sealed += step.sealed;
        missed += step.missed;
        if step.remaining == 0 {
            return Ok(Sealing {
                sealed,
                missed,
                ..step
            });
        }
    }
}
