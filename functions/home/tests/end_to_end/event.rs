//! Events as AWS makes them.

use serde_json::{Map, Value, json};

/// A request as a client makes it.
#[derive(Clone)]
pub struct Call<'a> {
    pub method: &'a str,
    pub path: &'a str,
    pub query: &'a str,
    pub headers: Vec<(&'a str, String)>,
    pub body: Vec<u8>,
    pub in_base64: bool,
}

/// What brings requests to a function.
#[derive(Debug, Clone, Copy)]
pub enum Front {
    /// An HTTP API with its default stage.
    Api,
    /// An HTTP API with a stage of its own, which is in every path.
    Stage(&'static str),
    /// A function URL.
    Url,
}

impl<'a> Call<'a> {
    pub fn get(path: &'a str) -> Self {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        Self {
            method: "GET",
            path,
            query,
            headers: Vec::new(),
            body: Vec::new(),
            in_base64: false,
        }
    }

    pub fn post(path: &'a str, body: &Value) -> Self {
        Self {
            method: "POST",
            headers: vec![("content-type", "application/json".to_owned())],
            body: body.to_string().into_bytes(),
            ..Self::get(path)
        }
    }

    pub fn with(mut self, name: &'a str, value: impl Into<String>) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.into()));
        self
    }

    pub fn by(self, token: &str) -> Self {
        self.with("authorization", format!("Bearer {token}"))
    }

    /// Has the front take it for binary, as they may with any type.
    pub fn in_base64(mut self) -> Self {
        self.in_base64 = true;
        self
    }

    /// The event. Fronts send what they take for text as it is, and all else in base64.
    pub fn through(&self, front: Front) -> Value {
        let mut headers: Map<String, Value> = Map::new();
        for (name, value) in &self.headers {
            headers.insert((*name).to_owned(), json!(value));
        }
        let (host, stage) = match front {
            Front::Api => ("abc123.execute-api.eu-west-1.amazonaws.com", "$default"),
            Front::Stage(stage) => ("abc123.execute-api.eu-west-1.amazonaws.com", stage),
            Front::Url => ("abc123.lambda-url.eu-west-1.on.aws", "$default"),
        };
        headers.insert("host".to_owned(), json!(host));
        headers.insert(
            "content-length".to_owned(),
            json!(self.body.len().to_string()),
        );
        headers.insert("x-forwarded-proto".to_owned(), json!("https"));
        let path = match front {
            Front::Stage(stage) => format!("/{stage}{}", self.path),
            _ => self.path.to_owned(),
        };
        let mut event = json!({
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": self.query,
            "headers": headers,
            "requestContext": {
                "accountId": "123456789012",
                "apiId": "abc123",
                "domainName": host,
                "domainPrefix": "abc123",
                "http": {
                    "method": self.method,
                    "path": path,
                    "protocol": "HTTP/1.1",
                    "sourceIp": "192.0.2.1",
                    "userAgent": "curl/8.5.0",
                },
                "requestId": "JKJaXmPLvHcESHA=",
                "routeKey": "$default",
                "stage": stage,
                "time": "22/Nov/2026:02:30:00 +0000",
                "timeEpoch": 1_795_055_400_000_u64,
            },
            "isBase64Encoded": false,
        });
        let text = String::from_utf8(self.body.clone()).ok();
        if !self.body.is_empty() {
            let as_text = text.filter(|_| !self.in_base64 && !self.is_binary());
            event["isBase64Encoded"] = json!(as_text.is_none());
            event["body"] = json!(as_text.unwrap_or_else(|| base64(&self.body)));
        }
        event
    }

    fn is_binary(&self) -> bool {
        let media_type = self
            .headers
            .iter()
            .find(|(name, _)| *name == "content-type");
        !media_type.is_some_and(|(_, value)| value.contains("json") || value.starts_with("text/"))
    }
}

pub fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// What EventBridge Scheduler sends where a schedule has no input of its own.
pub fn schedule() -> Value {
    json!({
        "version": "0",
        "id": "d32c5kddcf5bb8c3",
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": "123456789012",
        "time": "2026-11-22T02:30:00Z",
        "region": "eu-west-1",
        "resources": ["arn:aws:scheduler:eu-west-1:123456789012:schedule/default/seal"],
        "detail": "{}",
    })
}

/// What the stream of a table sends for items of these keys.
pub fn stream(table: &str, keys: &[(String, String)]) -> Value {
    let record = |(at, (pk, sk)): (usize, &(String, String))| {
        json!({
            "eventID": format!("{at:032x}"),
            "eventName": "INSERT",
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "eu-west-1",
            "dynamodb": {
                "ApproximateCreationDateTime": 1_795_055_400,
                "Keys": {"pk": {"S": pk}, "sk": {"S": sk}},
                "SequenceNumber": format!("{}", 100 + at),
                "SizeBytes": 90,
                "StreamViewType": "KEYS_ONLY",
            },
            "eventSourceARN": format!(
                "arn:aws:dynamodb:eu-west-1:123456789012:table/{table}/stream/2026-11-22T00:00:00.000"
            ),
        })
    };
    let records: Vec<_> = keys.iter().enumerate().map(record).collect();
    json!({ "Records": records })
}
