use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use lambda_runtime::Diagnostic;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

/// What a function is woken by.
#[derive(Debug)]
pub enum Event {
    /// A request to a function URL or an HTTP API, payload version 2.0.
    Http(Box<ApiGatewayV2httpRequest>),
    /// A schedule's time has come.
    Schedule,
    /// Items were put into the table.
    Stream(Vec<Wake>),
}

/// One record of a table's stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wake {
    /// The item's partition key.
    pub pk: String,
    /// The item's sort key.
    pub sk: String,
    /// What the record is called when it is to be sent again.
    pub sequence: String,
    /// The ARN of the table's stream.
    pub stream: String,
}

/// An event that a function does not take. Nothing was written.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is of another sort.
    #[error("`{function}` takes {takes}, and got {found}: nothing was done")]
    Other {
        /// The function.
        function: &'static str,
        /// What it takes.
        takes: &'static str,
        /// What came.
        found: String,
    },
    /// It looks like one that is taken, and is none.
    #[error("{what} is not of its form: {problem}")]
    Malformed {
        /// What it looks like.
        what: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// It is of another table's stream.
    #[error("the stream is `{stream}`, which is not that of table `{table}`: nothing was done")]
    OtherTable {
        /// The ARN of the stream.
        stream: String,
        /// The function's table.
        table: String,
    },
}

impl From<Refused> for Diagnostic {
    fn from(refused: Refused) -> Self {
        Self {
            error_type: "Trailmark.EventRefused".to_owned(),
            error_message: refused.to_string(),
        }
    }
}

/// What a function takes, in the words of its refusal.
#[derive(Debug, Clone, Copy)]
pub struct Takes {
    /// The function.
    pub function: &'static str,
    /// What it takes.
    pub what: &'static str,
}

impl Takes {
    /// Refuses what was found instead.
    #[must_use]
    pub fn refuse(self, found: impl Into<String>) -> Refused {
        Refused::Other {
            function: self.function,
            takes: self.what,
            found: found.into(),
        }
    }
}

/// What tells events apart, whatever else is in them.
#[derive(Deserialize)]
struct Glance {
    #[serde(rename = "requestContext")]
    context: Option<Context>,
    source: Option<String>,
    #[serde(rename = "detail-type")]
    detail_type: Option<String>,
    #[serde(rename = "Records")]
    records: Option<Vec<Sourced>>,
}

#[derive(Deserialize)]
struct Context {
    http: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Sourced {
    #[serde(rename = "eventSource", alias = "EventSource")]
    source: Option<String>,
}

/// A stream's event, as far as it is read: what was put is found in the table.
#[derive(Deserialize)]
struct Stream {
    #[serde(rename = "Records")]
    records: Vec<Record>,
}

#[derive(Deserialize)]
struct Record {
    #[serde(rename = "eventSourceARN")]
    stream: String,
    dynamodb: Change,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Change {
    keys: Keys,
    sequence_number: String,
}

#[derive(Deserialize)]
struct Keys {
    pk: Text,
    sk: Text,
}

#[derive(Deserialize)]
struct Text {
    #[serde(rename = "S")]
    text: String,
}

impl Event {
    /// Reads an event.
    ///
    /// # Errors
    /// Names what came, when it is of no sort that any function takes.
    pub fn read(takes: Takes, event: &RawValue) -> Result<Self, Refused> {
        let unknown = || takes.refuse("an event of no known sort");
        let glance: Glance = serde_json::from_str(event.get()).map_err(|_| unknown())?;
        if glance.context.is_some_and(|context| context.http.is_some()) {
            return parse(event, "the HTTP request").map(Self::Http);
        }
        if let Some(source) = glance.source {
            let detail = glance.detail_type.unwrap_or_default();
            let scheduled = matches!(source.as_str(), "aws.events" | "aws.scheduler");
            return match scheduled && detail == "Scheduled Event" {
                true => Ok(Self::Schedule),
                false => Err(takes.refuse(format!("the event `{detail}` of `{source}`"))),
            };
        }
        let records = glance.records.unwrap_or_default();
        let is_stream = |record: &&Sourced| record.source.as_deref() == Some("aws:dynamodb");
        match records.iter().find(|record| !is_stream(record)) {
            _ if records.is_empty() => Err(unknown()),
            None => parse::<Stream>(event, "the stream's event")
                .map(|stream| Self::Stream(stream.records.into_iter().map(Wake::of).collect())),
            Some(other) => {
                let source = other.source.as_deref().unwrap_or_default();
                Err(takes.refuse(format!("records of `{source}`")))
            }
        }
    }

