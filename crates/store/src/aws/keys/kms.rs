use async_trait::async_trait;
use aws_sdk_kms::Client;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{KeySpec, KeyUsageType, MessageType, SigningAlgorithmSpec};
use journal::key::{PublicKey, Signature};
use journal::kind::{KeyRotated, Purpose, Successor};
use journal::note::{Checkpoint, Vkey};
use journal::receipt::{ReceiptTerms, ReceiptVoucher};
use model::JournalId;

use super::super::error::CallError;
use super::{KeyError, LogSigner};

const GET: &str = "kms:GetPublicKey";
const SIGN: &str = "kms:Sign";
/// What stands before the 32 bytes of an Ed25519 key in its DER form (RFC 8410, section 4).
const DER_PREFIX: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// A log's key in KMS. It is asked a few times a minute at most: once for each seal, and twice a day for a receipt key.
#[derive(Debug)]
pub(super) struct KmsKey {
    client: Client,
    key: String,
    vkey: Vkey,
}

impl KmsKey {
    pub(super) async fn load(
        client: Client,
        journal: &JournalId,
        key: &str,
    ) -> Result<Self, KeyError> {
        let asked = client.get_public_key().key_id(key).send().await;
        let found = asked.map_err(|error| CallError::of(GET, key, error))?;
        let usable = found.key_usage == Some(KeyUsageType::SignVerify)
            && found.key_spec == Some(KeySpec::EccNistEdwards25519);
        let public = found.public_key.filter(|_| usable).and_then(|der| {
            PublicKey::from_bytes(der.as_ref().strip_prefix(&DER_PREFIX)?.try_into().ok()?)
        });
        let public = public.ok_or_else(|| KeyError::Spec {
            key: key.to_owned(),
            found: found
                .key_spec
                .map_or_else(|| "nothing".to_owned(), |spec| spec.to_string()),
        })?;
        Ok(Self {
            client,
            key: key.to_owned(),
            vkey: Vkey::new(journal, public),
        })
    }

    async fn sign(&self, message: Vec<u8>) -> Result<Signature, KeyError> {
        let asked = self
            .client
            .sign()
            .key_id(&self.key)
            .message(Blob::new(message.clone()))
            .message_type(MessageType::Raw)
            .signing_algorithm(SigningAlgorithmSpec::Ed25519Sha512)
            .send()
            .await;
        let answer = asked.map_err(|error| CallError::of(SIGN, &self.key, error))?;
        let signature = answer
            .signature
            .and_then(|bytes| bytes.into_inner().try_into().ok());
        signature
            .filter(|signature| self.vkey.public().verifies(&message, signature))
            .map(Signature)
            .ok_or_else(|| KeyError::Signature(self.key.clone()))
    }
}

#[async_trait]
impl LogSigner for KmsKey {
    fn vkey(&self) -> &Vkey {
        &self.vkey
    }

    async fn checkpoint(&self, checkpoint: &Checkpoint) -> Result<String, KeyError> {
        let signature = self.sign(checkpoint.to_sign()).await?;
        Ok(checkpoint.signed_with(&self.vkey, signature)?)
    }

    async fn vouch_receipt(&self, terms: ReceiptTerms) -> Result<ReceiptVoucher, KeyError> {
        let signature = self.sign(terms.to_sign(&self.vkey)).await?;
        Ok(terms.signed_with(&self.vkey, signature)?)
    }

    async fn vouch(&self, journal: &JournalId, new: PublicKey) -> Result<KeyRotated, KeyError> {
        let successor = Successor {
            key: new,
            purpose: Purpose::Log,
        };
        let signature = self.sign(successor.to_sign(journal)).await?;
        successor
            .signed_with(journal, self.vkey.public(), signature)
            .map_err(|_| KeyError::Signature(self.key.clone()))
    }
}
