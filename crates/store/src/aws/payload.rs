//! Payloads: small ones are items, larger ones are objects. Their digest is their name, so they are written once.

use model::limits::PAYLOAD_BYTES_MAX;
use model::{Payload, PayloadDigest};

use super::bucket::Bucket;
use super::layout::{self, Layout, PAYLOAD_ITEM_BYTES_MAX};
use super::parallel;
use super::table::{Placed, Table};
use crate::{ReadError, StoredPayload};

/// No object is longer that is salt and payload; a large one is read in parts (`bulk`).
const OBJECT_BYTES_MAX: u64 = (PAYLOAD_BYTES_MAX + SALT_BYTES) as u64;
const SALT_BYTES: usize = 32;

/// One journal's payloads. A copy is the same.
#[derive(Clone)]
pub(super) struct Payloads {
    pub(super) table: Table,
    pub(super) layout: Layout,
    pub(super) bucket: Bucket,
}

impl Payloads {
    /// Makes payloads durable. If it fails half-way, some are there that nothing names, and that is all.
    pub(super) async fn put(&self, payloads: &[&Payload]) -> Result<(), ReadError> {
        let puts = payloads.iter().map(|payload| {
            let payloads = self.clone();
            let digest = Payload::digest_of(&payload.salt, &payload.bytes);
            let stored = StoredPayload {
                salt: payload.salt,
                bytes: payload.bytes.clone(),
            };
            async move { payloads.put_one(digest, stored).await }
        });
        parallel::all(puts.collect::<Vec<_>>()).await?;
        Ok(())
    }

    async fn put_one(
        &self,
        digest: PayloadDigest,
        payload: StoredPayload,
    ) -> Result<(), ReadError> {
        if payload.bytes.len() > PAYLOAD_ITEM_BYTES_MAX {
            let bytes = [payload.salt.as_slice(), &payload.bytes].concat();
            // The digest is that of these bytes, and the service checks it; what is there has it too.
            self.bucket.put_new(&object(&digest), bytes).await?;
            return Ok(());
        }
        let item = layout::payload_item(&self.layout, &digest, &payload);
        match self.table.put(item).await? {
            Placed::Done => Ok(()),
            Placed::Taken(item) => check(&digest, layout::read_payload(item)?).map(drop),
        }
    }

    /// Reads payloads, in the order asked for.
    pub(super) async fn get(
        &self,
        digests: &[PayloadDigest],
    ) -> Result<Vec<Option<StoredPayload>>, ReadError> {
        let keys = digests.iter().map(|digest| self.layout.payload(digest));
        let items = self.table.get_all(keys.collect()).await?;
        let reads = digests.iter().map(|digest| {
            let item = items.get(&self.layout.payload(digest)).cloned();
            let (bucket, digest) = (self.bucket.clone(), *digest);
            async move {
                let found = match item {
                    Some(item) => Some(layout::read_payload(item)?),
                    None => get_object(&bucket, &digest).await?,
                };
                found.map(|payload| check(&digest, payload)).transpose()
            }
        });
        parallel::all(reads.collect::<Vec<_>>()).await
    }
}

async fn get_object(
    bucket: &Bucket,
    digest: &PayloadDigest,
) -> Result<Option<StoredPayload>, ReadError> {
    let Some(object) = bucket.get(&object(digest), OBJECT_BYTES_MAX).await? else {
        return Ok(None);
    };
    let mut salt = object.bytes;
    let bytes = salt.split_off(SALT_BYTES.min(salt.len()));
    let salt = salt
        .try_into()
        .map_err(|_| ReadError::Corrupt("a payload's object is none"))?;
    Ok(Some(StoredPayload { salt, bytes }))
}

fn check(digest: &PayloadDigest, payload: StoredPayload) -> Result<StoredPayload, ReadError> {
    if Payload::digest_of(&payload.salt, &payload.bytes) == *digest {
        Ok(payload)
    } else {
        Err(ReadError::Corrupt("a payload is not what its digest says"))
    }
}

pub(super) fn object(digest: &PayloadDigest) -> String {
    format!("p/{digest}")
}
