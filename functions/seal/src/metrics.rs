//! Metrics, as lines that CloudWatch reads from the log: its embedded metric format.

use std::io::Write as _;

use model::JournalId;
use serde_json::{Value, json};
use store::aws::Sealing;

const NAMESPACE: &str = "Trailmark";

/// How far behind the log is.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    last: Option<Sealing>,
    sealed: u64,
    missed: u64,
}

impl Metrics {
    pub(crate) fn add(&mut self, step: &Sealing) {
        self.sealed += step.sealed;
        self.missed += step.missed;
        self.last = Some(*step);
    }

    /// Writes them; nothing where there was no time to look.
    pub(crate) fn write(&self, journal: &JournalId, now_ms: u64) {
        let Some(last) = &self.last else {
            tracing::warn!("there was no time to seal");
            return;
        };
        tracing::info!(
            size = last.size,
            sealed = self.sealed,
            remaining = last.remaining,
            "sealed"
        );
        let line = self.line(last, journal, now_ms);
        if let Err(error) = writeln!(std::io::stdout().lock(), "{line}") {
            tracing::warn!(%error, "could not write metrics");
        }
    }

    fn line(&self, last: &Sealing, journal: &JournalId, now_ms: u64) -> Value {
        json!({
            "_aws": {
                "Timestamp": now_ms,
                "CloudWatchMetrics": [{
                    "Namespace": NAMESPACE,
                    "Dimensions": [["Journal"]],
                    "Metrics": [
                        {"Name": "SealLagEntries", "Unit": "Count"},
                        {"Name": "UnsealedAgeSeconds", "Unit": "Seconds"},
                        {"Name": "MissedPromises", "Unit": "Count"},
                    ],
                }],
            },
            "Journal": journal,
            "SealLagEntries": last.remaining,
            "UnsealedAgeSeconds": last.oldest_ms.unwrap_or_default() / 1_000,
            "MissedPromises": self.missed,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_is_left_and_what_came_too_late() {
        let step = |sealed, remaining, missed| Sealing {
            size: 10,
            sealed,
            remaining,
            oldest_ms: Some(remaining * 1_500),
            missed,
            overtaken: false,
        };
        let mut metrics = Metrics::default();
        metrics.add(&step(3, 4, 1));
        metrics.add(&step(2, 2, 1));
        let last = metrics.last.unwrap();
        let line = metrics.line(&last, &"trailmark/acme".parse().unwrap(), 7);
        assert_eq!(line["Journal"], "trailmark/acme");
        assert_eq!(line["SealLagEntries"], 2);
        assert_eq!(line["UnsealedAgeSeconds"], 3);
        assert_eq!(line["MissedPromises"], 2);
        let metrics = line["_aws"]["CloudWatchMetrics"][0]["Metrics"]
            .as_array()
            .unwrap();
        assert!(
            metrics
                .iter()
                .all(|metric| line.get(metric["Name"].as_str().unwrap()).is_some())
        );
    }
}
