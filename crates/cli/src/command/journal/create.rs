use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::Args;
use journal::key::{PermitKey, Seed};
use policy::stock;
use recorder::{AliasKey, Charter, NewKey, Parts, Policies, Recorder, Sharing, SystemEntropy};
use serde_json::json;
use store::OpenError;
use store::aws::keys::{KeyError, KeySource, Keys, LogSigner, ReceiptKeys};
use store::aws::{Clients, Dynamo, PROMISE_WINDOW_MS, Settings};

use super::home::{OnAws, aws_failure};
use super::seal::seal_all;
use crate::argument::now_ms;
use crate::command::Global;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::secret;

/// Creates a journal in a table and a bucket: every key that is not there yet, the first entry, the first seal.
///
/// Prints the first admin key once. What died on the way is completed by typing it again.
#[derive(Debug, Args)]
pub(crate) struct Create {
    #[command(flatten)]
    on: OnAws,
    /// What the organisation is called [default: what the journal's id ends with].
    #[arg(long, value_name = "ORG")]
    name: Option<String>,
    /// One person may bind policies alone, which every decision then shows.
    #[arg(long)]
    solo: bool,
    /// A key may speak for a person, and approve.
    #[arg(long)]
    people_by_key: bool,
    /// The key that signs checkpoints: `secret:ARN`, `kms:ARN` or `file:PATH`.
    #[arg(long, value_name = "KEY")]
    log_key: KeySource,
    /// The key that signs promised receipts: `secret:ARN` or `file:PATH`, as the others.
    #[arg(long, value_name = "KEY")]
    receipt_key: KeySource,
    /// The key that signs permits.
    #[arg(long, value_name = "KEY")]
    permit_key: KeySource,
    /// Hides people's aliases.
    #[arg(long, value_name = "KEY")]
    alias_key: KeySource,
    /// Authenticates compiled policies.
    #[arg(long, value_name = "KEY")]
    cache_key: KeySource,
}

/// What was made, or found made already.
struct Made {
    signer: Arc<dyn LogSigner>,
    permit: Seed,
    alias: Seed,
    settings: Settings,
}

impl Create {
    pub(super) async fn run(self, global: &Global) -> Result<Exit> {
        let clients = self.on.cloud.clients().await;
        let keys = Keys::new(&clients, &self.on.cloud.endpoints());
        let settings = self.on.settings(&clients)?;
        let begun = self.begun(&settings).await?;
        let made = self.make_keys(&keys, settings).await?;
        let store = match begun {
            Some(store) => store,
            None => self.create(&made).await?,
        };
        let first_key = self.add_first_key(&clients, &made, store).await?;
        self.greet(global, &made, &first_key)?;
        Ok(Exit::Done)
    }

    /// Looks whether the journal is there already.
    async fn begun(&self, settings: &Settings) -> Result<Option<Dynamo>> {
        match Dynamo::open(settings).await {
            Ok(store) => Ok(Some(store)),
            Err(OpenError::NotFound) => Ok(None),
            Err(error) => Err(aws_failure(&self.on.home, &self.on.journal, error).into()),
        }
    }

    /// Makes the keys that are not there yet: they are in their places before the journal that they sign.
    async fn make_keys(&self, keys: &Keys, settings: Settings) -> Result<Made> {
        if !matches!(self.log_key, KeySource::Kms(_)) {
            seed(keys, &self.log_key).await?;
        }
        let signer = keys.log_signer(&self.on.journal, &self.log_key).await;
        let signer = signer.context("could not take up the log's key")?;
        let permit = seed(keys, &self.permit_key).await?;
        let alias = seed(keys, &self.alias_key).await?;
        seed(keys, &self.cache_key).await?;
        let receipts = ReceiptKeys::new(keys.clone(), self.receipt_key.clone());
        let ready = async {
            receipts.renew(&*signer, now_ms()).await?;
            receipts.load(PROMISE_WINDOW_MS).await
        };
        let promiser = ready.await.context("could not make the receipt key")?;
        Ok(Made {
            signer,
            permit,
            alias,
            settings: Settings {
                promiser: Some(Arc::new(promiser)),
                ..settings
            },
        })
    }

    async fn create(&self, made: &Made) -> Result<Dynamo> {
        let id = self.on.journal.as_str();
        let name = id.rsplit('/').next().unwrap_or(id);
        let charter = Charter {
            name: self.name.clone().unwrap_or_else(|| name.to_owned()),
            people_by_key: self.people_by_key,
            solo: self.solo,
        };
        let genesis = charter.genesis(made.signer.vkey(), &PermitKey::new(&made.permit))?;
        let created = Dynamo::create(&made.settings, genesis).await;
        let failed = |error| aws_failure(&self.on.home, &self.on.journal, error);
        Ok(created.map_err(failed)?.0)
    }

    /// Seals genesis, adds the first admin key, and seals that, so that it is proved from the beginning.
    async fn add_first_key(&self, clients: &Clients, made: &Made, store: Dynamo) -> Result<NewKey> {
        drop(store);
        seal_all(clients, &self.on, &made.signer).await?;
        let store = Dynamo::open(&made.settings).await;
        let failed = |error| aws_failure(&self.on.home, &self.on.journal, error);
        let recorder = Recorder::start(Parts {
            store: Arc::new(store.map_err(failed)?),
            clock: Arc::new(clients.clock()),
            entropy: Arc::new(SystemEntropy),
            alias_key: AliasKey(made.alias),
            permit_key: PermitKey::new(&made.permit),
            policies: Policies::new(stock::engine().into(), None)?,
            policy_keys: Vec::new(),
            sharing: Sharing::Shared,
        });
        let recorder = recorder.await?;
        let first = recorder
            .add_first_key()
            .await
            .context("could not add the first admin key")?;
        let first = first.ok_or_else(|| failed(OpenError::Exists))?;
        seal_all(clients, &self.on, &made.signer).await?;
        Ok(first)
    }

    fn greet(&self, global: &Global, made: &Made, first: &NewKey) -> Result<()> {
        let journal = &self.on.journal;
        let log_key = made.signer.vkey().to_string();
        let permit_key = PermitKey::new(&made.permit).public().to_string();
        let about = json!({ "journal": journal, "log_key": log_key, "permit_key": permit_key });
        let output = global.output();
        output.answer(&about, |page| {
            page.fields([
                ("journal", format!("{journal} created in {}", self.on.home)),
                ("log key", log_key.clone()),
                ("permit key", permit_key.clone()),
            ]);
        })?;
        output.must_be_read(&json!({ "first_admin_key": first }), |page| {
            page.line(format!("first admin key: {}", first.token));
            page.line("It is shown this once: keep it where secrets are kept.");
        })
    }
}

/// Reads a seed, or makes one where there is none yet.
async fn seed(keys: &Keys, source: &KeySource) -> Result<Seed> {
    let failed = || {
        Failure::new(
            Exit::Failed,
            format!("could not read or make the key in `{source}`"),
        )
    };
    match keys.seed(source).await {
        Ok(seed) => Ok(seed),
        Err(KeyError::Empty(_)) => {
            let seed: Seed = secret::random()?;
            let written = keys.write(source, hex::encode(seed)).await;
            written.map_err(|error| failed().because(error))?;
            Ok(seed)
        }
        Err(error) => Err(failed().because(error).into()),
    }
}
