use std::sync::Mutex;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use ed25519_dalek::Signer as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::conformance::{SEED, journal_id};

const NOW_MS: u64 = 1_700_000_000_000;
const HOUR_MS: u64 = 3_600_000;

/// A KMS with one key, which signs with this seed and says of itself what it is told to say.
struct FakeKms {
    seed: Seed,
    spec: &'static str,
    public: [u8; 32],
    asked: Mutex<Vec<serde_json::Value>>,
}

impl FakeKms {
    fn new(seed: Seed) -> Self {
        Self {
            seed,
            spec: "ECC_NIST_EDWARDS25519",
            public: ed25519_dalek::SigningKey::from_bytes(&seed)
                .verifying_key()
                .to_bytes(),
            asked: Mutex::default(),
        }
    }

    fn answer(&self, action: &str, asked: &serde_json::Value) -> serde_json::Value {
        use aws_smithy_types::base64;
        let mut der = hex::decode("302a300506032b6570032100").unwrap();
        der.extend(self.public);
        let text = asked["Message"].as_str().unwrap_or_default();
        let message = base64::decode(text).unwrap();
        let signature = ed25519_dalek::SigningKey::from_bytes(&self.seed).sign(&message);
        match action {
            "TrentService.GetPublicKey" => serde_json::json!({
                "KeyId": asked["KeyId"], "KeySpec": self.spec, "KeyUsage": "SIGN_VERIFY",
                "PublicKey": base64::encode(der), "SigningAlgorithms": ["ED25519_SHA_512"],
            }),
            "TrentService.Sign" => serde_json::json!({
                "KeyId": asked["KeyId"], "SigningAlgorithm": asked["SigningAlgorithm"],
                "Signature": base64::encode(signature.to_bytes()),
            }),
            other => panic!("`{other}` was asked of KMS"),
        }
    }

    /// Answers requests, and returns where.
    async fn serve(self: &Arc<Self>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let kms = Arc::clone(self);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let kms = Arc::clone(&kms);
                tokio::spawn(async move { kms.talk(stream).await });
            }
        });
        url
    }

    async fn talk(&self, mut stream: TcpStream) -> Option<()> {
        let mut read = Vec::new();
        loop {
            let end = loop {
                match read.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                    Some(end) => break end + 4,
                    None => read_more(&mut stream, &mut read).await?,
                }
            };
            let head = String::from_utf8(read[..end].to_vec())
                .unwrap()
                .to_lowercase();
            let header = |name: &str| {
                let line = head
                    .lines()
                    .find_map(|line| line.strip_prefix(&format!("{name}: ")));
                line.unwrap().to_owned()
            };
            let length: usize = header("content-length").parse().unwrap();
            while read.len() < end + length {
                read_more(&mut stream, &mut read).await?;
            }
            let asked: serde_json::Value =
                serde_json::from_slice(&read[end..end + length]).unwrap();
            read.drain(..end + length);
            let action = match &*header("x-amz-target") {
                "trentservice.sign" => "TrentService.Sign",
                "trentservice.getpublickey" => "TrentService.GetPublicKey",
                _ => "another action",
            };
            let body = self.answer(action, &asked).to_string();
            self.asked.lock().unwrap().push(asked);
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.1\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(answer.as_bytes()).await.ok()?;
        }
    }
}

async fn read_more(stream: &mut TcpStream, read: &mut Vec<u8>) -> Option<()> {
    let mut part = [0; 4096];
    match stream.read(&mut part).await {
        Ok(0) | Err(_) => None,
        Ok(length) => {
            read.extend_from_slice(&part[..length]);
            Some(())
        }
    }
}

fn keys(endpoint: Option<&str>) -> Keys {
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let credentials = Credentials::new("test", "test", None, None, "tests");
    let mut sdk = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(http);
    sdk.set_endpoint_url(endpoint.map(str::to_owned));
    let endpoints = Endpoints::default();
    Keys::new(&Clients::new(&sdk.build(), &endpoints, &[]), &endpoints)
}

fn kms_source() -> KeySource {
    "kms:arn:aws:kms:eu-west-1:111122223333:key/log"
        .parse()
        .unwrap()
}

#[tokio::test]
async fn a_key_in_kms_signs_what_the_key_itself_would() {
    let kms = Arc::new(FakeKms::new(SEED));
    let keys = keys(Some(&kms.serve().await));
    let (journal, local) = (journal_id(), LogKey::new(&journal_id(), &SEED));
    let signer = keys.log_signer(&journal, &kms_source()).await.unwrap();
    assert_eq!(signer.vkey(), local.vkey());
    let checkpoint = Checkpoint {
        origin: journal.clone(),
        size: 7,
        root: journal::tree::Hash([3; 32]),
    };
    let note = signer.checkpoint(&checkpoint).await.unwrap();
    assert_eq!(note, checkpoint.sign(&local).unwrap());
    let terms = ReceiptTerms {
        key: journal::key::ReceiptKey::new(&[5; 32]).public(),
        from_ms: NOW_MS,
        until_ms: NOW_MS + HOUR_MS,
    };
    let voucher = signer.vouch_receipt(terms).await.unwrap();
    assert_eq!(voucher, local.vouch_receipt(terms).unwrap());
    let rotated = signer.vouch(&journal, terms.key).await.unwrap();
    assert_eq!(rotated, local.vouch(&journal, terms.key));
    for asked in &kms.asked.lock().unwrap()[1..] {
        assert_eq!(asked["SigningAlgorithm"], "ED25519_SHA_512");
        assert_eq!(asked["MessageType"], "RAW");
        assert_eq!(asked["KeyId"], "arn:aws:kms:eu-west-1:111122223333:key/log");
    }
}

