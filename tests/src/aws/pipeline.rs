//! What one commit's way to production leaves in the journal: twelve requests, fourteen entries.

use std::fmt::Write as _;

use model::kind::Verdict;
use model::{EntryHash, Fingerprint};
use recorder::*;
use serde_json::json;

use super::world::{World, name};

/// Requests of one run.
pub const REQUESTS: usize = 12;
/// What the requests are called, in their order.
pub const CALLED: [&str; REQUESTS] = [
    "trail begun",
    "artifact",
    "attestation: pull request",
    "attestation: 200 unit tests",
    "attestation: 40 integration tests",
    "attestation: security scan",
    "attestation: bill of materials",
    "attestation: coverage",
    "approval",
    "decision",
    "deployment",
    "snapshot, 1 started, 1 stopped",
];

/// A run of a pipeline, from 0: each builds on the one before.
#[derive(Debug, Clone, Copy)]
pub struct Run(pub u32);

impl Run {
    /// Sends one of its requests; returns the entries that were recorded, but for sightings.
    pub async fn request(self, world: &World, number: usize) -> Vec<EntryHash> {
        let appended = match number {
            8 => {
                let given = world
                    .approve
                    .approve(&world.approver, &self.approval())
                    .await;
                vec![given.unwrap()]
            }
            9 => {
                let decided = world
                    .decide
                    .decide(&world.ci, &self.question())
                    .await
                    .unwrap();
                assert_eq!(
                    decided.verdict,
                    Verdict::Allowed,
                    "{:?}",
                    decided.grounds.reasons()
                );
                vec![decided.appended]
            }
            11 => {
                let taken = world
                    .snapshot
                    .snapshot(&world.ci, self.observed())
                    .await
                    .unwrap();
                vec![taken.appended]
            }
            _ => {
                let submission = self.submission(number);
                world
                    .ingest
                    .record(&world.ci, vec![submission])
                    .await
                    .unwrap()
            }
        };
        appended.iter().map(|one| one.stored.entry.hash()).collect()
    }

    /// Returns an event as it arrives: with an idempotency key, as a CloudEvent has one.
    #[must_use]
    pub fn submission(self, number: usize) -> Submission {
        let key = format!("run-{}-{number}", self.0);
        Submission {
            event: self.event(number),
            claimed_ms: None,
            idempotency: Some(idempotency("ci", &key, key.as_bytes())),
        }
    }

    fn event(self, number: usize) -> Event {
        match number {
            0 => Event::Trail(BeginTrail {
                build_url: Some(format!("https://ci.example/payments/runs/{:08}", self.0)),
                commit: Some(self.commit().parse().unwrap()),
                flow: name("payments"),
                repository: Some("https://git.example/acme/payments".into()),
                trail: self.trail(),
            }),
            1 => Event::Artifact(self.artifact()),
            2 => self.attestation("review", "pull-request", Report::Json(self.pull_request())),
            3 => self.attestation("unit-tests", "junit", Report::Text(junit(200))),
            4 => self.attestation("integration-tests", "junit", Report::Text(junit(40))),
            5 => self.attestation("security-scan", "sarif", Report::Text(sarif(8))),
            6 => self.attestation("materials", "generic", Report::Json(materials(60))),
            7 => {
                let coverage =
                    json!({"outcome": "passed", "data": {"lines": 8123, "lines_covered": 7012}});
                self.attestation("coverage", "generic", Report::Json(coverage))
            }
            10 => Event::Deployment(ReportDeployment {
                build_url: Some(format!("https://ci.example/payments/runs/{:08}", self.0)),
                decision: None,
                environment: name("production"),
                fingerprint: self.fingerprint(),
                flow: name("payments"),
                name: "registry.example/acme/payments".into(),
            }),
            _ => unreachable!("request {number} is no event"),
        }
    }

