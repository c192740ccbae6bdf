//! A network that does what networks do, between the clients and the services of a test: calls are lost, answers are
//! lost, services fail, throttle, cancel and are slow, on demand.
//!
//! DynamoDB Local never throttles, and never sees two transactions meet: [`Network::with_conflicts`] has it do so.

mod conflicts;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_sdk_dynamodb::config::http::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;

use self::conflicts::Conflicts;

/// What becomes of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It never arrives.
    Lost,
    /// It is done, and its answer never arrives.
    Hidden,
    /// It is not done, and this is the answer: a status and a body.
    Answered(u16, String),
    /// It is done, and this is the answer all the same.
    DoneButAnswered(u16, String),
    /// Its answer comes this much later than it should.
    Late(Duration),
    /// The connection breaks within the answer's body.
    Cut,
}

impl Fault {
    /// A cancelled transaction: the reason of each of its items.
    #[must_use]
    pub fn cancelled(reasons: &[&str]) -> Self {
        let message = format!(
            "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]",
            reasons.join(", ")
        );
        let reasons: Vec<_> = reasons
            .iter()
            .map(|code| serde_json::json!({ "Code": code, "Message": "as the test wants it" }))
            .collect();
        let body = serde_json::json!({
            "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
            "message": message,
            "CancellationReasons": reasons,
        });
        Self::Answered(400, body.to_string())
    }

    /// An error of the table's service, by its name.
    #[must_use]
    pub fn error(status: u16, name: &str) -> Self {
        let body = serde_json::json!({
            "__type": format!("com.amazonaws.dynamodb.v20120810#{name}"),
            "message": "as the test wants it",
        });
        Self::Answered(status, body.to_string())
    }
}

/// A call, as it was sent.
#[derive(Debug, Clone)]
pub struct Call {
    /// `TransactWriteItems` and the like, or `PUT`, `GET` … of an object.
    pub action: String,
    /// The path; an object's key is in it.
    pub path: String,
    /// The body, where it is text.
    pub body: String,
}

type Rule = Box<dyn FnMut(&Call) -> Option<Fault> + Send>;

/// The network between clients and services.
#[derive(Clone, Default)]
pub struct Network(Arc<Inner>);

#[derive(Default)]
struct Inner {
    rules: Mutex<Vec<Rule>>,
    calls: Mutex<Vec<Call>>,
    conflicts: Option<Conflicts>,
}

impl Network {
    /// A network on which transactions take some time, and those that meet on an item are cancelled, as in DynamoDB.
    #[must_use]
    pub fn with_conflicts(transaction: Duration) -> Self {
        Self(Arc::new(Inner {
            conflicts: Some(Conflicts::new(transaction)),
            ..Inner::default()
        }))
    }

    /// Asks a rule about every call from now on; the first that names a fault decides.
    pub fn add(&self, rule: impl FnMut(&Call) -> Option<Fault> + Send + 'static) {
        lock(&self.0.rules).push(Box::new(rule));
    }

    /// Does this to the next `count` calls of an action.
    pub fn next(&self, action: &'static str, count: usize, fault: Fault) {
        let mut left = count;
        self.add(move |call| {
            if left == 0 || call.action != action {
                return None;
            }
            left -= 1;
            Some(fault.clone())
        });
    }

    /// Forgets all rules.
    pub fn heal(&self) {
        lock(&self.0.rules).clear();
    }

    /// Returns the calls so far, and forgets them.
    #[must_use]
    pub fn take_calls(&self) -> Vec<Call> {
        std::mem::take(&mut lock(&self.0.calls))
    }

    /// Puts this network before an HTTP client.
    #[must_use]
    pub fn before(&self, client: SharedHttpClient) -> SharedHttpClient {
        let network = self.clone();
        http_client_fn(move |settings: &HttpConnectorSettings, components| {
            SharedHttpConnector::new(Connector {
                network: network.clone(),
                services: client.http_connector(settings, components),
            })
        })
    }

    fn fate(&self, call: &Call) -> Option<Fault> {
        lock(&self.0.calls).push(call.clone());
        lock(&self.0.rules).iter_mut().find_map(|rule| rule(call))
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Network")
    }
}

#[derive(Debug)]
struct Connector {
    network: Network,
    services: SharedHttpConnector,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let call = seen(&request);
        let fate = self.network.fate(&call);
        let (network, services) = (self.network.clone(), self.services.clone());
        HttpConnectorFuture::new(async move {
            match fate {
                None => network.pass(&call, &services, request).await,
                Some(Fault::Lost) => Err(broken()),
                Some(Fault::Answered(status, body)) => answer(status, body),
                Some(Fault::Hidden) => {
                    network.pass(&call, &services, request).await?;
                    Err(broken())
                }
                Some(Fault::DoneButAnswered(status, body)) => {
                    network.pass(&call, &services, request).await?;
                    answer(status, body)
                }
                Some(Fault::Late(by)) => {
                    let answered = network.pass(&call, &services, request).await?;
                    tokio::time::sleep(by).await;
                    Ok(answered)
                }
                Some(Fault::Cut) => {
                    let mut answered = network.pass(&call, &services, request).await?;
                    *answered.body_mut() = SdkBody::from("{");
                    Ok(answered)
                }
            }
        })
    }
}

impl Network {
    async fn pass(
        &self,
        call: &Call,
        services: &SharedHttpConnector,
        request: HttpRequest,
    ) -> Result<HttpResponse, ConnectorError> {
        let Some(conflicts) = &self.0.conflicts else {
            return services.call(request).await;
        };
        match conflicts.enter(call) {
            Ok(transaction) => {
                transaction.take_its_time().await;
                services.call(request).await
            }
            Err(Fault::Answered(status, body)) => answer(status, body),
            Err(_) => Err(broken()),
        }
    }
}

fn seen(request: &HttpRequest) -> Call {
    let target = request.headers().get("x-amz-target");
    let action = match target.and_then(|target| target.split_once('.')) {
        Some((_, action)) => action.to_owned(),
        None => request.method().to_owned(),
    };
    let body = request
        .body()
        .bytes()
        .and_then(|body| std::str::from_utf8(body).ok());
    Call {
        action,
        path: request.uri().to_owned(),
        body: body.unwrap_or_default().to_owned(),
    }
}

fn broken() -> ConnectorError {
    ConnectorError::io("the connection was lost".into())
}

fn answer(status: u16, body: String) -> Result<HttpResponse, ConnectorError> {
    let status =
        StatusCode::try_from(status).map_err(|error| ConnectorError::user(error.into()))?;
    Ok(HttpResponse::new(status, SdkBody::from(body)))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
