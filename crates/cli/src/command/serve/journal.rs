//! The journal that a server runs on: opened, or created at the first start.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use model::{JournalId, Name};
use policy::{Cache, stock};
use recorder::{AliasKey, Charter, Parts, Policies, Sharing, SystemEntropy};
use serde::Serialize;
use store::{OpenError, Options, Sqlite};

use super::keys::Keys;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::folder;

/// What a recorder needs, and what its operator is told.
pub(super) struct Opened {
    pub(super) parts: Parts,
    pub(super) about: About,
}

/// A journal as its operator knows it.
#[derive(Debug, Serialize)]
pub(super) struct About {
    pub(super) journal: JournalId,
    pub(super) data: PathBuf,
    pub(super) created: bool,
    pub(super) log_key: String,
    pub(super) permit_key: String,
}

/// Opens the journal of a data folder, or creates it there.
pub(super) async fn open(
    data: &Path,
    checkpoint_file: Option<PathBuf>,
    name: &Name,
    charter: &Charter,
) -> Result<Opened> {
    let failed = |error| failure(data, error);
    let (mut keys, made) = match Keys::load(data)? {
        Some(keys) => (keys, false),
        None => (Keys::make(name)?, true),
    };
    let options = options(data, checkpoint_file, &keys.journal)?;
    let clock = options.clock.clone();
    let (store, created) = match open_store(&options, &keys) {
        Ok(store) => (store, false),
        Err(OpenError::NotFound) => {
            // The keys are there before the journal that they sign: without them it would be lost.
            if made {
                keys.save(data)?;
            }
            let genesis = recorder::genesis(charter, &keys.log_key(), &keys.permit_key())?;
            let created = Sqlite::create(options, &keys.journal, &keys.log, genesis).await;
            (created.map_err(failed)?.0, true)
        }
        Err(OpenError::OtherJournal { .. } | OpenError::OtherKey(_)) if made => {
            return Err(keys_missing(data).into());
        }
        Err(error) => return Err(failed(error).into()),
    };
    keys.settle(data, &store::key_chain(&store).await?)?;
    let cache = Cache::in_folder(data.join("cache"), keys.cache);
    let policies = Policies::new(stock::engine().into(), Some(cache))
        .context("could not make the policy sandbox ready")?;
    Ok(Opened {
        about: About {
            journal: keys.journal.clone(),
            data: data.to_owned(),
            created,
            log_key: keys.log_key().vkey().to_string(),
            permit_key: keys.permit_key().public().to_string(),
        },
        parts: Parts {
            store: Arc::new(store),
            clock,
            entropy: Arc::new(SystemEntropy),
            alias_key: AliasKey(keys.alias),
            permit_key: keys.permit_key(),
            policies,
            policy_keys: Vec::new(),
            sharing: Sharing::Alone,
        },
    })
}

/// Opens the journal of a data folder that has one, alone, with the newest of its keys.
pub(in crate::command) async fn open_alone(
    data: &Path,
    checkpoint_file: Option<PathBuf>,
) -> Result<(Keys, Sqlite)> {
    let failed = |error| failure(data, error);
    let mut keys = Keys::load(data)?.ok_or_else(|| failed(OpenError::NotFound))?;
    let options = options(data, checkpoint_file, &keys.journal)?;
    let store = open_store(&options, &keys).map_err(failed)?;
    keys.settle(data, &store::key_chain(&store).await?)?;
    Ok((keys, store))
}

fn options(data: &Path, checkpoint_file: Option<PathBuf>, journal: &JournalId) -> Result<Options> {
    let mut options = Options::new(data);
    options.outside = Some(self::checkpoint_file(checkpoint_file, journal)?);
    Ok(options)
}

/// Returns where a journal's newest checkpoint is kept, outside the data folder.
pub(in crate::command) fn checkpoint_file(
    named: Option<PathBuf>,
    journal: &JournalId,
) -> Result<PathBuf> {
    match named {
        Some(file) => Ok(file),
        None => Ok(folder::state()?.join(checkpoint_name(journal))),
    }
}

/// Opens with the log key that is there, or with the one that was made to take its place.
fn open_store(options: &Options, keys: &Keys) -> Result<Sqlite, OpenError> {
    let open = |seed| Sqlite::open(options.clone(), Some(&keys.journal), seed);
    match (open(&keys.log), keys.next_log()) {
        (Err(OpenError::OtherKey(_)), Some(next)) => open(next),
        (opened, _) => opened,
    }
}

/// The file outside the data folder that keeps a journal's newest checkpoint.
fn checkpoint_name(journal: &JournalId) -> String {
    format!("{}.checkpoint", journal.as_str().replace('/', "-"))
}

fn keys_missing(data: &Path) -> Failure {
    let keys = data.join("keys");
    Failure::new(
        Exit::Failed,
        format!(
            "the keys of the journal in `{}` are missing",
            data.display()
        ),
    )
    .with_hint(format!("put them back into `{}`", keys.display()))
}

pub(in crate::command) fn failure(data: &Path, error: OpenError) -> Failure {
    let hint = match &error {
        OpenError::Held => {
            Some("another recorder runs on it: stop that one, or name another folder: `--data`")
        }
        OpenError::NewerFormat { .. } => {
            Some("use the version of trailmark that wrote it, or a later one")
        }
        OpenError::Foreign => Some("name another folder: `--data`"),
        OpenError::Folder { .. } => Some("check who owns it and may write there"),
        OpenError::OtherKey(_) => Some("put back the keys that belong to it"),
        OpenError::ReadOnly(_) => Some("start it where it is, and `trailmark recover`"),
        OpenError::OutsideExists => Some(
            "a journal of this id existed before: put it back, or name another `--checkpoint-file`",
        ),
        _ => None,
    };
    let what = format!("could not open the journal in `{}`", data.display());
    let failure = Failure::new(Exit::Failed, what).because(error);
    match hint {
        Some(hint) => failure.with_hint(hint),
        None => failure,
    }
}