    fn artifact(self) -> RecordArtifact {
        let commits: Vec<_> = ["a", "b"]
            .map(|digit| digit.repeat(40))
            .into_iter()
            .chain([self.commit()])
            .map(|sha| {
                let message = "Count what is in the basket once, not twice, and say so in the log";
                json!({"authors": ["email:alice@example.com"], "message": message, "sha": sha})
            })
            .collect();
        let provenance = json!({
            "build_url": format!("https://ci.example/payments/runs/{:08}", self.0),
            "builder": "github-actions",
            "commit": self.commit(),
            "commits": commits,
            "previous": self.0.checked_sub(1).map(|before| Self(before).fingerprint()),
            "repository": "https://git.example/acme/payments",
        });
        RecordArtifact {
            fingerprint: self.fingerprint(),
            flow: name("payments"),
            name: "registry.example/acme/payments".into(),
            provenance: serde_json::from_value(provenance).unwrap(),
            trail: self.trail(),
        }
    }

    fn attestation(self, called: &str, evidence: &str, report: Report) -> Event {
        Event::Attestation(Attest {
            fingerprint: Some(self.fingerprint()),
            flow: name("payments"),
            name: name(called),
            report,
            trail: self.trail(),
            attestation_type: name(evidence),
        })
    }

    fn pull_request(self) -> serde_json::Value {
        let sha = self.commit();
        json!({
            "provider": "github", "repository": "acme/payments", "number": 100_000 + u64::from(self.0),
            "url": "https://github.com/acme/payments/pull/17", "state": "merged", "base": "main",
            "head": sha, "merge_commit": sha, "title": "Count twice",
            "author": {"alias": "email:alice@example.com", "name": "Alice"},
            "reviews": [{"by": "github:bob", "state": "approved", "commit": sha}],
            "commits": [sha],
        })
    }

    /// Asks whether what it built may run.
    #[must_use]
    pub fn question(self) -> DecideRequest {
        DecideRequest {
            environment: name("production"),
            fingerprint: self.fingerprint(),
            flow: None,
            permit: None,
            trail: None,
        }
    }

    fn approval(self) -> ApproveRequest {
        ApproveRequest {
            comment: Some("seen, and tried on staging".into()),
            environment: name("production"),
            fingerprint: self.fingerprint(),
            flow: None,
            trail: None,
            ttl_ms: None,
        }
    }

    /// Twenty things run there; one of them is what this run built.
    fn observed(self) -> TakeSnapshot {
        let mut artifacts: Vec<_> = (0..19_u8)
            .map(|other| Running {
                fingerprint: Fingerprint([200 + other; 32]),
                instances: 3,
                name: format!("registry.example/acme/other-{other:02}"),
            })
            .collect();
        artifacts.push(Running {
            fingerprint: self.fingerprint(),
            instances: 3,
            name: "registry.example/acme/payments".into(),
        });
        TakeSnapshot {
            artifacts,
            environment: name("production"),
        }
    }

    /// Returns what it built.
    #[must_use]
    pub fn fingerprint(self) -> Fingerprint {
        let mut bytes = [7; 32];
        bytes[..4].copy_from_slice(&self.0.to_be_bytes());
        Fingerprint(bytes)
    }

    fn commit(self) -> String {
        format!("{:08x}{}", self.0, "c".repeat(32))
    }

    fn trail(self) -> model::Name {
        name(&format!("run-{:08}", self.0))
    }
}

fn junit(cases: usize) -> String {
    let mut text = String::from("<testsuite name='payments'>");
    for case in 0..cases {
        write!(
            text,
            "<testcase classname='acme.payments.basket' name='a basket counts what is in it, case {case:03}' time='0.012'/>"
        )
        .unwrap();
    }
    text + "</testsuite>"
}

fn sarif(results: usize) -> String {
    let results: Vec<_> = (0..results)
        .map(|number| {
            let message = "Cookie without a `Secure` attribute";
            json!({"ruleId": format!("rule-{number:03}"), "level": "note", "message": {"text": message}})
        })
        .collect();
    let tool = json!({"driver": {"name": "scan", "version": "1"}});
    json!({"version": "2.1.0", "runs": [{"tool": tool, "results": results}]}).to_string()
}

fn materials(count: usize) -> serde_json::Value {
    let components: Vec<_> = (0..count)
        .map(|number| json!({"name": format!("component-{number:03}"), "version": "1.2.3", "license": "MIT"}))
        .collect();
    json!({"outcome": "passed", "data": {"components": components}})
}
