//! A load generator: keep-alive connections that send one request after the other.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

pub struct Load<'a> {
    pub clients: usize,
    pub requests: usize,
    pub path: &'a str,
    pub token: &'a str,
    pub bodies: &'a [String],
}

pub struct Found {
    elapsed: Duration,
    /// Sorted.
    latencies: Vec<Duration>,
}

impl Found {
    pub fn per_second(&self) -> f64 {
        f64::from(u32::try_from(self.latencies.len()).unwrap()) / self.elapsed.as_secs_f64()
    }

    pub fn quantile(&self, quantile: f64) -> Duration {
        quantile_of(&self.latencies, quantile)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a place in a list"
)]
pub fn quantile_of(sorted: &[Duration], quantile: f64) -> Duration {
    sorted[((sorted.len() - 1) as f64 * quantile) as usize]
}

pub async fn run(address: SocketAddr, load: Load<'_>) -> Found {
    let requests: Vec<Vec<u8>> = load
        .bodies
        .iter()
        .map(|body| request(&load, body))
        .collect();
    let requests: std::sync::Arc<[Vec<u8>]> = requests.into();
    let each = load.requests / load.clients;
    let start = Instant::now();
    let clients: Vec<_> = (0..load.clients)
        .map(|client| {
            let requests = requests.clone();
            tokio::spawn(async move {
                let mut stream = TcpStream::connect(address).await.unwrap();
                stream.set_nodelay(true).unwrap();
                let mut buffer = Vec::with_capacity(1 << 20);
                let mut latencies = Vec::with_capacity(each);
                for sent in 0..each {
                    let request = &requests[(client + sent * 7) % requests.len()];
                    let start = Instant::now();
                    stream.write_all(request).await.unwrap();
                    receive(&mut stream, &mut buffer).await;
                    latencies.push(start.elapsed());
                }
                latencies
            })
        })
        .collect();
    let mut latencies = Vec::with_capacity(load.requests);
    for client in clients {
        latencies.extend(client.await.unwrap());
    }
    let elapsed = start.elapsed();
    latencies.sort_unstable();
    Found { elapsed, latencies }
}

fn request(load: &Load<'_>, body: &str) -> Vec<u8> {
    format!(
        "POST {} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        load.path,
        load.token,
        body.len()
    )
    .into_bytes()
}

/// Reads one answer, which must be a success.
async fn receive(stream: &mut TcpStream, buffer: &mut Vec<u8>) {
    buffer.clear();
    let (head, length) = loop {
        assert!(
            stream.read_buf(buffer).await.unwrap() > 0,
            "the server hung up"
        );
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = std::str::from_utf8(&buffer[..end]).unwrap();
            assert!(
                head.starts_with("HTTP/1.1 20"),
                "{}",
                String::from_utf8_lossy(buffer)
            );
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse().unwrap());
            break (end + 4, length);
        }
    };
    while buffer.len() < head + length {
        assert!(
            stream.read_buf(buffer).await.unwrap() > 0,
            "the server hung up"
        );
    }
}
