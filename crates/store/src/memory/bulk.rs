//! What is too large, in memory all the same: for tests of what is done with it.

use async_trait::async_trait;
use model::{Payload, PayloadDigest, Salt};
use sha2::{Digest as _, Sha256};

use super::Memory;
use crate::bulk::{Announced, Bulk, LargeStored, Parts, ReceiveError, Upload};
use crate::{ReadError, StoredPayload};

#[async_trait]
impl Bulk for Memory {
    async fn announce(&self, _: &Upload) -> Result<Option<Announced>, ReadError> {
        tokio::task::yield_now().await;
        Ok(None)
    }

    async fn receive(
        &self,
        upload: &Upload,
        length: Option<u64>,
        mut parts: Parts,
    ) -> Result<(), ReceiveError> {
        upload.check_length(length)?;
        let mut bytes = Vec::new();
        let broken = |error: ReadError| ReceiveError::Broken(error.into());
        while let Some(part) = parts.next().await.map_err(broken)? {
            bytes.extend_from_slice(&part);
            if bytes.len() as u64 > upload.size {
                break;
            }
        }
        if bytes.len() as u64 != upload.size {
            return Err(ReceiveError::Size {
                promised: upload.size,
                found: bytes.len() as u64,
            });
        }
        if upload.sha256 != <[u8; 32]>::from(Sha256::digest(&bytes)) {
            return Err(ReceiveError::Digest);
        }
        self.disk.lock().uploads.insert(upload.name(), bytes);
        Ok(())
    }

    async fn received(&self, upload: &Upload) -> Result<Option<Parts>, ReadError> {
        let found = self.disk.lock().uploads.get(&upload.name()).cloned();
        Ok(found.map(|bytes| Parts::of(std::io::Cursor::new(bytes))))
    }

    async fn keep(
        &self,
        upload: &Upload,
        salt: &Salt,
        digest: &PayloadDigest,
    ) -> Result<(), ReadError> {
        tokio::task::yield_now().await;
        let mut content = self.disk.lock();
        let found = content.uploads.get(&upload.name()).cloned();
        let bytes = found.ok_or_else(|| ReadError::Unavailable("the upload is gone".into()))?;
        if Payload::digest_of(salt, &bytes) != *digest {
            return Err(ReadError::Corrupt("a payload is not what its digest says"));
        }
        let salt = *salt;
        content.large.insert(*digest, StoredPayload { salt, bytes });
        Ok(())
    }

    async fn payload(&self, digest: &PayloadDigest) -> Result<Option<LargeStored>, ReadError> {
        let found = self.disk.lock().large.get(digest).cloned();
        Ok(found.map(|StoredPayload { salt, bytes }| LargeStored {
            salt,
            parts: Parts::of(std::io::Cursor::new(bytes)),
        }))
    }
}
