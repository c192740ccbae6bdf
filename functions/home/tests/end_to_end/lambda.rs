//! What Lambda is to a function: a runtime API that gives events out and takes answers, and a process.

use std::collections::HashMap;
use std::io::Read;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Mutex as AsyncMutex, mpsc, oneshot};

/// Lambda's own limit of an event and of an answer.
const PAYLOAD_BYTES_MAX: usize = 6 * 1024 * 1024;
/// What a test waits for, on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long an invocation may take, where nothing else is said.
const TIMEOUT: Duration = Duration::from_secs(29);

/// An instance of a function, from its start to its end.
pub struct Instance {
    api: Arc<Api>,
    pub child: Child,
    output: Option<JoinHandle<String>>,
    errors: Option<JoinHandle<String>>,
}

/// The runtime API of one instance.
#[derive(Default)]
struct Api {
    events: AsyncMutex<Option<mpsc::UnboundedReceiver<Invocation>>>,
    queue: Mutex<Option<mpsc::UnboundedSender<Invocation>>>,
    waiting: Mutex<HashMap<String, oneshot::Sender<Result<Value, Value>>>>,
    failed: Mutex<Option<oneshot::Sender<Value>>>,
}

struct Invocation {
    id: String,
    event: String,
    deadline: SystemTime,
}

impl Instance {
    /// Starts a function and waits for nothing.
    pub async fn start(function: &str, environment: &[(&str, String)]) -> Self {
        Self::started(function, environment, Arc::default()).await
    }

    /// Starts a function that cannot run, and returns what it tells Lambda.
    pub async fn refused(function: &str, environment: &[(&str, String)]) -> String {
        let (failed, reason) = oneshot::channel();
        let api = Arc::new(Api::default());
        *api.failed.lock().unwrap() = Some(failed);
        let mut instance = Self::started(function, environment, api).await;
        let reason = tokio::time::timeout(PATIENCE, reason)
            .await
            .unwrap()
            .unwrap();
        let child = &mut instance.child;
        let status = tokio::task::block_in_place(|| child.wait()).unwrap();
        assert!(!status.success());
        reason["errorMessage"].as_str().unwrap().to_owned()
    }

    async fn started(function: &str, environment: &[(&str, String)], api: Arc<Api>) -> Self {
        let (queue, events) = mpsc::unbounded_channel();
        *api.queue.lock().unwrap() = Some(queue);
        *api.events.lock().await = Some(events);
        let address = serve(api.clone()).await;
        let mut child = Command::new(program(function))
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", function)
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // What it says is taken all the time: a full pipe would stop it.
        let output = child.stdout.take().map(taken);
        let errors = child.stderr.take().map(taken);
        Self {
            api,
            child,
            output,
            errors,
        }
    }

    /// Sends an event; the error is what the function tells Lambda.
    pub async fn invoke(&self, event: &Value) -> Result<Value, Value> {
        self.invoke_within(event, TIMEOUT).await
    }

    /// The same with another time to answer.
    pub async fn invoke_within(&self, event: &Value, timeout: Duration) -> Result<Value, Value> {
        let event = event.to_string();
        let id = format!("{:032x}", rand());
        let (answered, answer) = oneshot::channel();
        self.api
            .waiting
            .lock()
            .unwrap()
            .insert(id.clone(), answered);
        let invocation = Invocation {
            id,
            event,
            deadline: SystemTime::now() + timeout,
        };
        self.api
            .queue
            .lock()
            .unwrap()
            .as_ref()
            .unwrap()
            .send(invocation)
            .unwrap();
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(answer) => answer.unwrap(),
            Err(_) => panic!("no answer within {PATIENCE:?}"),
        }
    }

    /// Ends the process, as Lambda does with one that idles, and returns its log.
    pub fn end(mut self) -> Log {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let said = |taken: Option<JoinHandle<String>>| taken.unwrap().join().unwrap();
        Log {
            output: said(self.output.take()),
            errors: said(self.errors.take()),
        }
    }
}

/// Takes all that a process writes, on a thread of its own.
fn taken(mut from: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut text = String::new();
        from.read_to_string(&mut text).unwrap();
        text
    })
}

/// What an instance wrote.
pub struct Log {
    pub output: String,
    pub errors: String,
}

impl Drop for Instance {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Finds a function's program beside the tests: whatever builds the workspace's tests builds it.
pub fn program(function: &str) -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let folder = tests.parent().unwrap().parent().unwrap();
    let program = folder.join(format!("{function}{}", std::env::consts::EXE_SUFFIX));
    assert!(
        program.is_file(),
        "`{}` is missing: `cargo build --workspace --bins` makes it",
        program.display()
    );
    program
}

async fn serve(api: Arc<Api>) -> SocketAddr {
    let router = Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route(
            "/2018-06-01/runtime/invocation/{id}/response",
            post(response),
        )
        .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
        .route("/2018-06-01/runtime/init/error", post(not_started))
        .layer(axum::extract::DefaultBodyLimit::max(PAYLOAD_BYTES_MAX))
        .with_state(api);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

async fn next(State(api): State<Arc<Api>>) -> Response {
    let mut events = api.events.lock().await;
    let Some(invocation) = events.as_mut().unwrap().recv().await else {
        return StatusCode::GONE.into_response();
    };
    let deadline = invocation.deadline.duration_since(UNIX_EPOCH).unwrap();
    let headers = [
        ("lambda-runtime-aws-request-id", invocation.id),
        (
            "lambda-runtime-deadline-ms",
            deadline.as_millis().to_string(),
        ),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:eu-west-1:123456789012:function:f".to_owned(),
        ),
    ];
    (headers, invocation.event).into_response()
}

async fn response(State(api): State<Arc<Api>>, Path(id): Path<String>, body: Bytes) -> StatusCode {
    answer(&api, &id, Ok(serde_json::from_slice(&body).unwrap()))
}

async fn error(State(api): State<Arc<Api>>, Path(id): Path<String>, body: Bytes) -> StatusCode {
    answer(&api, &id, Err(serde_json::from_slice(&body).unwrap()))
}

fn answer(api: &Api, id: &str, answer: Result<Value, Value>) -> StatusCode {
    let waiting = api.waiting.lock().unwrap().remove(id);
    match waiting.map(|waiting| waiting.send(answer)) {
        Some(Ok(())) => StatusCode::ACCEPTED,
        _ => StatusCode::GONE,
    }
}

async fn not_started(State(api): State<Arc<Api>>, body: Bytes) -> StatusCode {
    let reason = serde_json::from_slice(&body).unwrap_or_else(|_| json!({}));
    if let Some(failed) = api.failed.lock().unwrap().take() {
        let _ = failed.send(reason);
    } else {
        eprintln!("a function did not start: {reason}");
    }
    StatusCode::ACCEPTED
}

/// A number that no other test has.
pub fn rand() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one("a test")
}
