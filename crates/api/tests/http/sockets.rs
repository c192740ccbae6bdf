//! What only real connections show: chunks, lengths that lie, slow bodies, the end of the server.

use std::net::SocketAddr;
use std::time::Duration;

use api::Limits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::world::{World, trail_event};

struct Server {
    world: World,
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<std::io::Result<()>>,
}

impl Server {
    async fn start(limits: Limits) -> Self {
        let world = World::with(limits.clone()).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let router = world.router.clone();
        let served = tokio::spawn(async move {
            api::serve(listener, router, &limits, async { drop(stopped.await) }).await
        });
        Self {
            world,
            address,
            stop,
            served,
        }
    }

    /// Sends bytes as they are and returns all that comes back until the connection ends.
    async fn exchange(&self, head: &str, body: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let token = &self.world.reporter;
        let head = format!(
            "{head}\r\nhost: test\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        // The server may have answered and closed before all of it is sent.
        let _ = stream.write_all(body).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    }
}

fn chunked(body: &[u8], piece: usize) -> Vec<u8> {
    let mut sent = Vec::new();
    for chunk in body.chunks(piece) {
        sent.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        sent.extend_from_slice(chunk);
        sent.extend_from_slice(b"\r\n");
    }
    sent.extend_from_slice(b"0\r\n\r\n");
    sent
}

const POST: &str = "POST /v1/events HTTP/1.1\r\ncontent-type: application/json";

#[tokio::test]
async fn a_body_in_chunks_is_read_and_one_over_the_limit_refused() {
    let server = Server::start(Limits {
        body_bytes_max: 1_000,
        ..Limits::default()
    })
    .await;
    let size = server.world.size().await;
    let head = format!("{POST}\r\ntransfer-encoding: chunked");
    let event = trail_event("one").to_string();
    let answer = server.exchange(&head, &chunked(event.as_bytes(), 7)).await;
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    for bytes in [1_001, 3_000, 100_000] {
        let answer = server
            .exchange(&head, &chunked(&vec![b' '; bytes], 500))
            .await;
        assert!(
            answer.starts_with("HTTP/1.1 413 ") && answer.contains("body-too-large"),
            "{bytes}: {answer}"
        );
    }
    assert_eq!(server.world.size().await, size + 1);
}

#[tokio::test]
async fn a_length_that_lies_brings_nothing_into_the_journal() {
    let limits = Limits {
        body_bytes_max: 1_000,
        body_timeout: Duration::from_millis(200),
        ..Limits::default()
    };
    let server = Server::start(limits).await;
    let size = server.world.size().await;
    let event = trail_event("one").to_string();
    let declared = |bytes: usize| format!("{POST}\r\ncontent-length: {bytes}");
    let short = server
        .exchange(&declared(event.len() - 1), event.as_bytes())
        .await;
    assert!(
        short.starts_with("HTTP/1.1 400 ") && short.contains("invalid-json"),
        "{short}"
    );
    let long = server
        .exchange(&declared(event.len() + 1), event.as_bytes())
        .await;
    assert!(
        long.starts_with("HTTP/1.1 408 ") && long.contains("body-too-slow"),
        "{long}"
    );
    let huge = server.exchange(&declared(1 << 60), event.as_bytes()).await;
    assert!(huge.starts_with("HTTP/1.1 413 "), "{huge}");
    let both = format!("{POST}\r\ncontent-length: 5\r\ntransfer-encoding: chunked");
    let both = server.exchange(&both, &chunked(b"[]", 2)).await;
    assert!(both.starts_with("HTTP/1.1 4"), "{both}");
    assert_eq!(server.world.size().await, size);
}

#[tokio::test]
async fn who_asks_before_sending_too_much_is_told_at_once() {
    let server = Server::start(Limits::default()).await;
    let head = format!("{POST}\r\ncontent-length: 9000000\r\nexpect: 100-continue");
    let answer = server.exchange(&head, b"").await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn headers_over_the_limit_are_refused() {
    let server = Server::start(Limits::default()).await;
    let long = |bytes: usize| format!("GET /healthz HTTP/1.1\r\nx: {}", "x".repeat(bytes));
    let told = server.exchange(&long(17_000), b"").await;
    assert!(
        told.starts_with("HTTP/1.1 431 ") && told.contains("headers-too-large"),
        "{told}"
    );
    let unread = server.exchange(&long(100_000), b"").await;
    assert!(
        unread.starts_with("HTTP/1.1 431 ") || unread.is_empty(),
        "{unread}"
    );
}

#[tokio::test]
async fn a_stop_answers_what_is_in_flight_and_takes_nothing_new() {
    let server = Server::start(Limits::default()).await;
    let size = server.world.size().await;
    let event = trail_event("one").to_string();
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let token = &server.world.reporter;
    let head = format!(
        "{POST}\r\nhost: test\r\nauthorization: Bearer {token}\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        event.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // The server asks for the body: the request is in flight.
    let mut asked = [0; 25];
    stream.read_exact(&mut asked).await.unwrap();
    assert!(asked.starts_with(b"HTTP/1.1 100 Continue"));
    server.stop.send(()).unwrap();
    while TcpStream::connect(server.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    stream.write_all(event.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    server.served.await.unwrap().unwrap();
    assert_eq!(server.world.size().await, size + 1);
}

#[tokio::test]
async fn a_stop_does_not_wait_for_ever() {
    let limits = Limits {
        shutdown_timeout: Duration::from_millis(100),
        ..Limits::default()
    };
    let server = Server::start(limits).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let token = &server.world.reporter;
    let head = format!(
        "{POST}\r\nhost: test\r\nauthorization: Bearer {token}\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut asked = [0; 25];
    stream.read_exact(&mut asked).await.unwrap();
    server.stop.send(()).unwrap();
    assert_eq!(
        server.served.await.unwrap().unwrap_err().kind(),
        std::io::ErrorKind::TimedOut
    );
}
