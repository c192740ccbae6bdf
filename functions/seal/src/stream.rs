//! The table's stream: which of its records are appends, and which of them are to be sent again.

use anyhow::Result;
use home::{Refused, Settings, Wake};
use model::EntryHash;
use serde::Serialize;
use store::Store;

/// A record of an append.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Append {
    /// Its first entry: the others come with it.
    first: EntryHash,
    sequence: String,
}

/// What a stream is told.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Answer {
    #[serde(rename = "batchItemFailures")]
    failures: Vec<Failure>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Failure {
    #[serde(rename = "itemIdentifier")]
    sequence: String,
}

/// Takes from a stream's records the appends to the journal. Those to others in the same table are none of ours.
pub(crate) fn appended(settings: &Settings, wakes: Vec<Wake>) -> Result<Vec<Append>, Refused> {
    let table = &settings.address.table;
    let own = format!(
        ":table/{}/stream/",
        table.rsplit('/').next().unwrap_or(table)
    );
    if let Some(other) = wakes.iter().find(|wake| !wake.stream.contains(&own)) {
        return Err(Refused::OtherTable {
            stream: other.stream.clone(),
            table: table.clone(),
        });
    }
    let prefix = format!("{}#q#", settings.journal);
    let append = |wake: Wake| {
        let first = wake
            .sk
            .split_once('#')
            .and_then(|(_, first)| first.parse().ok());
        let first = first.ok_or_else(|| Refused::Malformed {
            what: "the stream's event",
            problem: format!("`{}` is no key of an append", wake.sk),
        })?;
        Ok(Append {
            first,
            sequence: wake.sequence,
        })
    };
    let appends = wakes
        .into_iter()
        .filter(|wake| wake.pk.starts_with(&prefix));
    appends.map(append).collect()
}

/// Asks for those again that are not sealed: time ran short, or another sealer left them.
pub(crate) async fn answer(store: &dyn Store, appends: Vec<Append>) -> Result<Answer> {
    let firsts: Vec<_> = appends.iter().map(|append| append.first).collect();
    let places = store.positions(&firsts).await?;
    let unsealed = appends
        .into_iter()
        .zip(places)
        .filter(|(_, place)| place.is_none());
    let failures = unsealed.map(|(append, _)| Failure {
        sequence: append.sequence,
    });
    Ok(Answer {
        failures: failures.collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        let get = |name: &str| {
            let value = match name {
                "TRAILMARK_TABLE" => "journals",
                "TRAILMARK_BUCKET" => "bucket",
                "TRAILMARK_JOURNAL" => "trailmark/acme",
                "TRAILMARK_LOG_KEY" | "TRAILMARK_RECEIPT_KEY" => "file:/key",
                _ => return None,
            };
            Some(value.to_owned())
        };
        Settings::read("seal", get).unwrap()
    }

    fn wake(table: &str, pk: &str, sk: &str) -> Wake {
        Wake {
            pk: pk.to_owned(),
            sk: sk.to_owned(),
            sequence: "7".to_owned(),
            stream: format!("arn:aws:dynamodb:eu-west-1:1:table/{table}/stream/2026"),
        }
    }

    #[test]
    fn appends_to_the_journal_are_told_from_all_else() {
        let first = "ab".repeat(32);
        let sk = format!("00001795055400#{first}");
        let wakes = vec![
            wake("journals", "trailmark/acme#q#3#20776", &sk),
            wake("journals", "trailmark/other#q#3#20776", &sk),
            wake("journals", "trailmark/acme#s#admin", "0000000000000001"),
        ];
        let expected = Append {
            first: first.parse().unwrap(),
            sequence: "7".to_owned(),
        };
        assert_eq!(appended(&settings(), wakes).unwrap(), [expected]);
    }

    #[test]
    fn another_tables_stream_is_refused() {
        let other = wake("orders", "trailmark/acme#q#3#20776", "1#2");
        let refused = appended(&settings(), vec![other]).unwrap_err().to_string();
        assert_eq!(
            refused,
            "the stream is `arn:aws:dynamodb:eu-west-1:1:table/orders/stream/2026`, which is not that of table \
             `journals`: nothing was done"
        );
        let bad = wake("journals", "trailmark/acme#q#3#20776", "1");
        assert!(appended(&settings(), vec![bad]).is_err());
    }
}
