//! A home folder, a working directory and, where asked for, a server: nothing of this machine's user is seen or kept.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::{fs, thread};

use serde_json::Value;
use tempfile::TempDir;

const READY: &str = "listening on ";
const FIRST_KEY: &str = "first admin key: ";

/// A place for one test. It goes with everything in it.
pub struct World {
    folder: TempDir,
}

/// What a command did.
#[derive(Debug)]
pub struct Done {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl World {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["home", "work"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        Self { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The working directory of every command.
    pub fn work(&self) -> PathBuf {
        self.path("work")
    }

    pub fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// Writes a file into the working directory.
    pub fn file(&self, name: &str, text: &str) {
        let path = self.work().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A command that sees nothing of the environment that the tests run in, but where programs are.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.path("home"))
            .env("LC_ALL", "C")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .current_dir(self.work())
            .stdin(Stdio::null());
        command
    }

    pub fn trailmark(&self) -> Command {
        self.command(env!("CARGO_BIN_EXE_trailmark"))
    }

    /// Runs a command without a server.
    pub fn run(&self, arguments: &[&str]) -> Done {
        Done::of(self.trailmark().args(arguments).output().unwrap())
    }

    /// Commits the working directory's files as somebody, and returns the commit.
    pub fn commit(&self, author: &str, message: &str) -> String {
        let git = |arguments: &[&str]| {
            let mut command = self.command("git");
            for role in ["AUTHOR", "COMMITTER"] {
                command
                    .env(format!("GIT_{role}_NAME"), author)
                    .env(format!("GIT_{role}_EMAIL"), format!("{author}@example.com"))
                    .env(format!("GIT_{role}_DATE"), "2026-01-02T03:04:05Z");
            }
            let output = command.args(arguments).output().unwrap();
            assert!(output.status.success(), "git {arguments:?}: {output:?}");
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        if !self.work().join(".git").exists() {
            git(&["init", "--quiet", "--initial-branch=main"]);
            git(&[
                "remote",
                "add",
                "origin",
                "https://bot:s3cret@git.example/acme/web.git",
            ]);
        }
        git(&["add", "--all"]);
        git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        git(&["rev-parse", "HEAD"])
    }
}

impl Done {
    pub fn of(output: Output) -> Self {
        Self {
            code: output.status.code().expect("it was ended by a signal"),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The answer as JSON, of a command that was done.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }
}

/// A running server. It is ended with the test, whatever becomes of it.
pub struct Server {
    child: Child,
    pub url: String,
    /// What it printed until it was ready.
    pub said: Vec<String>,
}

impl Server {
    /// Starts a server on a free port, and waits until it listens.
    pub fn start(world: &World, arguments: &[&str]) -> Self {
        Self::spawn(world, arguments).unwrap_or_else(|done| panic!("the server ended: {done:?}"))
    }

    /// As [`Server::start`]; a server that ends instead says why.
    pub fn spawn(world: &World, arguments: &[&str]) -> Result<Self, Done> {
        let mut child = world
            .trailmark()
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .env("TRAILMARK_DATA", world.data())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = child.stderr.take().unwrap();
        // Read to the end, so that the server never waits for its log to be read.
        let log = thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).map(|_| text)
        });
        let mut said = Vec::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            let url = line.strip_prefix(READY).map(str::to_owned);
            said.push(line);
            if let Some(url) = url {
                return Ok(Self { child, url, said });
            }
        }
        let output = Output {
            status: child.wait().unwrap(),
            stdout: said.join("\n").into_bytes(),
            stderr: log.join().unwrap().unwrap().into_bytes(),
        };
        Err(Done::of(output))
    }

    pub fn first_key(&self) -> Option<&str> {
        self.said
            .iter()
            .find_map(|line| line.strip_prefix(FIRST_KEY))
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks the server to end, waits until it has, and returns its exit code.
    pub fn stop(mut self) -> i32 {
        self.signal("TERM");
        self.child
            .wait()
            .unwrap()
            .code()
            .expect("it did not end by itself")
    }

    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("sh")
            .args(["-c", r#"kill -s "$0" "$1""#, name, &id])
            .status()
            .unwrap();
        assert!(status.success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already when a test stopped it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Somebody who types commands: at a server, with a key.
pub struct User<'a> {
    world: &'a World,
    url: String,
    token: String,
}

impl<'a> User<'a> {
    pub fn new(world: &'a World, server: &Server, token: &str) -> Self {
        Self {
            world,
            url: server.url.clone(),
            token: token.to_owned(),
        }
    }

    /// The first admin of a new journal.
    pub fn admin(world: &'a World, server: &Server) -> Self {
        Self::new(
            world,
            server,
            server.first_key().expect("the journal is new"),
        )
    }

    /// Adds a key for somebody.
    pub fn with_key(&self, arguments: &[&str]) -> Self {
        let added = self.ask(&[&["key", "add"], arguments].concat());
        let token = added["token"].as_str().unwrap().to_owned();
        Self {
            world: self.world,
            url: self.url.clone(),
            token,
        }
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.world.trailmark();
        command
            .args(arguments)
            .env("TRAILMARK_URL", &self.url)
            .env("TRAILMARK_TOKEN", &self.token);
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Done {
        Done::of(self.command(arguments).output().unwrap())
    }

    /// Types a command that succeeds, and returns its answer.
    pub fn ask(&self, arguments: &[&str]) -> Value {
        self.run(&[arguments, &["--json"]].concat())
            .expect(0)
            .json()
    }
}

/// Whether a path is readable by its owner alone.
pub fn is_private(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).unwrap().permissions().mode() & 0o077 == 0
}
