//! Uploads: what is too large for a request. It is announced, sent to where the store says, and then recorded by an event,
//! or published as a policy, that names it; what was announced stands, signed, in the upload's own name, so nothing is kept of it.

use evidence::Extracted;
use model::kind::{AccessRole, Attested, Fields as _};
use model::limits::LARGE_PAYLOAD_BYTES_MAX;
use model::{Class, Fingerprint, KeyId, LargePayload, Name, PayloadRef, Role, Salt};
use policy::POLICY_BYTES_MAX;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use store::bulk::{Announced, Parts, ReceiveError, SEND_MS, Upload};

use crate::caller::Caller;
use crate::error::RecorderError;
use crate::event::Attest;
use crate::publication::PUBLISHERS;
use crate::recorder::{Recorder, keyed_digest};

mod promise;
mod reading;

pub(crate) use promise::held_by;

use promise::Promise;
use reading::Reading;

/// How long an upload can be recorded after it could last be sent.
const RECORD_MS: u64 = 45 * 60 * 1000;
/// Uploads that are read at the same time, each in some 20 MB of memory; further ones wait for their turn.
pub(crate) const READ_AT_ONCE_MAX: usize = 4;

/// Announces evidence, or a policy's code, that is too large for a request.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnnounceUpload {
    /// The flow that it is to be recorded for, as evidence; without one it is a policy's code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow: Option<Name>,
    /// SHA-256 of its bytes.
    pub sha256: Fingerprint,
    /// How many bytes there are.
    pub size: u64,
}

/// An upload that was announced.
#[derive(Debug, Clone)]
pub struct Announcement {
    /// Its name, for what records it.
    pub upload: String,
    /// Where it is to be sent; nothing where [`Recorder::receive_upload`] takes it.
    pub to: Option<Announced>,
    /// Until when it can be sent.
    pub expires_ms: u64,
}

/// Why an upload was not taken or not recorded.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// It has no name that this recorder gave.
    #[error("the upload is none that was announced here")]
    Unknown,
    /// It was announced by another key, or for something else.
    #[error("the upload was announced by another key, or for something else: a flow, or a policy")]
    Foreign,
    /// It was announced too long ago.
    #[error("the upload was announced too long ago")]
    Expired,
    /// Nothing was sent, or it is gone.
    #[error("nothing has arrived for the upload")]
    Missing,
    /// What arrived is not what was announced.
    #[error("what arrived is not what was announced: its length or its SHA-256 is another")]
    Differs,
    /// It has too many bytes.
    #[error("an upload of that sort has 1 to `{max}` bytes, not `{size}`")]
    Size {
        /// How many.
        size: u64,
        /// How many it may have.
        max: u64,
    },
    /// It comes with other events.
    #[error("an upload is recorded by a request of its own")]
    NotAlone,
    /// It was not taken.
    #[error("the upload was not taken")]
    Receive(#[source] ReceiveError),
}

impl UploadError {
    /// Returns what sort of failure it is.
    #[must_use]
    pub const fn class(&self) -> Class {
        match self {
            Self::Unknown | Self::Expired | Self::Differs | Self::NotAlone => Class::Caller,
            Self::Foreign => Class::Denied,
            Self::Missing => Class::Conflict,
            Self::Size { .. } => Class::Limit,
            Self::Receive(error) => match error {
                ReceiveError::Size { .. } | ReceiveError::Digest | ReceiveError::Broken(_) => {
                    Class::Caller
                }
                ReceiveError::Elsewhere => Class::NotFound,
                ReceiveError::Full | ReceiveError::Unavailable(_) => Class::Unavailable,
            },
        }
    }
}

/// A report that came as an upload, read.
pub(crate) struct Taken {
    pub(crate) extracted: Extracted,
    pub(crate) raw: Raw,
}

/// The report itself.
pub(crate) enum Raw {
    Here(Vec<u8>),
    Large(LargePayload),
}

impl Recorder {
    /// Announces an upload, for what will record it: whoever may record evidence for the flow may, or publish a policy.
    ///
    /// # Errors
    /// When the caller may not, or it is too large.
    pub async fn announce_upload(
        &self,
        caller: &Caller,
        wanted: &AnnounceUpload,
    ) -> Result<Announcement, RecorderError> {
        let max = match &wanted.flow {
            Some(flow) => {
                self.require_reporter(caller, flow).await?;
                LARGE_PAYLOAD_BYTES_MAX
            }
            None => {
                caller.require(&PUBLISHERS)?;
                POLICY_BYTES_MAX as u64
            }
        };
        let size = wanted.size;
        if !(1..=max).contains(&size) {
            return Err(UploadError::Size { size, max }.into());
        }
        let promise = Promise {
            upload: Upload {
                key: key_of(caller)?.clone(),
                sha256: *wanted.sha256.as_bytes(),
                size: wanted.size,
            },
            flow: wanted.flow.clone(),
            until_ms: self.now_ms().saturating_add(SEND_MS),
        };
        Ok(Announcement {
            to: self.store.bulk().announce(&promise.upload).await?,
            upload: promise.write(&self.upload_key()),
            expires_ms: promise.until_ms,
        })
    }

