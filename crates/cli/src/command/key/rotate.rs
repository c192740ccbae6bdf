use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use journal::key::PermitKey;
use journal::kind::Purpose;
use serde_json::json;
use store::{AppendError, Appended, Sqlite, Store as _};

use crate::command::Global;
use crate::command::serve::journal::open_alone;
use crate::command::serve::keys::Keys;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::folder;

/// Makes a new key with which the recorder signs, and records that it takes the old one's place.
///
/// The recorder must be stopped: nobody else may hold the journal, and secrets stay in the data folder. The old key
/// vouches for the new one in the journal, and its secret is then removed. What it signed holds as before.
#[derive(Debug, Args)]
pub(crate) struct Rotate {
    /// Which key.
    #[arg(value_enum)]
    key: Signing,
    /// The data folder [default: `trailmark` in `$XDG_DATA_HOME` or `~/.local/share`].
    #[arg(long, env = "TRAILMARK_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where the newest checkpoint is kept, as for `serve`.
    #[arg(long, env = "TRAILMARK_CHECKPOINT_FILE", value_name = "FILE")]
    checkpoint_file: Option<PathBuf>,
}

/// A key with which the recorder signs.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Signing {
    /// That of checkpoints.
    Log,
    /// That of permits.
    Permit,
}

impl Rotate {
    pub(crate) fn run(self, global: &Global) -> Result<Exit> {
        let runtime = tokio::runtime::Runtime::new().context("could not open the journal")?;
        runtime.block_on(self.rotate(global)).map(|()| Exit::Done)
    }

    async fn rotate(self, global: &Global) -> Result<()> {
        let data = match self.data {
            Some(data) => data,
            None => folder::data()?,
        };
        let (mut keys, store) = open_alone(&data, self.checkpoint_file).await?;
        let purpose = match self.key {
            Signing::Log => Purpose::Log,
            Signing::Permit => Purpose::Permit,
        };
        let old = public(&keys, purpose);
        let appended = replace(&mut keys, &store, (purpose, &data)).await?;
        keys.settle(&data, &store::key_chain(&store).await?)?;
        let (entry, new) = (appended.stored.entry.hash(), public(&keys, purpose));
        let answer = json!({
            "entry": entry, "key": purpose, "new": new, "old": old, "receipt": appended.receipt,
        });
        global.output().answer(&answer, |page| {
            page.fields([
                ("old key", old.clone()),
                ("new key", new.clone()),
                ("entry", entry.to_string()),
            ]);
            page.line(match purpose {
                Purpose::Log => "Receipts and checkpoints from now on hold by the new key; bundles hold by either.",
                Purpose::Permit => "Give deploy steps the new key; permits by the old one hold until they end.",
            });
        })
    }
}

/// Makes the new key, and then records it: dying after that, the next start finds it.
async fn replace(
    keys: &mut Keys,
    store: &Sqlite,
    (purpose, data): (Purpose, &std::path::Path),
) -> Result<Appended> {
    let seed = keys.begin(data, purpose)?;
    let appended = match purpose {
        Purpose::Log => store.rotate_log_key(&seed).await,
        Purpose::Permit => {
            let new = PermitKey::new(&seed).public();
            let rotated = keys.permit_key().vouch(store.journal(), new);
            let appended = store.append(vec![rotated.draft()?]).await;
            appended.and_then(|appended| appended.into_iter().next().ok_or(AppendError::Unanswered))
        }
    };
    appended.map_err(|error| {
        let hint = match error {
            AppendError::ReadOnly(_) => "start the recorder, and see `trailmark recover --help`",
            _ => "try again: the new key is kept, and taken up",
        };
        Failure::new(Exit::Failed, "could not record the new key")
            .because(error)
            .with_hint(hint)
            .into()
    })
}

fn public(keys: &Keys, purpose: Purpose) -> String {
    match purpose {
        Purpose::Log => keys.log_key().vkey().to_string(),
        Purpose::Permit => keys.permit_key().public().to_string(),
    }
}
