//! The second home on this machine: Amazon's DynamoDB Local for the table, moto for the rest of AWS, the tools beside them.
//!
//! Everything lies below `target/aws` and is fetched once. Tests find it by the variables of [`Servers::environment`].

use std::{
    ffi::OsString,
    fs, io,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::{Duration, SystemTime},
};

use anyhow::{Context, Result};

use crate::{process, tools};

mod dynamodb;
mod python;
mod server;
pub mod template;

pub use python::Tools;

use dynamodb::DynamoDb;
use server::Server;

/// Where all of it lies, below the workspace's root.
const FOLDER: &str = "target/aws";

/// A machine that compiles at the same time starts a Java program slowly.
const READY_WITHIN: Duration = Duration::from_secs(120);
/// Logs stay for whoever asks why a test failed, but not for ever: each start has files of its own.
const LOGS_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(clap::Args)]
pub struct Options {
    /// What to run beside the servers; without it they run until stdin closes
    #[arg(last = true)]
    command: Vec<OsString>,
}

/// Runs a command beside the servers and passes its exit code on, or says where they are and waits.
pub fn run(root: &Path, options: &Options) -> Result<ExitCode> {
    tools::java_maven_and_python()?;
    let servers = Servers::start(root)?;
    let Some((program, arguments)) = options.command.split_first() else {
        for (name, value) in servers.environment() {
            println!("export {name}={}", value.display());
        }
        io::copy(&mut io::stdin(), &mut io::sink()).context("could not wait on stdin")?;
        return Ok(ExitCode::SUCCESS);
    };
    let mut command = Command::new(program);
    command.args(arguments);
    servers.show(&mut command);
    let status = command
        .status()
        .with_context(|| format!("could not start `{}`", process::shown(&command)))?;
    // As a shell reports what a signal ended.
    let code = status.code().or_else(|| Some(128 + status.signal()?));
    Ok(code
        .and_then(|code| u8::try_from(code).ok())
        .map_or(ExitCode::FAILURE, ExitCode::from))
}

/// DynamoDB Local and moto; both end when this is dropped.
pub struct Servers {
    dynamodb: Server,
    moto: Server,
    tools: PathBuf,
}

impl Servers {
    /// Fetches what is missing, starts both and waits until they answer.
    pub fn start(root: &Path) -> Result<Self> {
        let dynamodb = DynamoDb::installed(root)?;
        let tools = Tools::installed(root)?;
        let logs = logs(&root.join(FOLDER))?;
        let mut servers = Self {
            dynamodb: Server::start("dynamodb", &logs, |guard, port| dynamodb.serve(guard, port))?,
            moto: Server::start("moto", &logs, |guard, port| tools.serve_moto(guard, port))?,
            tools: tools.folder().to_owned(),
        };
        servers.dynamodb.ready(READY_WITHIN)?;
        servers.moto.ready(READY_WITHIN)?;
        Ok(servers)
    }

    /// Where tests find the servers and tools, and credentials that open nothing else.
    pub fn environment(&self) -> [(&'static str, OsString); 10] {
        [
            ("TRAILMARK_TEST_DYNAMODB", self.dynamodb.url().into()),
            ("TRAILMARK_TEST_S3", self.moto.url().into()),
            ("TRAILMARK_TEST_TOOLS", self.tools.clone().into()),
            ("TRAILMARK_TEST_AWS", "required".into()),
            ("AWS_ACCESS_KEY_ID", "test".into()),
            ("AWS_SECRET_ACCESS_KEY", "test".into()),
            ("AWS_REGION", "eu-west-1".into()),
            ("AWS_EC2_METADATA_DISABLED", "true".into()),
            ("AWS_CONFIG_FILE", "/dev/null".into()),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null".into()),
        ]
    }

    /// Makes a command see the servers, and nothing of an account that whoever runs this may have.
    pub fn show(&self, command: &mut Command) {
        hide(command);
        command.envs(self.environment());
    }
}

/// Takes from a command whatever says where tests find AWS.
pub fn hide(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("AWS_") || text.starts_with("TRAILMARK_TEST_") {
            command.env_remove(&name);
        }
    }
}

/// Makes the folder of the logs and removes the old ones from it.
fn logs(aws: &Path) -> Result<PathBuf> {
    let logs = aws.join("logs");
    let old = SystemTime::now() - LOGS_KEPT;
    let tidy = || -> io::Result<()> {
        fs::create_dir_all(&logs)?;
        for entry in fs::read_dir(&logs)? {
            let path = entry?.path();
            // Somebody else who starts now may have been faster.
            if fs::metadata(&path).is_ok_and(|log| log.modified().is_ok_and(|at| at < old))
                && let Err(error) = fs::remove_file(&path)
                && error.kind() != io::ErrorKind::NotFound
            {
                return Err(error);
            }
        }
        Ok(())
    };
    tidy().with_context(|| format!("could not tidy `{}`", logs.display()))?;
    Ok(logs)
}
