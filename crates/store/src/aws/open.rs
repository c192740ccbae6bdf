//! Creating and opening a journal, with clear refusals.

use std::sync::{Arc, Mutex, PoisonError};

use journal::note::Vkey;
use journal::{Draft, kind};
use model::{JournalId, StreamName};

use super::bucket::Bucket;
use super::client::{Address, Clients};
use super::error::{CallError, Reason};
use super::layout::{self, LAYOUT, Layout};
use super::log::Log;
use super::look::Look;
use super::payload::Payloads;
use super::promises::Promiser;
use super::records::Records;
use super::table::Table;
use super::unsealed::Unsealed;
use crate::clock::{Moment, Watch};
use crate::{AppendError, Appended, Clock, OpenError, ReadError, key_chain};

/// How often one who appends compares the table with the checkpoint outside, where nothing else is asked for.
pub const LOOK_EVERY_MS: u64 = 10_000;

/// Which journal, where, and how it is used.
#[derive(Clone)]
pub struct Settings {
    /// Where it is.
    pub address: Address,
    /// What it is reached with.
    pub clients: Clients,
    /// Its id.
    pub journal: JournalId,
    /// What signs promises; a store without can only read.
    pub promiser: Option<Arc<Promiser>>,
    /// The time; the machine's clock beside the services' where none is given.
    pub clock: Option<Arc<dyn Clock>>,
    /// How often one who appends compares the table with the checkpoint outside.
    pub look_every_ms: u64,
    /// A key that must be or have been the log's.
    pub pin: Option<Vkey>,
}

impl Settings {
    /// Opens a journal for reading; the rest can be set.
    #[must_use]
    pub const fn new(address: Address, clients: Clients, journal: JournalId) -> Self {
        Self {
            address,
            clients,
            journal,
            promiser: None,
            clock: None,
            look_every_ms: LOOK_EVERY_MS,
            pin: None,
        }
    }
}

/// A journal on DynamoDB and S3. Many may write one.
pub struct Dynamo {
    pub(super) layout: Layout,
    pub(super) table: Table,
    pub(super) records: Records,
    pub(super) payloads: Payloads,
    pub(super) unsealed: Unsealed,
    pub(super) log: Log,
    pub(super) look: Look,
    pub(super) promiser: Option<Arc<Promiser>>,
    watch: Mutex<Watch>,
}

impl Dynamo {
    /// Creates a journal: its first entry, and that it is there. It has a checkpoint once it is sealed.
    ///
    /// # Errors
    /// When there is one of this id in the table, or was one according to the checkpoint outside. A lost answer means
    /// that it may be there now.
    pub async fn create(
        settings: &Settings,
        genesis: Draft,
    ) -> Result<(Self, Appended), OpenError> {
        let store = Self::start(settings);
        let (item, outside) = tokio::try_join!(store.records.layout_version(), store.log.outside())
            .map_err(unopened)?;
        if item.is_some() {
            return Err(OpenError::Exists);
        }
        if outside.is_some_and(|outside| !outside.bytes.is_empty()) {
            return Err(OpenError::OutsideExists);
        }
        let own = [layout::journal_item(&store.layout)];
        let appended = match store.append_anyway(vec![genesis], &own).await {
            Ok(appended) => appended,
            // Another created it at the same time.
            Err(AppendError::Contended { .. }) => return Err(OpenError::Exists),
            Err(error) => return Err(OpenError::Genesis(error)),
        };
        let first = appended.into_iter().next();
        let first = first.ok_or(OpenError::Genesis(AppendError::Unanswered))?;
        Ok((store, first))
    }

    /// Opens a journal.
    ///
    /// # Errors
    /// When there is none of this id, or this program cannot use it.
    pub async fn open(settings: &Settings) -> Result<Self, OpenError> {
        let store = Self::start(settings);
        let (version, _) =
            tokio::try_join!(store.records.layout_version(), store.look()).map_err(unopened)?;
        match version {
            None => return Err(OpenError::NotFound),
            Some(found) if found > LAYOUT => {
                return Err(OpenError::NewerFormat {
                    found,
                    known: LAYOUT,
                });
            }
            Some(_) => {}
        }
        if let Some(pin) = &settings.pin {
            store.check_key(pin).await?;
        }
        Ok(store)
    }

    fn start(settings: &Settings) -> Self {
        let Settings {
            address,
            clients,
            journal,
            ..
        } = settings;
        let layout = Layout::new(journal.clone());
        let table = Table::new(clients, &address.table);
        let bucket = Bucket::new(clients.s3.clone(), &address.bucket, journal);
        let outside = Bucket::new(clients.s3.clone(), address.checkpoint_bucket(), journal);
        let records = Records::new(table.clone(), journal);
        Self {
            payloads: Payloads {
                table: table.clone(),
                layout: layout.clone(),
                bucket: bucket.clone(),
            },
            unsealed: Unsealed::new(records.clone()),
            log: Log::new(records.clone(), bucket, outside),
            look: Look::new(settings.look_every_ms),
            promiser: settings.promiser.clone(),
            watch: Mutex::new(match &settings.clock {
                Some(clock) => Watch::start(Arc::clone(clock)),
                None => Watch::since_1970(Arc::new(clients.clock())),
            }),
            layout,
            table,
            records,
        }
    }

    /// Checks that a key is or was the log's: mostly it is the first.
    async fn check_key(&self, pin: &Vkey) -> Result<(), OpenError> {
        let admin = StreamName::admin();
        let genesis = self.records.entries_at(&[(admin, 0)]).await?;
        let genesis = genesis
            .first()
            .map(|entry| kind::read::<kind::Genesis>(entry.header()));
        let first = genesis.and_then(Result::ok).flatten();
        if first.is_some_and(|first| first.log_key == *pin) {
            return Ok(());
        }
        if key_chain(self).await?.logs().any(|key| key == pin) {
            Ok(())
        } else {
            Err(OpenError::OtherKey(pin.to_string()))
        }
    }

    /// Returns the time, and how far the wall clock is from the other source.
    pub(super) fn now(&self) -> (Moment, u64) {
        let watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        let now = watch.read();
        (now, watch.drift_ms(now))
    }

    pub(super) fn elapsed_ms(&self) -> u64 {
        self.now().0.elapsed_ms
    }

    /// Takes the clock to have been right at a moment.
    pub(super) fn rebase(&self, right: Moment) {
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        watch.rebase(right);
    }
}

fn unopened(error: ReadError) -> OpenError {
    match error {
        ReadError::Unavailable(source) => match source.downcast_ref::<CallError>() {
            Some(error) if error.reason == Reason::OtherKeys => OpenError::Foreign,
            _ => OpenError::Unavailable(source),
        },
        ReadError::Corrupt(what) => OpenError::Corrupt(what),
    }
}
