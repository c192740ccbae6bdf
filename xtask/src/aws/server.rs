//! One server: started, asked until it answers, and ended with whoever started it.

use std::{
    fs::{self, File},
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::process;

const STOPPED_WITHIN: Duration = Duration::from_secs(20);
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Between two questions to a server that does not listen yet.
const PAUSE: Duration = Duration::from_millis(50);
/// As much of a log as says why a server ended.
const TAIL_LINES: usize = 20;

/// A server on a port of this machine; it ends when this is dropped, or when this process ends in whatever way.
pub struct Server {
    name: &'static str,
    guard: Option<Child>,
    address: SocketAddr,
    log: PathBuf,
}

impl Server {
    /// Starts a server on a free port; all it says goes to a file in `logs`.
    pub fn start(
        name: &'static str,
        logs: &Path,
        serve: impl FnOnce(&mut Command, u16),
    ) -> Result<Self> {
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let log = logs.join(format!("{name}-{}.log", address.port()));
        let file =
            File::create(&log).with_context(|| format!("could not make `{}`", log.display()))?;
        let mut guard = process::guarded();
        serve(&mut guard, address.port());
        let child = guard
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("could not start {name}"))?;
        Ok(Self {
            name,
            guard: Some(child),
            address,
            log,
        })
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits until the server answers; one that ends, or stays silent past `limit`, is an error with the end of its log.
    pub fn ready(&mut self, limit: Duration) -> Result<()> {
        let deadline = Instant::now() + limit;
        while !answers(self.address) {
            if let Some(guard) = &mut self.guard
                && let Some(status) = guard.try_wait()?
            {
                bail!("{} ended with {status}; {}", self.name, self.last_words());
            }
            if Instant::now() >= deadline {
                bail!(
                    "{} did not answer within {} s; {}",
                    self.name,
                    limit.as_secs(),
                    self.last_words()
                );
            }
            thread::sleep(PAUSE);
        }
        Ok(())
    }

    fn last_words(&self) -> String {
        let said = fs::read(&self.log).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        let lines: Vec<_> = said.lines().collect();
        let from = lines.len().saturating_sub(TAIL_LINES);
        let tail = lines.get(from..).unwrap_or_default().join("\n");
        format!("the end of `{}`:\n{tail}", self.log.display())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(guard) = self.guard.take()
            && let Err(error) = process::release(guard, STOPPED_WITHIN)
        {
            println!("{}: {error:#}", self.name);
        }
    }
}

/// Whether somebody speaks HTTP there; what is answered does not matter.
fn answers(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<[u8; 5]> {
        let mut stream = TcpStream::connect_timeout(&address, ANSWER_WITHIN)?;
        stream.set_read_timeout(Some(ANSWER_WITHIN))?;
        stream.write_all(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
        let mut begin = [0; 5];
        stream.read_exact(&mut begin)?;
        Ok(begin)
    };
    ask().is_ok_and(|begin| &begin == b"HTTP/")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    fn start(folder: &tempfile::TempDir, script: &str) -> Server {
        Server::start("test", folder.path(), |guard, port| {
            guard
                .args(["sh", "-c", script])
                .env("PORT", port.to_string());
        })
        .unwrap()
    }

    #[test]
    fn a_server_that_dies_at_start_is_reported_with_the_end_of_its_log() {
        let folder = tempfile::tempdir().unwrap();
        let script = "seq 100; echo the port is taken >&2; exit 9";
        let error = start(&folder, script).ready(LIMIT).unwrap_err().to_string();
        assert!(
            error.starts_with("test ended with exit status: 9"),
            "{error}"
        );
        assert!(error.ends_with("\n100\nthe port is taken"), "{error}");
        assert!(!error.contains("\n50\n"), "{error}");
    }

    #[test]
    fn a_server_that_never_answers_is_reported() {
        let folder = tempfile::tempdir().unwrap();
        let mut server = start(&folder, "echo hello; while :; do sleep 0.05; done");
        let error = server.ready(Duration::ZERO).unwrap_err().to_string();
        assert!(
            error.starts_with("test did not answer within 0 s"),
            "{error}"
        );
    }

    #[test]
    fn a_server_is_ready_when_it_answers_whatever_it_says() {
        let folder = tempfile::tempdir().unwrap();
        let mut server = start(&folder, "while :; do sleep 0.05; done");
        let listener = TcpListener::bind(server.address).unwrap();
        let answering = thread::spawn(move || {
            let (mut silent, _) = listener.accept().unwrap();
            assert!(silent.read(&mut [0; 64]).unwrap() > 0);
            drop(silent);
            let (mut stream, _) = listener.accept().unwrap();
            stream
                .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                .unwrap();
        });
        server.ready(LIMIT).unwrap();
        answering.join().unwrap();
        assert_eq!(server.url(), format!("http://{}", server.address));
    }
}
