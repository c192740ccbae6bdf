//! Compiled policies, as objects: `ingest` puts them there, `decide` takes them from there.

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::SdkError;
use recorder::Images;
use store::Cause;
use store::aws::Clients;

use crate::Settings;

/// The bucket that holds them, under `images/` of the journal.
pub(crate) struct Bucket {
    client: Client,
    bucket: String,
    prefix: String,
}

impl Bucket {
    pub(crate) fn new(settings: &Settings, clients: &Clients) -> Self {
        Self {
            client: clients.s3.clone(),
            bucket: settings.address.bucket.clone(),
            prefix: format!("{}/images/", settings.journal),
        }
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

#[async_trait]
impl Images for Bucket {
    async fn get(&self, name: &str) -> Result<Option<Vec<u8>>, Cause> {
        let asked = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(self.key(name));
        match asked.send().await {
            Ok(found) => Ok(Some(found.body.collect().await?.into_bytes().into())),
            Err(SdkError::ServiceError(answer)) if answer.err().is_no_such_key() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn put(&self, name: &str, image: Vec<u8>) -> Result<(), Cause> {
        let put = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(self.key(name));
        put.body(image.into()).send().await?;
        Ok(())
    }
}
