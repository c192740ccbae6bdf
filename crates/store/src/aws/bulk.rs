//! What is too large for a call of ours: reporters send it to the bucket, which checks its SHA-256, and copies it.
//!
//! `u/<sha-256>-<key>` is an upload, which a rule of the bucket removes after a day; `p/<digest>` with a salt in its
//! metadata is a payload.

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use model::{PayloadDigest, Salt};
use sha2::{Digest as _, Sha256};

use super::payload::{Payloads, object};
use crate::ReadError;
use crate::bulk::{Announced, Bulk, LargeStored, Parts, ReceiveError, SEND_MS, Upload};

#[async_trait]
impl Bulk for Payloads {
    async fn announce(&self, upload: &Upload) -> Result<Option<Announced>, ReadError> {
        let (key, valid) = (sent(upload), Duration::from_millis(SEND_MS));
        let announced = self
            .bucket
            .presign(&key, &upload.sha256, upload.size, valid)
            .await?;
        Ok(Some(announced))
    }

    async fn receive(&self, _: &Upload, _: Option<u64>, _: Parts) -> Result<(), ReceiveError> {
        Err(ReceiveError::Elsewhere)
    }

    async fn received(&self, upload: &Upload) -> Result<Option<Parts>, ReadError> {
        self.bucket.parts(&sent(upload)).await
    }

    /// What was read is what is copied: the bucket takes no other bytes under that name.
    async fn keep(
        &self,
        upload: &Upload,
        salt: &Salt,
        digest: &PayloadDigest,
    ) -> Result<(), ReadError> {
        let copied = self.bucket.copy(&sent(upload), &object(digest), salt).await;
        Ok(copied?)
    }

    async fn payload(&self, digest: &PayloadDigest) -> Result<Option<LargeStored>, ReadError> {
        self.bucket.large(&object(digest)).await
    }
}

impl Payloads {
    /// Writes a large payload that comes from another store, once its digest is checked: until then it is a file.
    pub(super) async fn put_large(
        &self,
        digest: &PayloadDigest,
        salt: &Salt,
        parts: Parts,
    ) -> Result<(), ReadError> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|error| ReadError::Unavailable(error.into()))?;
        let name = format!("trailmark-copy-{}", hex::encode(random));
        let file = Spool(std::env::temp_dir().join(name));
        let (path, seed) = (file.0.clone(), *salt);
        let hashed = tokio::task::spawn_blocking(move || spool(&path, &seed, parts)).await;
        let (found, sha256) = hashed.map_err(|error| ReadError::Unavailable(error.into()))??;
        if found != *digest {
            return Err(ReadError::Corrupt("a payload is not what its digest says"));
        }
        self.bucket
            .put_file(&object(digest), salt, &sha256, &file.0)
            .await
    }
}

/// A file that goes away.
struct Spool(PathBuf);

impl Drop for Spool {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

/// Writes parts to a new file, and returns their digest and their SHA-256.
fn spool(
    path: &std::path::Path,
    salt: &Salt,
    mut parts: Parts,
) -> Result<(PayloadDigest, [u8; 32]), ReadError> {
    let unwritable = |error: std::io::Error| ReadError::Unavailable(error.into());
    let mut file = std::fs::File::create_new(path).map_err(unwritable)?;
    let mut salted = Sha256::new_with_prefix(salt);
    let mut plain = Sha256::new();
    while let Some(part) = parts.blocking_next() {
        let part = part?;
        salted.update(&part);
        plain.update(&part);
        std::io::Write::write_all(&mut file, &part).map_err(unwritable)?;
    }
    Ok((
        PayloadDigest(salted.finalize().into()),
        plain.finalize().into(),
    ))
}

fn sent(upload: &Upload) -> String {
    format!("u/{}", upload.name())
}
