pub(super) mod journal;
pub(super) mod keys;
mod logging;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;
use model::Name;
use recorder::{NewKey, Recorder};
use serde_json::json;

use self::journal::Opened;
use self::logging::LogFormat;
use super::Global;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::folder;
use crate::signature;

const LISTEN_DEFAULT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 7070);
/// After a failure of what runs beside the requests.
const PAUSE: Duration = Duration::from_secs(10);
/// What threads beside the requests are given to end.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// Runs the recorder on this machine.
///
/// At its first start it creates a journal, and prints the first admin key once.
///
/// It listens on this machine alone: to serve others, put a proxy with TLS in front of it.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The data folder [default: `trailmark` in `$XDG_DATA_HOME` or `~/.local/share`].
    #[arg(long, env = "TRAILMARK_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where to listen; port 0 takes a free one.
    #[arg(long, env = "TRAILMARK_LISTEN", value_name = "ADDRESS", default_value_t = LISTEN_DEFAULT)]
    listen: SocketAddr,
    /// For a new journal: what the organisation is called.
    #[arg(
        long,
        env = "TRAILMARK_NAME",
        value_name = "ORG",
        default_value = "local"
    )]
    name: Name,
    /// For a new journal: one person may bind policies alone, which every decision then shows.
    #[arg(long)]
    solo: bool,
    /// For a new journal: a key may speak for a person, and approve.
    #[arg(long)]
    people_by_key: bool,
    /// Where the newest checkpoint is kept, outside the data folder, so that an old copy of it is noticed
    /// [default: in `trailmark` in `$XDG_STATE_HOME` or `~/.local/state`].
    #[arg(long, env = "TRAILMARK_CHECKPOINT_FILE", value_name = "FILE")]
    checkpoint_file: Option<PathBuf>,
    /// A public key, PEM: only policies run that it signed, whatever the journal demands; with several, the signature of
    /// one is enough. Each decision says so.
    #[arg(long, value_name = "FILE")]
    policy_key: Vec<PathBuf>,
    /// How the log on standard error is written.
    #[arg(long, env = "TRAILMARK_LOG_FORMAT", value_enum, default_value_t)]
    log_format: LogFormat,
}

impl Serve {
    pub(crate) fn run(self, global: &Global) -> Result<Exit> {
        logging::start(self.log_format)?;
        let runtime = tokio::runtime::Runtime::new().context("could not start the server")?;
        let served = runtime.block_on(self.serve(global));
        runtime.shutdown_timeout(STOP_TIMEOUT);
        served.map(|()| Exit::Done)
    }

    async fn serve(self, global: &Global) -> Result<()> {
        // Asked for before anything else: a signal that comes early is not lost.
        let stop = stop_signal()?;
        // Before a journal is made: a second server on the port must leave nothing behind.
        let listener = self.listener().await?;
        let policy_keys = signature::keys(&self.policy_key)?;
        let mut opened = self.open().await?;
        opened.parts.policy_keys = policy_keys;
        let recorder = Arc::new(Recorder::start(opened.parts).await?);
        self.check_genesis(&recorder)?;
        let first_key = recorder
            .add_first_key()
            .await
            .context("could not add the first admin key")?;
        if let Some(reason) = recorder.store().status().await?.read_only {
            tracing::warn!(%reason, "the journal takes no writes; see `trailmark recover --help`");
        }
        let address = listener.local_addr()?;
        greet(global, &opened.about, first_key.as_ref(), address)?;
        tracing::info!(%address, journal = %opened.about.journal, "started");

        let heads = tokio::spawn(keep_heads(recorder.clone()));
        let limits = api::Limits::default();
        let routes = api::all(api::AppState::new(recorder, limits.clone()));
        let served = api::serve(listener, routes, &limits, stop).await;
        heads.abort();
        tracing::info!("stopped");
        served.context("the server did not end in good order")
    }

    async fn listener(&self) -> Result<tokio::net::TcpListener> {
        if !self.listen.ip().is_loopback() {
            let failure = Failure::usage(format!(
                "`{}` can be reached from other machines, and the recorder speaks no TLS",
                self.listen
            ));
            let hint =
                "listen on 127.0.0.1, and put a proxy with TLS in front of it for other machines";
            return Err(failure.with_hint(hint).into());
        }
        tokio::net::TcpListener::bind(self.listen)
            .await
            .map_err(|error| {
                let hint = "is another recorder running? Name another address: `--listen`";
                Failure::new(
                    Exit::Failed,
                    format!("could not listen on `{}`", self.listen),
                )
                .because(error)
                .with_hint(hint)
                .into()
            })
    }

    async fn open(&self) -> Result<Opened> {
        let data = match &self.data {
            Some(data) => data.clone(),
            None => folder::data()?,
        };
        journal::open(
            &data,
            self.checkpoint_file.clone(),
            &self.name,
            &recorder::Charter {
                name: self.name.to_string(),
                people_by_key: self.people_by_key,
                solo: self.solo,
            },
        )
        .await
    }

    /// What genesis says is said for ever: a flag that asks for more is not passed over in silence.
    fn check_genesis(&self, recorder: &Recorder) -> Result<()> {
        let definitions = recorder.definitions();
        let asked = [
            ("--solo", self.solo, definitions.solo),
            (
                "--people-by-key",
                self.people_by_key,
                definitions.people_by_key,
            ),
        ];
        match asked.iter().find(|(_, asked, said)| *asked && !said) {
            Some((flag, ..)) => Err(Failure::usage(format!(
                "`{flag}` is only for a new journal, and this one's genesis does not say so"
            ))
            .with_hint("leave the flag out, or begin another journal: `--data`")
            .into()),
            None => Ok(()),
        }
    }
}

/// Tells whoever started the server what they need, in this order: the journal, the first key, the address.
fn greet(
    global: &Global,
    about: &journal::About,
    first_key: Option<&NewKey>,
    address: SocketAddr,
) -> Result<()> {
    let output = global.output();
    output.answer(&about, |page| {
        let made = if about.created {
            "created in"
        } else {
            "opened in"
        };
        page.fields([
            (
                "journal",
                format!("{} {made} {}", about.journal, about.data.display()),
            ),
            ("log key", about.log_key.clone()),
            ("permit key", about.permit_key.clone()),
        ]);
    })?;
    if let Some(key) = first_key {
        output.must_be_read(&json!({ "first_admin_key": key }), |page| {
            page.line(format!("first admin key: {}", key.token));
            page.line("It is shown this once: keep it where secrets are kept.");
        })?;
    }
    let url = format!("http://{address}");
    output.answer(&json!({ "listening": url }), |page| {
        page.line(format!("listening on {url}"));
    })
}

/// Keeps the log's `heads` entries coming; a failure is told and tried again.
async fn keep_heads(recorder: Arc<Recorder>) {
    while let Err(error) = recorder.keep_heads().await {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "could not write a `heads` entry"
        );
        tokio::time::sleep(PAUSE).await;
    }
}

/// Resolves when the process is asked to end.
#[cfg(unix)]
fn stop_signal() -> Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).context("could not wait for signals")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("could not wait for signals")?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Resolves when the process is asked to end.
#[cfg(not(unix))]
fn stop_signal() -> Result<impl Future<Output = ()>> {
    Ok(async {
        // Without a way to be told, the server runs until it is ended.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}