#[tokio::test]
async fn a_key_in_kms_that_signs_in_another_way_is_refused() {
    let kms = Arc::new(FakeKms {
        spec: "ECC_NIST_P256",
        ..FakeKms::new(SEED)
    });
    let keys = keys(Some(&kms.serve().await));
    let error = keys
        .log_signer(&journal_id(), &kms_source())
        .await
        .err()
        .unwrap();
    assert!(
        matches!(&error, KeyError::Spec { found, .. } if found == "ECC_NIST_P256"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_signature_that_is_not_the_keys_is_refused() {
    let other = FakeKms::new([1; 32]).public;
    let kms = Arc::new(FakeKms {
        public: other,
        ..FakeKms::new(SEED)
    });
    let keys = keys(Some(&kms.serve().await));
    let signer = keys.log_signer(&journal_id(), &kms_source()).await.unwrap();
    let checkpoint = Checkpoint {
        origin: journal_id(),
        size: 7,
        root: journal::tree::Hash([3; 32]),
    };
    let error = signer.checkpoint(&checkpoint).await.unwrap_err();
    assert!(matches!(error, KeyError::Signature(_)), "{error:?}");
}

#[tokio::test]
async fn keys_in_files_are_read_and_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let source: KeySource = format!("file:{}", path.display()).parse().unwrap();
    let keys = keys(None);
    assert!(matches!(keys.seed(&source).await, Err(KeyError::Empty(_))));
    keys.write(&source, format!("{}\n", hex::encode(SEED)))
        .await
        .unwrap();
    let signer = keys.log_signer(&journal_id(), &source).await.unwrap();
    assert_eq!(signer.vkey(), LogKey::new(&journal_id(), &SEED).vkey());
    keys.write(&source, "a secret that is no key".to_owned())
        .await
        .unwrap();
    let error = keys.seed(&source).await.unwrap_err();
    assert!(!error.to_string().contains("a secret"), "{error}");
    assert!(
        "hunter2"
            .parse::<KeySource>()
            .is_err_and(|error| !error.to_string().contains("hunter2"))
    );
}

#[tokio::test]
async fn a_receipt_key_is_renewed_at_half_its_life_and_taken_up_before_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let source = KeySource::File(folder.path().join("receipt"));
    let log = LogKey::new(&journal_id(), &SEED);
    let place = ReceiptKeys::new(keys(None), source);
    assert!(matches!(place.load(1_000).await, Err(KeyError::Empty(_))));
    assert!(place.renew(&log, NOW_MS).await.unwrap());
    assert!(!place.renew(&log, NOW_MS + 11 * HOUR_MS).await.unwrap());
    let promiser = place.load(1_000).await.unwrap();
    assert_eq!(promiser.until_ms(), NOW_MS + 24 * HOUR_MS);

    assert!(place.renew(&log, NOW_MS + 12 * HOUR_MS).await.unwrap());
    // The old one is good for hours yet.
    assert!(
        !place
            .refresh(&promiser, NOW_MS + 17 * HOUR_MS)
            .await
            .unwrap()
    );
    assert!(
        place
            .refresh(&promiser, NOW_MS + 19 * HOUR_MS)
            .await
            .unwrap()
    );
    assert_eq!(promiser.until_ms(), NOW_MS + 36 * HOUR_MS);
    // Where there is no other, the old one stays.
    assert!(
        !place
            .refresh(&promiser, NOW_MS + 35 * HOUR_MS)
            .await
            .unwrap()
    );
    assert_eq!(promiser.until_ms(), NOW_MS + 36 * HOUR_MS);

    // Another log key vouches for another receipt key.
    let next = LogKey::new(&journal_id(), &[8; 32]);
    assert!(place.renew(&next, NOW_MS + 13 * HOUR_MS).await.unwrap());
    assert!(!place.renew(&next, NOW_MS + 13 * HOUR_MS).await.unwrap());
}

#[tokio::test]
async fn keys_in_secrets_are_read_and_written() {
    let Ok(endpoint) = std::env::var("TRAILMARK_TEST_S3") else {
        assert!(
            std::env::var("TRAILMARK_TEST_AWS").as_deref() != Ok("required"),
            "`TRAILMARK_TEST_S3` is not set"
        );
        println!("left out: `TRAILMARK_TEST_S3` is not set");
        return;
    };
    let keys = keys(Some(&endpoint));
    let name = format!("receipt-{}", std::process::id());
    let source = KeySource::Secret(name.clone());
    // A template makes it empty.
    keys.secrets
        .create_secret()
        .name(&name)
        .send()
        .await
        .unwrap();
    assert!(matches!(keys.text(&source).await, Err(KeyError::Empty(_))));
    let place = ReceiptKeys::new(keys.clone(), source.clone());
    assert!(
        place
            .renew(&LogKey::new(&journal_id(), &SEED), NOW_MS)
            .await
            .unwrap()
    );
    assert_eq!(
        place.load(1_000).await.unwrap().until_ms(),
        NOW_MS + 24 * HOUR_MS
    );
    keys.write(&source, hex::encode(SEED)).await.unwrap();
    assert_eq!(keys.seed(&source).await.unwrap(), SEED);
}
