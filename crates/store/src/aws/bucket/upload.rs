//! Objects that are too large to be held: written by somebody else, read in parts, copied by the service itself.

use std::path::Path;
use std::time::Duration;

use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, MetadataDirective};
use aws_smithy_types::base64;
use model::Salt;

use super::{BODY, Bucket, GET, PUT, status};
use crate::ReadError;
use crate::aws::error::{CallError, Reason};
use crate::bulk::{Announced, LargeStored, Parts};

/// The metadata that holds the salt of a large payload: its object holds nothing but its bytes.
pub(super) const SALT: &str = "salt";
/// The service copies, and a home is moved, at some 100 MB a second.
const LARGE: Duration = Duration::from_secs(120);

impl Bucket {
    /// Allows somebody to write an object with exactly these bytes, if there is none, for a while.
    pub(in crate::aws) async fn presign(
        &self,
        key: &str,
        sha256: &[u8; 32],
        size: u64,
        valid: Duration,
    ) -> Result<Announced, CallError> {
        let refused = || CallError::because(PUT, self.resource(key), Reason::Refused);
        let valid = PresigningConfig::expires_in(valid).map_err(|_| refused())?;
        let request = self
            .client
            .put_object()
            .bucket(&*self.name)
            .key(self.key(key))
            .content_length(i64::try_from(size).map_err(|_| refused())?)
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .checksum_sha256(base64::encode(sha256))
            .if_none_match("*")
            .presigned(valid)
            .await
            .map_err(|error| CallError::of(PUT, self.resource(key), error))?;
        let headers = request
            .headers()
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        Ok(Announced {
            url: request.uri().to_owned(),
            headers: headers.collect(),
        })
    }

    /// Reads an object in parts.
    pub(in crate::aws) async fn parts(&self, key: &str) -> Result<Option<Parts>, ReadError> {
        Ok(self.open(key).await?.map(|answer| parts_of(answer.body)))
    }

    /// Reads an object with a salt in parts; nothing where it has none.
    pub(in crate::aws) async fn large(&self, key: &str) -> Result<Option<LargeStored>, ReadError> {
        let Some(answer) = self.open(key).await? else {
            return Ok(None);
        };
        let Some(salt) = answer.metadata().and_then(|metadata| metadata.get(SALT)) else {
            return Ok(None);
        };
        let salt = hex::decode(salt).ok().and_then(|salt| salt.try_into().ok());
        Ok(Some(LargeStored {
            salt: salt.ok_or(ReadError::Corrupt("a payload's salt is none"))?,
            parts: parts_of(answer.body),
        }))
    }

    async fn open(&self, key: &str) -> Result<Option<GetObjectOutput>, ReadError> {
        let answer = self
            .client
            .get_object()
            .bucket(&*self.name)
            .key(self.key(key))
            .send()
            .await;
        match answer {
            Ok(answer) => Ok(Some(answer)),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|error| error.is_no_such_key()) =>
            {
                Ok(None)
            }
            Err(error) => Err(CallError::of(GET, self.resource(key), error).into()),
        }
    }

    /// Has an object copied to another, with a salt. What is there already has the same name because it is the same.
    pub(in crate::aws) async fn copy(
        &self,
        from: &str,
        to: &str,
        salt: &Salt,
    ) -> Result<(), CallError> {
        let request = self
            .client
            .copy_object()
            .copy_source(format!("{}/{}", self.name, self.key(from)))
            .bucket(&*self.name)
            .key(self.key(to))
            .metadata_directive(MetadataDirective::Replace)
            .metadata(SALT, hex::encode(salt))
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .if_none_match("*");
        let sent = request.customize().config_override(patient()).send().await;
        match sent {
            Ok(_) => Ok(()),
            Err(error) if status(&error) == Some(412) => Ok(()),
            Err(error) => Err(CallError::of(PUT, self.resource(to), error)),
        }
    }

    /// Writes an object with a salt from a file. What is there already has the same name because it is the same.
    pub(in crate::aws) async fn put_file(
        &self,
        key: &str,
        salt: &Salt,
        sha256: &[u8; 32],
        file: &Path,
    ) -> Result<(), ReadError> {
        let body = ByteStream::from_path(file).await;
        let request = self
            .client
            .put_object()
            .bucket(&*self.name)
            .key(self.key(key))
            .metadata(SALT, hex::encode(salt))
            .checksum_sha256(base64::encode(sha256))
            .if_none_match("*")
            .body(body.map_err(|error| ReadError::Unavailable(error.into()))?);
        let sent = request.customize().config_override(patient()).send().await;
        match sent {
            Ok(_) => Ok(()),
            Err(error) if status(&error) == Some(412) => Ok(()),
            Err(error) => Err(CallError::of(PUT, self.resource(key), error).into()),
        }
    }
}

fn patient() -> aws_sdk_s3::config::Builder {
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(LARGE)
        .operation_timeout(LARGE);
    aws_sdk_s3::Config::builder().timeout_config(timeouts.build())
}

/// Reads a body as it is taken. What it should be, whoever takes it knows.
fn parts_of(mut body: ByteStream) -> Parts {
    let (sender, parts) = Parts::channel();
    tokio::spawn(async move {
        loop {
            let part = match tokio::time::timeout(BODY, body.next()).await {
                Ok(None) => return,
                Ok(Some(Ok(part))) => Ok(part.to_vec()),
                Ok(Some(Err(error))) => Err(ReadError::Unavailable(error.into())),
                Err(late) => Err(ReadError::Unavailable(late.into())),
            };
            let broken = part.is_err();
            if !sender.send(part).await || broken {
                return;
            }
        }
    });
    parts
}
