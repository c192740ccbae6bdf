//! The objects of one journal: every key begins with the journal's id.

mod upload;

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::put_object::PutObjectError;
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use model::JournalId;

use self::upload::SALT;
use super::error::{CallError, Reason};
use crate::ReadError;

const GET: &str = "s3:GetObject";
const PUT: &str = "s3:PutObject";
const LIST: &str = "s3:ListBucket";
/// A body that is not here by then does not come; the client's own limits end with the answer's head.
const BODY: Duration = Duration::from_secs(8);
/// How often a body is asked for, or a write that another's write was in the way of is sent.
const ATTEMPTS: u32 = 3;

/// Reads and writes the objects of one journal in one bucket. A copy is cheap.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    client: Client,
    name: Arc<str>,
    journal: JournalId,
}

/// An object as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) bytes: Vec<u8>,
    /// Names this state of the object, to [`Bucket::replace`] it.
    pub(super) etag: String,
}

impl Bucket {
    pub(super) fn new(client: Client, name: &str, journal: &JournalId) -> Self {
        Self {
            client,
            name: name.into(),
            journal: journal.clone(),
        }
    }

    pub(super) const fn journal(&self) -> &JournalId {
        &self.journal
    }

    /// Reads an object of up to `size_max` bytes.
    pub(super) async fn get(&self, key: &str, size_max: u64) -> Result<Option<Object>, ReadError> {
        let mut attempt = 1;
        loop {
            match self.get_once(key, size_max).await {
                Err(ReadError::Unavailable(_)) if attempt < ATTEMPTS => attempt += 1,
                result => return result,
            }
        }
    }

    async fn get_once(&self, key: &str, size_max: u64) -> Result<Option<Object>, ReadError> {
        let answer = self
            .client
            .get_object()
            .bucket(&*self.name)
            .key(self.key(key))
            .checksum_mode(ChecksumMode::Enabled)
            .send()
            .await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|error| error.is_no_such_key()) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(CallError::of(GET, self.resource(key), error).into()),
        };
        if answer
            .metadata()
            .is_some_and(|metadata| metadata.contains_key(SALT))
        {
            // A large payload, which is only read in parts.
            return Ok(None);
        }
        let etag = answer.e_tag.unwrap_or_default();
        let bytes = tokio::time::timeout(BODY, read_body(answer.body, size_max))
            .await
            .map_err(|_| CallError::because(GET, self.resource(key), Reason::Unanswered))??;
        Ok(Some(Object { bytes, etag }))
    }

    /// Writes an object, whatever was there.
    pub(super) async fn put(&self, key: &str, bytes: Vec<u8>) -> Result<(), CallError> {
        match self.writing(key, bytes).send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(CallError::of(PUT, self.resource(key), error)),
        }
    }

    /// Writes an object if there is none, and says whether it did.
    ///
    /// A lost answer is asked for again by the client, and is then `false`, for an object that is ours.
    pub(super) async fn put_new(&self, key: &str, bytes: Vec<u8>) -> Result<bool, CallError> {
        self.put_if(key, bytes, |request| request.if_none_match("*"))
            .await
    }

    /// Writes an object in the place of one that was read, and says whether it did: compare and swap.
    ///
    /// A lost answer is asked for again by the client, and is then `false`, for an object that is ours.
    pub(super) async fn replace(
        &self,
        key: &str,
        bytes: Vec<u8>,
        etag: &str,
    ) -> Result<bool, CallError> {
        self.put_if(key, bytes, |request| request.if_match(etag))
            .await
    }

    async fn put_if(
        &self,
        key: &str,
        bytes: Vec<u8>,
        condition: impl Fn(PutObjectFluentBuilder) -> PutObjectFluentBuilder,
    ) -> Result<bool, CallError> {
        let mut attempt = 1;
        loop {
            let request = self.writing(key, bytes.clone());
            let error = match condition(request).send().await {
                Ok(_) => return Ok(true),
                Err(error) => error,
            };
            match status(&error) {
                // The condition does not hold; 404 is an object to replace that is not there.
                Some(412) => return Ok(false),
                Some(404) if error_code(&error) == Some("NoSuchKey") => return Ok(false),
                // Another conditional write to it was under way: which of us came first is found by asking again.
                Some(409) if attempt < ATTEMPTS => attempt += 1,
                _ => return Err(CallError::of(PUT, self.resource(key), error)),
            }
        }
    }

    /// Lists up to a thousand keys with a prefix, in their order, after one of them; all without the journal's id.
    pub(super) async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
    ) -> Result<Vec<String>, ReadError> {
        let answer = self
            .client
            .list_objects_v2()
            .bucket(&*self.name)
            .prefix(self.key(prefix))
            .set_start_after(after.map(|after| self.key(after)))
            .send()
            .await
            .map_err(|error| CallError::of(LIST, self.resource(prefix), error))?;
        let own = self.key("");
        let keys = answer.contents.unwrap_or_default();
        let keys = keys.into_iter().filter_map(|object| object.key);
        Ok(keys
            .filter_map(|key| Some(key.strip_prefix(&own)?.to_owned()))
            .collect())
    }

    fn writing(&self, key: &str, bytes: Vec<u8>) -> PutObjectFluentBuilder {
        self.client
            .put_object()
            .bucket(&*self.name)
            .key(self.key(key))
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .body(ByteStream::from(bytes))
    }

    fn key(&self, key: &str) -> String {
        format!("{}/{key}", self.journal)
    }

    fn resource(&self, key: &str) -> String {
        format!("{}/{}/{key}", self.name, self.journal)
    }
}

/// Reads a body to its end, of which the client checks the checksum.
async fn read_body(mut body: ByteStream, size_max: u64) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    while let Some(part) = body.next().await {
        let part = part.map_err(|error| ReadError::Unavailable(Box::new(error)))?;
        bytes.extend_from_slice(&part);
        if bytes.len() as u64 > size_max {
            return Err(ReadError::Corrupt("an object is longer than it can be"));
        }
    }
    Ok(bytes)
}

fn status<E>(error: &SdkError<E, HttpResponse>) -> Option<u16> {
    error.raw_response().map(|answer| answer.status().as_u16())
}

fn error_code(error: &SdkError<PutObjectError, HttpResponse>) -> Option<&str> {
    use aws_sdk_s3::error::ProvideErrorMetadata as _;
    error.as_service_error()?.code()
}
