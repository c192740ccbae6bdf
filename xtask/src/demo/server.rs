//! A `trailmark serve` that lives as long as the demo.

use std::{
    fs::File,
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::{process, scratch::Scratch};

/// A first start makes keys and compiles the stock component; a later one takes a moment.
const READY_WITHIN: Duration = Duration::from_secs(60);
const STOPPED_WITHIN: Duration = Duration::from_secs(20);

/// A running server; it is asked to end when this is dropped, too.
pub struct Server {
    child: Option<Child>,
    /// What it said until it was ready: the first admin key is among it.
    pub said: Vec<String>,
}

impl Server {
    /// Starts the server and waits until a line contains `ready`; all it says goes to `server.log` in the scratch.
    pub fn start(command: &mut Command, scratch: &Scratch, ready: &str) -> Result<Self> {
        let path = scratch.folder.join("server.log");
        let log =
            File::create(&path).with_context(|| format!("could not make `{}`", path.display()))?;
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log.try_clone()?)
            .spawn()
            .context("could not start the server")?;
        let lines = child
            .stdout
            .take()
            .map(|out| copy(out, log))
            .context("the server has no output")?;
        let mut server = Self {
            child: Some(child),
            said: Vec::new(),
        };
        server
            .wait_until(&lines, ready)
            .with_context(|| format!("see `{}`", path.display()))?;
        Ok(server)
    }

    /// Asks the server to end (SIGTERM) and waits until it has; anything but a clean end is an error.
    pub fn stop(mut self) -> Result<()> {
        let Some(child) = self.child.take() else {
            return Ok(());
        };
        let status = process::terminate(child, STOPPED_WITHIN)?;
        if !status.success() {
            bail!("the server ended with {status}");
        }
        Ok(())
    }

    fn wait_until(&mut self, lines: &Receiver<String>, ready: &str) -> Result<()> {
        let deadline = Instant::now() + READY_WITHIN;
        while let Ok(line) = lines.recv_timeout(deadline.saturating_duration_since(Instant::now()))
        {
            let done = line.contains(ready);
            self.said.push(line);
            if done {
                return Ok(());
            }
        }
        bail!(
            "the server ended or was not ready within {} s",
            READY_WITHIN.as_secs()
        )
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = self.child.take()
            && let Err(error) = process::terminate(child, STOPPED_WITHIN)
        {
            println!("{error:#}");
        }
    }
}

/// Copies each line to the log for as long as the server speaks, so that it never waits for a reader.
fn copy(out: ChildStdout, mut log: File) -> Receiver<String> {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            // Losing a line of the log, or nobody listening any more, must not stop the server.
            let _ = writeln!(log, "{line}");
            let _ = send.send(line);
        }
    });
    receive
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(folder: &tempfile::TempDir, script: &str) -> Result<Server> {
        let scratch = Scratch::fresh(folder.path(), "server").unwrap();
        Server::start(
            Command::new("sh").args(["-c", script]),
            &scratch,
            "listening",
        )
    }

    #[test]
    fn a_server_that_ends_cleanly_after_sigterm_is_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let script =
            "trap 'exit 0' TERM; echo key: abc; echo listening; while :; do sleep 0.05; done";
        let server = start(&folder, script).unwrap();
        assert_eq!(server.said, ["key: abc", "listening"]);
        server.stop().unwrap();
    }

    #[test]
    fn a_server_that_dies_before_it_is_ready_is_an_error_that_names_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let error = start(&folder, "echo disk full >&2; exit 1").err().unwrap();
        assert!(format!("{error:#}").contains("server.log"), "{error:#}");
        let log = std::fs::read_to_string(folder.path().join("target/server/server.log")).unwrap();
        assert_eq!(log, "disk full\n");
    }

    #[test]
    fn a_server_that_ends_badly_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let server = start(
            &folder,
            "trap 'exit 9' TERM; echo listening; while :; do sleep 0.05; done",
        )
        .unwrap();
        assert!(server.stop().unwrap_err().to_string().contains('9'));
    }
}
