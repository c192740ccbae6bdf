use std::sync::{Arc, Mutex};

use evidence::Alias;
use hmac::{Hmac, KeyInit as _, Mac as _};
use journal::Draft;
use journal::key::PermitKey;
use model::kind::Fields;
use model::limits::TEXT_BYTES_MAX;
use model::{By, Name, Payload, PersonId, Role, Root, Salt, StreamName};
use sha2::Sha256;
use store::{Appended, Clock, Store};

use crate::error::RecorderError;
use crate::heads::Keeper;
use crate::known::{Known, Sharing};
use crate::sandboxes::Policies;
use crate::signature::PolicyKey;
use crate::streams::Kept;
use crate::trust::Verified;
use crate::upload::READ_AT_ONCE_MAX;
use tokio::sync::{Notify, Semaphore};

/// Random bytes, passed in so that tests can fix them.
pub trait Entropy: Send + Sync {
    /// Fills a buffer.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RecorderError>;
}

/// The operating system's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RecorderError> {
        getrandom::fill(buffer).map_err(|_| RecorderError::Entropy)
    }
}

/// What a recorder works with.
pub struct Parts {
    /// Where the journal is.
    pub store: Arc<dyn Store>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where salts, ids and secrets come from.
    pub entropy: Arc<dyn Entropy>,
    /// Hides aliases.
    pub alias_key: AliasKey,
    /// Signs permits.
    pub permit_key: PermitKey,
    /// Where policies run.
    pub policies: Policies,
    /// The keys of which one must have signed each policy that runs here, whatever the journal demands; none where it does
    /// not matter.
    pub policy_keys: Vec<PolicyKey>,
    /// Whether other processes record in the same journal.
    pub sharing: Sharing,
}

/// The use cases over one journal. Shared by all requests.
pub struct Recorder {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) permit_key: PermitKey,
    pub(crate) policies: Policies,
    pub(crate) policy_keys: Vec<PolicyKey>,
    pub(crate) verified: Verified,
    pub(crate) alias_key: AliasKey,
    pub(crate) heads: tokio::sync::Mutex<Keeper>,
    /// Wakes who waits for the log to grow.
    pub(crate) appended: Notify,
    pub(crate) known: Known,
    pub(crate) sharing: Sharing,
    pub(crate) streams: Mutex<Kept>,
    /// Uploads that are read at the same time.
    pub(crate) reading: Semaphore,
}

impl Recorder {
    /// Starts on a journal, reading what is in force.
    ///
    /// # Errors
    /// When the journal cannot be read or understood.
    pub async fn start(parts: Parts) -> Result<Self, RecorderError> {
        let recorder = Self {
            store: parts.store,
            clock: parts.clock,
            entropy: parts.entropy,
            permit_key: parts.permit_key,
            policies: parts.policies,
            policy_keys: parts.policy_keys,
            verified: Verified::default(),
            alias_key: parts.alias_key,
            heads: tokio::sync::Mutex::default(),
            appended: Notify::new(),
            known: Known::default(),
            sharing: parts.sharing,
            streams: Mutex::default(),
            reading: Semaphore::new(READ_AT_ONCE_MAX),
        };
        recorder.refresh().await?;
        Ok(recorder)
    }

    /// Returns the store.
    #[must_use]
    pub fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    /// Returns the time, in milliseconds since 1970-01-01 UTC.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.clock.wall_ms()
    }

    /// Appends a batch, and lets those know who wait for the log to grow.
    pub(crate) async fn append(&self, drafts: Vec<Draft>) -> Result<Vec<Appended>, RecorderError> {
        let appended = self.store.append(drafts).await?;
        self.appended.notify_one();
        Ok(appended)
    }

    pub(crate) async fn append_one(&self, draft: Draft) -> Result<Appended, RecorderError> {
        let appended = self.append(vec![draft]).await?;
        appended.into_iter().next().ok_or(RecorderError::Moved)
    }

    /// Makes a draft of a kind.
    pub(crate) fn draft<F: Fields>(
        &self,
        by: By,
        fields: &F,
        streams: Vec<StreamName>,
    ) -> Result<Draft, RecorderError> {
        Ok(Draft {
            by,
            claimed_ms: None,
            fields: fields.encode().map_err(|source| RecorderError::Encode {
                what: F::KIND,
                source,
            })?,
            kind: F::kind()?,
            streams,
            payloads: Vec::new(),
            idempotency: None,
            expected: Vec::new(),
            large: Vec::new(),
        })
    }

    /// Makes a draft of a kind that belongs to the `admin` stream alone.
    pub(crate) fn admin_draft<F: Fields>(
        &self,
        by: &By,
        fields: &F,
    ) -> Result<Draft, RecorderError> {
        self.draft(by.clone(), fields, vec![StreamName::admin()])
    }

    /// Makes a payload with a salt of its own.
    pub(crate) fn payload(
        &self,
        role: Role,
        media_type: &str,
        schema: Option<Name>,
        bytes: Vec<u8>,
    ) -> Result<Payload, RecorderError> {
        let mut salt = Salt::default();
        self.entropy.fill(&mut salt)?;
        Ok(Payload {
            role,
            media_type: media_type.to_owned(),
            schema,
            salt,
            bytes,
        })
    }

    /// Makes a payload of canonical JSON.
    pub(crate) fn json_payload(
        &self,
        role: Role,
        schema: &str,
        value: &impl serde::Serialize,
    ) -> Result<Payload, RecorderError> {
        let bytes = model::canonical::to_vec(value).map_err(|source| RecorderError::Encode {
            what: "payload",
            source,
        })?;
        self.payload(role, "application/json", Some(schema.parse()?), bytes)
    }

    /// Makes eight random bytes as an id's digits.
    pub(crate) fn random_id(&self) -> Result<String, RecorderError> {
        let mut bytes = [0; 8];
        self.entropy.fill(&mut bytes)?;
        Ok(hex::encode(bytes))
    }

    /// Returns who goes by an alias.
    #[must_use]
    pub fn person_of(&self, alias: &Alias) -> Option<PersonId> {
        self.definitions()
            .person_of(&self.alias_key.digest(alias.as_str()))
            .cloned()
    }
}

/// The key under which aliases are recorded, so that an alias cannot be guessed from its record.
#[derive(Clone, Copy)]
pub struct AliasKey(pub [u8; 32]);

impl AliasKey {
    /// Returns how an alias is recorded.
    pub(crate) fn digest(&self, alias: &str) -> Root {
        Root(keyed_digest(&self.0, alias))
    }
}

/// Computes HMAC-SHA256.
pub(crate) fn keyed_digest(key: &[u8; 32], text: &str) -> [u8; 32] {
    // It takes its key by blocks of 64 bytes, a shorter one filled up with zeros (RFC 2104, section 2).
    let mut block = [0; 64];
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    let mut mac = Hmac::<Sha256>::new(&block.into());
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().into()
}

/// Checks free text for a header: short, and nothing that moves a terminal's cursor.
pub(crate) fn check_text(what: &'static str, text: &str) -> Result<(), RecorderError> {
    if text.len() > TEXT_BYTES_MAX || text.chars().any(char::is_control) {
        return Err(RecorderError::Text {
            what,
            maximum: TEXT_BYTES_MAX,
        });
    }
    Ok(())
}
