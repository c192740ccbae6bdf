//! Objects that somebody else writes: announced with their length and checksum, and looked at afterwards.

use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode};
use aws_smithy_types::base64;

use super::{Bucket, GET, PUT};
use crate::ReadError;
use crate::aws::error::{CallError, Reason};

/// What is known of an object without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::aws) struct Described {
    /// Its length.
    pub(in crate::aws) size: u64,
    /// The SHA-256 of its bytes, where it was sent with them: the service has checked it.
    pub(in crate::aws) sha256: Option<[u8; 32]>,
}

/// A request that somebody without permissions can send for us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::aws) struct Presigned {
    /// Where to, with `PUT`.
    pub(in crate::aws) url: String,
    /// Headers that must be sent with it.
    pub(in crate::aws) headers: Vec<(String, String)>,
}

impl Bucket {
    /// Describes an object.
    pub(in crate::aws) async fn head(&self, key: &str) -> Result<Option<Described>, ReadError> {
        let answer = self
            .client
            .head_object()
            .bucket(&*self.name)
            .key(self.key(key))
            .checksum_mode(ChecksumMode::Enabled)
            .send()
            .await;
        match answer {
            Ok(answer) => Ok(Some(Described {
                size: answer
                    .content_length
                    .and_then(|length| u64::try_from(length).ok())
                    .ok_or(ReadError::Corrupt("an object has no length"))?,
                sha256: answer.checksum_sha256.as_deref().and_then(sha256_of),
            })),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|error| error.is_not_found()) =>
            {
                Ok(None)
            }
            Err(error) => Err(CallError::of(GET, self.resource(key), error).into()),
        }
    }

    /// Allows somebody to write an object with exactly these bytes, for a while.
    pub(in crate::aws) async fn presign(
        &self,
        key: &str,
        sha256: &[u8; 32],
        size: u64,
        valid: Duration,
    ) -> Result<Presigned, CallError> {
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
        Ok(Presigned {
            url: request.uri().to_owned(),
            headers: headers.collect(),
        })
    }
}

fn sha256_of(text: &str) -> Option<[u8; 32]> {
    base64::decode(text).ok()?.try_into().ok()
}
