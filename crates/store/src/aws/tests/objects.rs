//! Objects: written once or in the place of one that is known, and read whole or not at all.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::place::{Place, servers};
use crate::ReadError;
use crate::aws::bucket::Bucket;
use crate::aws::faulty::{Fault, Network};
use crate::conformance::journal_id;

async fn bucket() -> Option<Bucket> {
    let place = Place::new(servers()?.clients(&[])).await;
    Some(Bucket::new(
        place.clients.s3,
        &place.address.bucket,
        &journal_id(),
    ))
}

#[tokio::test]
async fn an_object_is_written_once_or_in_the_place_of_one_that_is_known() {
    let Some(bucket) = bucket().await else { return };
    assert_eq!(bucket.get("a", 100).await.unwrap(), None);
    assert!(
        !bucket
            .replace("a", b"zero".to_vec(), "\"none\"")
            .await
            .unwrap()
    );
    assert!(bucket.put_new("a", b"one".to_vec()).await.unwrap());
    assert!(!bucket.put_new("a", b"two".to_vec()).await.unwrap());
    let one = bucket.get("a", 3).await.unwrap().unwrap();
    assert_eq!(one.bytes, b"one");
    assert!(
        bucket
            .replace("a", b"three".to_vec(), &one.etag)
            .await
            .unwrap()
    );
    assert!(
        !bucket
            .replace("a", b"four".to_vec(), &one.etag)
            .await
            .unwrap()
    );
    let three = bucket.get("a", 100).await.unwrap().unwrap();
    assert_eq!(three.bytes, b"three");
    assert!(matches!(
        bucket.get("a", 4).await,
        Err(ReadError::Corrupt(_))
    ));
    bucket.put("a", b"five".to_vec()).await.unwrap();
    assert_eq!(bucket.get("a", 100).await.unwrap().unwrap().bytes, b"five");
    bucket.put("b/1", Vec::new()).await.unwrap();
    bucket.put("b/2", Vec::new()).await.unwrap();
    assert_eq!(bucket.list("", None).await.unwrap(), ["a", "b/1", "b/2"]);
    assert_eq!(bucket.list("b/", Some("b/1")).await.unwrap(), ["b/2"]);
}

#[tokio::test]
async fn a_failure_names_the_action_and_the_object() {
    let Some(servers) = servers() else { return };
    let clients = servers.clients(&[]);
    let bucket = Bucket::new(clients.s3, "there-is-no-such-bucket", &journal_id());
    let error = bucket.put_new("checkpoint", Vec::new()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "`s3:PutObject` on `there-is-no-such-bucket/trailmark/conformance/checkpoint` found no such thing in this region"
    );
    let Err(ReadError::Unavailable(error)) = bucket.get("checkpoint", 100).await else {
        panic!("a bucket that is not there was read")
    };
    assert!(
        error
            .to_string()
            .starts_with("`s3:GetObject` on `there-is-no-such-bucket/"),
        "{error}"
    );
}

#[tokio::test]
async fn somebody_else_can_write_an_object_that_was_announced() {
    let Some(bucket) = bucket().await else { return };
    let bytes = b"a large report";
    let sha256: [u8; 32] =
        hex::decode("520a646236c26d4785c1670c7254625f59894d9cfa626440c54a8f7a052cc6bf")
            .unwrap()
            .try_into()
            .unwrap();
    let presigned = bucket
        .presign(
            "p/large",
            &sha256,
            bytes.len() as u64,
            Duration::from_secs(60),
        )
        .await
        .unwrap();
    let url = presigned.url.strip_prefix("http://").unwrap();
    let (host, path) = url.split_once('/').unwrap();
    assert!(path.contains("X-Amz-Expires=60"), "{path}");
    let mut request = format!("PUT /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
    for (name, value) in &presigned.headers {
        if name != "host" {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    assert!(
        request.to_lowercase().contains("content-length: 14\r\n"),
        "{request}"
    );
    request.push_str("\r\n");
    let mut stream = tokio::net::TcpStream::connect(host).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(
        bucket.get("p/large", 100).await.unwrap().unwrap().bytes,
        bytes
    );
}

#[tokio::test]
async fn a_body_that_breaks_off_is_read_again() {
    let Some(servers) = servers() else { return };
    let network = Network::default();
    let place = Place::new(servers.clients_over(&network, &[])).await;
    let bucket = Bucket::new(place.clients.s3, &place.address.bucket, &journal_id());
    bucket.put("a", b"something longer".to_vec()).await.unwrap();
    network.next("GET", 2, Fault::Cut);
    assert_eq!(
        bucket.get("a", 100).await.unwrap().unwrap().bytes,
        b"something longer"
    );
    network.next("GET", 3, Fault::Cut);
    let error = bucket.get("a", 100).await.unwrap_err();
    assert!(matches!(error, ReadError::Unavailable(_)), "{error:?}");
    network.heal();
    // A write that was done and not answered is sent again, and finds itself.
    network.next("PUT", 1, Fault::Hidden);
    assert!(!bucket.put_new("b", b"once".to_vec()).await.unwrap());
    assert_eq!(bucket.get("b", 100).await.unwrap().unwrap().bytes, b"once");
    network.next(
        "PUT",
        1,
        Fault::Answered(503, "<Error><Code>SlowDown</Code></Error>".to_owned()),
    );
    assert!(bucket.put_new("c", b"once".to_vec()).await.unwrap());
}
