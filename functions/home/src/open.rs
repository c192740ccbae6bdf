//! The journal and all that recording takes, made ready before the first event.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use journal::key::{PermitKey, Seed};
use policy::stock;
use recorder::{
    AliasKey, Compiling, Entropy as _, Parts, Policies, Recorder, Sharing, SystemEntropy,
};
use store::aws::keys::{KeyError, Keys, ReceiptKeys};
use store::aws::{self, Clients, Dynamo, Promiser};

use crate::compiling::code_bytes_max;
use crate::images::Bucket;
use crate::settings::{Key, Settings};

/// A recorder, and what signs its promises.
pub struct Opened {
    /// The recorder.
    pub recorder: Arc<Recorder>,
    promising: Option<Promising>,
}

/// What signs promises, and where the next key for it will be.
struct Promising {
    promiser: Arc<Promiser>,
    keys: ReceiptKeys,
}

impl Settings {
    /// Says which journal is opened, and how; a store without a promiser can only read.
    #[must_use]
    pub fn store(&self, clients: &Clients, promiser: Option<Arc<Promiser>>) -> aws::Settings {
        aws::Settings {
            promiser,
            pin: self.log_vkey.clone(),
            ..aws::Settings::new(self.address.clone(), clients.clone(), self.journal.clone())
        }
    }

    /// Says what could not be opened.
    #[must_use]
    pub fn described(&self) -> String {
        let (journal, table) = (&self.journal, &self.address.table);
        format!("could not open journal `{journal}` in table `{table}`")
    }

    /// Returns within which time an entry is promised to be sealed, in milliseconds.
    #[must_use]
    pub fn promise_ms(&self) -> u64 {
        u64::try_from(self.promise.as_millis()).unwrap_or(u64::MAX)
    }
}

/// Opens the journal: connections are made, keys read, definitions folded, policies in force prepared.
///
/// # Errors
/// Says what is missing, not permitted, or another's.
pub async fn open(settings: &Settings, clients: &Clients) -> Result<Opened> {
    let keys = Keys::new(clients, &settings.endpoints);
    let (alias, cache, permit, promising) = tokio::try_join!(
        seed(&keys, settings, Key::Alias),
        seed(&keys, settings, Key::Cache),
        seed(&keys, settings, Key::Permit),
        promising(&keys, settings),
    )?;
    let promiser = promising
        .as_ref()
        .map(|promising| Arc::clone(&promising.promiser));
    let store = Dynamo::open(&settings.store(clients, promiser)).await;
    let store = store.with_context(|| settings.described())?;
    let decides = permit.is_some();
    let recorder = Recorder::start(Parts {
        store: Arc::new(store),
        clock: Arc::new(clients.clock()),
        entropy: Arc::new(SystemEntropy),
        alias_key: AliasKey(or_chance(alias)?),
        permit_key: PermitKey::new(&or_chance(permit)?),
        policies: policies(settings, clients, cache, decides)?,
        policy_keys: settings.policy_keys.clone(),
        sharing: Sharing::Shared,
    });
    let recorder = recorder.await.context("could not read what is in force")?;
    if decides {
        let policies = recorder
            .warm()
            .await
            .context("could not prepare the policies in force")?;
        tracing::info!(policies, "prepared");
    }
    Ok(Opened {
        recorder: Arc::new(recorder),
        promising,
    })
}

impl Opened {
    /// Goes on with the next receipt key in time. Until the present one ends, nothing fails.
    pub async fn refresh(&self) {
        let Some(Promising { promiser, keys }) = &self.promising else {
            return;
        };
        if let Err(error) = keys.refresh(promiser, self.recorder.now_ms()).await {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(error, "could not read the next receipt key");
        }
    }
}

/// Reads a key, if the function uses it.
async fn seed(keys: &Keys, settings: &Settings, key: Key) -> Result<Option<Seed>> {
    let Some(source) = settings.key(key) else {
        return Ok(None);
    };
    let seed = keys.seed(source).await;
    Ok(Some(seed.with_context(|| {
        format!("could not read the {key} key")
    })?))
}

async fn promising(keys: &Keys, settings: &Settings) -> Result<Option<Promising>> {
    let Some(source) = settings.key(Key::Receipt) else {
        return Ok(None);
    };
    let keys = ReceiptKeys::new(keys.clone(), source.clone());
    let promiser = keys
        .load(settings.promise_ms())
        .await
        .map_err(|error| match &error {
            KeyError::Empty(_) => anyhow::Error::new(error)
                .context("there is no receipt key yet: `seal` makes it as it first seals"),
            _ => anyhow::Error::new(error).context("could not read the receipt key"),
        })?;
    Ok(Some(Promising {
        promiser: Arc::new(promiser),
        keys,
    }))
}

/// A function without a key has no route that uses it; what such a key made would be nobody's.
fn or_chance(seed: Option<Seed>) -> Result<Seed> {
    if let Some(seed) = seed {
        return Ok(seed);
    }
    let mut chance = [0; 32];
    SystemEntropy.fill(&mut chance)?;
    Ok(chance)
}

/// Policies are compiled as they are published, and never where they decide.
fn policies(
    settings: &Settings,
    clients: &Clients,
    cache: Option<Seed>,
    decides: bool,
) -> Result<Policies> {
    let engine: Arc<[u8]> = stock::engine().into();
    let policies = match cache {
        None => return Ok(Policies::when_needed(engine)),
        Some(key) => {
            let compiling = if decides {
                Compiling::Never
            } else {
                Compiling::Allowed
            };
            let images = Arc::new(Bucket::new(settings, clients));
            Policies::with_images(engine, images, key, compiling)
                .map(|policies| policies.compiling_at_most(code_bytes_max()))
        }
    };
    policies.context("could not make the policy sandbox ready")
}
