//! What is too large to be held: uploads, and payloads that are read in parts.

use model::{LargePayload, Payload, PayloadRef, Role, Salt};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::appending::created;
use super::{Home, append, attestation, journal_id, stream};
use crate::bulk::{Announced, LargeStored, Parts, Upload};
use crate::{AppendError, Store};

const SALT: Salt = [9; 32];

fn bytes() -> Vec<u8> {
    (0..5_000_001_u32).map(|at| at.to_le_bytes()[0]).collect()
}

fn upload(bytes: &[u8]) -> Upload {
    Upload {
        key: "key-0123456789abcdef".parse().unwrap(),
        sha256: Sha256::digest(bytes).into(),
        size: bytes.len() as u64,
    }
}

fn large(salt: Salt, bytes: &[u8]) -> LargePayload {
    LargePayload {
        reference: PayloadRef {
            digest: Payload::digest_of(&salt, bytes),
            media_type: "application/xml".to_owned(),
            role: Role::Raw,
            schema: None,
            size: bytes.len() as u64,
        },
        salt,
    }
}

/// Sends an upload to where the store says.
async fn send(store: &dyn Store, upload: &Upload, bytes: &[u8]) {
    match store.bulk().announce(upload).await.unwrap() {
        Some(to) => {
            let answer = put(&to, bytes).await;
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        }
        None => {
            let parts = Parts::of(std::io::Cursor::new(bytes.to_vec()));
            let length = Some(bytes.len() as u64);
            store.bulk().receive(upload, length, parts).await.unwrap();
        }
    }
}

/// Sends and keeps a large payload.
#[cfg(test)]
pub(crate) async fn kept(store: &dyn Store, salt: Salt) -> LargePayload {
    let bytes = bytes();
    let (upload, payload) = (upload(&bytes), large(salt, &bytes));
    send(store, &upload, &bytes).await;
    let digest = payload.reference.digest;
    store.bulk().keep(&upload, &salt, &digest).await.unwrap();
    payload
}

/// Sends the request that was announced, to a service on this machine.
async fn put(to: &Announced, bytes: &[u8]) -> String {
    let url = to.url.strip_prefix("http://").unwrap();
    let (host, path) = url.split_once('/').unwrap();
    let mut request = format!("PUT /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
    for (name, value) in to.headers.iter().filter(|(name, _)| name != "host") {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    let mut connection = tokio::net::TcpStream::connect(host).await.unwrap();
    connection.write_all(request.as_bytes()).await.unwrap();
    connection.write_all(bytes).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    answer
}

async fn all(mut parts: Parts) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some(part) = parts.next().await.unwrap() {
        all.extend_from_slice(&part);
    }
    all
}

/// See the name.
pub async fn an_upload_becomes_a_large_payload_that_is_read_in_parts(home: &dyn Home) {
    let store = created(home).await;
    let bytes = bytes();
    let upload = upload(&bytes);
    assert!(store.bulk().received(&upload).await.unwrap().is_none());
    send(&*store, &upload, &bytes).await;
    let received = store.bulk().received(&upload).await.unwrap().unwrap();
    assert!(all(received).await == bytes);
    let payload = large(SALT, &bytes);
    let digest = payload.reference.digest;
    assert!(store.bulk().payload(&digest).await.unwrap().is_none());
    for _ in 0..2 {
        let kept = store.bulk().keep(&upload, &SALT, &digest);
        kept.await.unwrap();
    }
    let mut draft = attestation(1, &[stream("a")]);
    draft.large.push(payload.clone());
    let appended = append(&*store, vec![draft]).await.remove(0);
    let references = &appended.stored.entry.header().payloads;
    assert_eq!(references.last(), Some(&payload.reference));
    drop(store);
    let store = home.open(Some(&journal_id())).await.unwrap();
    let found = store.bulk().payload(&digest).await.unwrap().unwrap();
    let LargeStored { salt, parts } = found;
    assert_eq!(salt, SALT);
    assert!(all(parts).await == bytes);
    // It is in no answer that is held in memory, and the small one beside it is.
    let both = [references[0].digest, digest];
    let found = store.payloads(&both).await.unwrap();
    assert_eq!(found[0].as_ref().unwrap().bytes, b"{\"number\":1}");
    assert_eq!(found[1], None);
}

/// See the name.
pub async fn an_upload_under_two_salts_is_two_payloads(home: &dyn Home) {
    let store = created(home).await;
    let bytes = bytes();
    let upload = upload(&bytes);
    send(&*store, &upload, &bytes).await;
    let mut drafts = Vec::new();
    for number in [1, 2] {
        let salt = [u8::try_from(number).unwrap(); 32];
        let payload = large(salt, &bytes);
        let kept = store
            .bulk()
            .keep(&upload, &salt, &payload.reference.digest);
        kept.await.unwrap();
        let mut draft = attestation(number, &[stream("a")]);
        draft.large.push(payload);
        drafts.push(draft);
    }
    append(&*store, drafts.clone()).await;
    for draft in &drafts {
        let payload = &draft.large[0];
        let found = store.bulk().payload(&payload.reference.digest).await;
        assert_eq!(found.unwrap().unwrap().salt, payload.salt);
    }
}

/// See the name.
pub async fn a_payload_is_large_by_its_size_alone(home: &dyn Home) {
    let store = created(home).await;
    let mut small = attestation(1, &[stream("a")]);
    small.large.push(large(SALT, b"small"));
    let mut held = attestation(2, &[stream("a")]);
    held.payloads[0].role = Role::Raw;
    held.payloads[0].bytes = bytes();
    let mut facts = attestation(3, &[stream("a")]);
    facts.large.push(large(SALT, &bytes()));
    facts.large[0].reference.role = Role::Facts;
    for draft in [small, held, facts] {
        let refused = store.append(vec![draft]).await;
        assert!(
            matches!(refused, Err(AppendError::Draft { place: 0, .. })),
            "{refused:?}"
        );
    }
}