    /// Names the sort of event.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Http(_) => "an HTTP request",
            Self::Schedule => "a schedule's event",
            Self::Stream(_) => "a table's stream",
        }
    }
}

impl Wake {
    fn of(record: Record) -> Self {
        Self {
            pk: record.dynamodb.keys.pk.text,
            sk: record.dynamodb.keys.sk.text,
            sequence: record.dynamodb.sequence_number,
            stream: record.stream,
        }
    }
}

fn parse<'a, T: Deserialize<'a>>(event: &'a RawValue, what: &'static str) -> Result<T, Refused> {
    serde_json::from_str(event.get()).map_err(|error| Refused::Malformed {
        what,
        problem: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const TAKES: Takes = Takes {
        function: "seal",
        what: "schedules",
    };

    fn read(event: Value) -> Result<Event, String> {
        let raw = serde_json::value::to_raw_value(&event).unwrap();
        Event::read(TAKES, &raw).map_err(|refused| refused.to_string())
    }

    fn record(source: &str) -> Value {
        json!({
            "awsRegion": "eu-west-1",
            "dynamodb": {
                "ApproximateCreationDateTime": 1_700_000_000,
                "Keys": {"pk": {"S": "j#q#0#20000"}, "sk": {"S": "1#2"}},
                "SequenceNumber": "111",
                "SizeBytes": 26,
                "StreamViewType": "KEYS_ONLY",
            },
            "eventID": "1",
            "eventName": "INSERT",
            "eventSource": source,
            "eventSourceARN": "arn:aws:dynamodb:eu-west-1:1:table/t/stream/2026",
        })
    }

    #[test]
    fn schedules_of_both_services_are_one_event() {
        for (source, detail) in [("aws.scheduler", json!("{}")), ("aws.events", json!({}))] {
            let event =
                json!({"source": source, "detail-type": "Scheduled Event", "detail": detail});
            assert!(matches!(read(event), Ok(Event::Schedule)));
        }
    }

    #[test]
    fn a_streams_records_are_their_keys() {
        let Ok(Event::Stream(wakes)) = read(json!({"Records": [record("aws:dynamodb")]})) else {
            panic!("no stream");
        };
        let expected = Wake {
            pk: "j#q#0#20000".to_owned(),
            sk: "1#2".to_owned(),
            sequence: "111".to_owned(),
            stream: "arn:aws:dynamodb:eu-west-1:1:table/t/stream/2026".to_owned(),
        };
        assert_eq!(wakes, [expected]);
    }

    #[test]
    fn whatever_else_comes_is_named() {
        let found = |event| read(event).unwrap_err();
        let says = |what: &str| format!("`seal` takes schedules, and got {what}: nothing was done");
        assert_eq!(found(json!([1])), says("an event of no known sort"));
        assert_eq!(
            found(json!({"Records": []})),
            says("an event of no known sort")
        );
        assert_eq!(
            found(json!({"Records": [record("aws:sqs")]})),
            says("records of `aws:sqs`")
        );
        assert_eq!(
            found(json!({"source": "aws.ec2", "detail-type": "State-change"})),
            says("the event `State-change` of `aws.ec2`")
        );
        let mut half = record("aws:dynamodb");
        half["dynamodb"]["Keys"] = json!({"id": {"N": "1"}});
        // Where it says so depends on the order of fields, which is that of the whole build's JSON.
        let found = found(json!({"Records": [half]}));
        let said = "the stream's event is not of its form: missing field `pk`";
        assert!(found.starts_with(said), "{found}");
    }
}