    async fn require_reporter(&self, caller: &Caller, flow: &Name) -> Result<(), RecorderError> {
        caller.require(&[AccessRole::Reporter])?;
        caller.require_grant(flow, Attested::KIND)?;
        let known = self.knowing(|known| known.flow(flow).is_some()).await?;
        match known.flow(flow) {
            Some(_) => Ok(()),
            None => Err(RecorderError::Unknown {
                what: "flow",
                name: flow.to_string(),
            }),
        }
    }

    /// Takes an upload, of whoever knows its name. `length` is what its sender says.
    ///
    /// # Errors
    /// When it is not what was announced, or another home takes it.
    pub async fn receive_upload(
        &self,
        name: &str,
        length: Option<u64>,
        parts: Parts,
    ) -> Result<(), RecorderError> {
        let promise = Promise::read(name, &self.upload_key())?;
        if self.now_ms() > promise.until_ms {
            return Err(UploadError::Expired.into());
        }
        let bulk = self.store.bulk();
        let taken = bulk.receive(&promise.upload, length, parts).await;
        Ok(taken.map_err(UploadError::Receive)?)
    }

    /// Reads an upload once, all of it: its digests and its facts. A large one then becomes a payload; dying before it is
    /// recorded leaves one that nothing names, and the upload.
    pub(crate) async fn take_upload(
        &self,
        caller: &Caller,
        event: &Attest,
        name: &str,
        used: Option<journal::Idempotency>,
    ) -> Result<Taken, RecorderError> {
        let upload = &self.promised(caller, Some(&event.flow), name)?;
        let attestation_type = event.attestation_type.clone();
        evidence::check_size(attestation_type.as_str(), upload.size)?;
        // The semaphore is never closed.
        let _turn = self.reading.acquire().await.ok();
        let bulk = self.store.bulk();
        let parts = bulk.received(upload).await?.ok_or(UploadError::Missing)?;
        let salt = self.salt_of(name, used)?;
        let reading = Reading::new(parts, upload.clone(), &salt);
        let people = self.people();
        let read =
            tokio::task::spawn_blocking(move || reading.read(attestation_type.as_str(), &people));
        let read = read
            .await
            .map_err(|error| store::ReadError::Unavailable(error.into()))??;
        let raw = match read.whole {
            Some(bytes) => Raw::Here(bytes),
            None => {
                bulk.keep(upload, &salt, &read.digest).await?;
                Raw::Large(LargePayload {
                    reference: PayloadRef {
                        digest: read.digest,
                        media_type: read.extracted.media_type.to_owned(),
                        role: Role::Raw,
                        schema: None,
                        size: upload.size,
                    },
                    salt,
                })
            }
        };
        Ok(Taken {
            extracted: read.extracted,
            raw,
        })
    }

    /// Reads a policy's code that came as an upload, to be published. The upload stays until it goes away by itself, so
    /// that a retry finds it.
    ///
    /// # Errors
    /// When the caller may not publish, or nothing of that name was announced for it and has arrived.
    pub async fn uploaded_code(
        &self,
        caller: &Caller,
        name: &str,
    ) -> Result<Vec<u8>, RecorderError> {
        caller.require(&PUBLISHERS)?;
        let upload = self.promised(caller, None, name)?;
        // The semaphore is never closed.
        let _turn = self.reading.acquire().await.ok();
        let received = self.store.bulk().received(&upload).await?;
        let mut parts = received.ok_or(UploadError::Missing)?;
        let mut code = Vec::new();
        while let Some(part) = parts.next().await? {
            code.extend(part);
            if code.len() as u64 > upload.size {
                return Err(UploadError::Differs.into());
            }
        }
        if upload.sha256 != <[u8; 32]>::from(Sha256::digest(&code)) {
            return Err(UploadError::Differs.into());
        }
        Ok(code)
    }

    /// Reads an upload's name: of one that was announced by the caller, for this, and can still be used.
    fn promised(
        &self,
        caller: &Caller,
        flow: Option<&Name>,
        name: &str,
    ) -> Result<Upload, RecorderError> {
        let promise = Promise::read(name, &self.upload_key())?;
        if promise.upload.key != *key_of(caller)? || promise.flow.as_ref() != flow {
            return Err(UploadError::Foreign.into());
        }
        if self.now_ms() > promise.until_ms.saturating_add(RECORD_MS) {
            return Err(UploadError::Expired.into());
        }
        Ok(promise.upload)
    }

    /// Makes a payload's salt: for a retry the same, so that what died half-way is taken up again.
    fn salt_of(
        &self,
        name: &str,
        used: Option<journal::Idempotency>,
    ) -> Result<Salt, RecorderError> {
        let Some(used) = used else {
            let mut salt = Salt::default();
            self.entropy.fill(&mut salt)?;
            return Ok(salt);
        };
        let text = format!("salt {name} {}", hex::encode(used.key));
        Ok(keyed_digest(&self.upload_key(), &text))
    }

    /// Returns the key that signs the names of this journal's uploads; no alias is a text like this one.
    fn upload_key(&self) -> [u8; 32] {
        let text = format!("uploads of {}", self.store.journal());
        keyed_digest(&self.alias_key.0, &text)
    }
}

fn key_of(caller: &Caller) -> Result<&KeyId, RecorderError> {
    let key = caller.by().key.as_ref();
    key.ok_or(RecorderError::Unauthenticated)
}
