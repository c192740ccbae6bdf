//! Recording: trails, artifacts, attestations and deployments.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use evidence::Extracted;
use journal::Draft;
use model::kind::{AccessRole, ArtifactRecorded, Attested, DeploymentReported, Fields, TrailBegun};
use model::limits::{BATCH_ITEMS_MAX, CLAIMED_AHEAD_MS_MAX, LINKS_MAX};
use model::{Role, StreamName};
use store::Appended;

use crate::caller::Caller;
use crate::definitions::Definitions;
use crate::error::RecorderError;
use crate::event::{
    Attest, BeginTrail, Event, RecordArtifact, Report, ReportDeployment, Submission,
};
use crate::recorder::{Recorder, check_text};
use crate::upload::{Raw, Taken, UploadError};

/// Entries that evidence may fill a stream to. A decision weighs 2,000 attestations; more of them is a flood.
pub const STREAM_ENTRIES_MAX: u64 = 5_000;

impl Recorder {
    /// Records events: all of them, in order, or none.
    ///
    /// # Errors
    /// Names the first event that cannot be recorded, and why.
    pub async fn record(
        &self,
        caller: &Caller,
        submissions: Vec<Submission>,
    ) -> Result<Vec<Appended>, RecorderError> {
        caller.require(&[AccessRole::Reporter])?;
        let found = submissions.len();
        if !(1..=BATCH_ITEMS_MAX / 2).contains(&found) {
            return Err(RecorderError::BatchSize {
                maximum: BATCH_ITEMS_MAX / 2,
                found,
            });
        }
        let flows = |known: &Definitions| {
            let mut flows = submissions.iter().map(|submission| submission.event.flow());
            flows.all(|flow| known.flow(flow).is_some())
        };
        let definitions = self.knowing(flows).await?;
        if let [only] = submissions.as_slice()
            && let Some(repeated) = self.repeated(caller, only).await?
        {
            return Ok(vec![repeated]);
        }
        let known = self.known_streams(&submissions).await?;
        let mut begun = HashSet::new();
        let mut drafts = Vec::with_capacity(found);
        for (at, submission) in submissions.into_iter().enumerate() {
            let in_batch = |source| match found {
                1 => source,
                _ => RecorderError::InBatch {
                    at,
                    source: Box::new(source),
                },
            };
            self.check(caller, &definitions, &submission, &|stream| {
                begun.contains(stream) || known.has(stream)
            })
            .map_err(in_batch)?;
            let taken = match (&submission.event, submission.event.upload()) {
                (Event::Attestation(event), Some(name)) if found == 1 => {
                    let used = submission.idempotency;
                    Some(self.take_upload(caller, event, name, used).await?)
                }
                (_, Some(_)) => return Err(in_batch(UploadError::NotAlone.into())),
                _ => None,
            };
            let draft = self
                .event_draft(caller, &submission, taken)
                .and_then(|draft| known.check_room(&submission.event, draft))
                .map_err(in_batch)?;
            begun.extend(draft.streams.iter().cloned());
            drafts.push(draft);
        }
        self.append(drafts).await
    }

    /// Reads the heads of the streams that the events must find there, in one go.
    async fn known_streams(
        &self,
        submissions: &[Submission],
    ) -> Result<KnownStreams, RecorderError> {
        let needed: HashSet<StreamName> = submissions
            .iter()
            .flat_map(|submission| needed(&submission.event))
            .collect();
        let names: Vec<StreamName> = needed.into_iter().collect();
        let heads = if names.is_empty() {
            Vec::new()
        } else {
            self.store.heads(&names).await?
        };
        let entries = names.into_iter().zip(
            heads
                .into_iter()
                .map(|head| head.map_or(0, |head| head.seq + 1)),
        );
        Ok(KnownStreams {
            entries: entries.collect(),
        })
    }

    /// Finds the entry of an upload that is recorded again, without asking for the upload again: it may be gone.
    async fn repeated(
        &self,
        caller: &Caller,
        submission: &Submission,
    ) -> Result<Option<Appended>, RecorderError> {
        let (Some(_), Some(used)) = (submission.event.upload(), &submission.idempotency) else {
            return Ok(None);
        };
        caller.require_grant(submission.event.flow(), kind_of(&submission.event))?;
        Ok(self.store.repeated(used).await?)
    }

    /// Checks that an event may be recorded, and that what it is about is there.
    fn check(
        &self,
        caller: &Caller,
        definitions: &Definitions,
        submission: &Submission,
        exists: &dyn Fn(&StreamName) -> bool,
    ) -> Result<(), RecorderError> {
        let event = &submission.event;
        caller.require_grant(event.flow(), kind_of(event))?;
        if definitions.flow(event.flow()).is_none() {
            return Err(RecorderError::Unknown {
                what: "flow",
                name: event.flow().to_string(),
            });
        }
        let ahead_ms = submission
            .claimed_ms
            .map_or(0, |claimed| claimed.saturating_sub(self.now_ms()));
        if ahead_ms > CLAIMED_AHEAD_MS_MAX {
            return Err(RecorderError::ClaimedAhead { ahead_ms });
        }
        match event {
            Event::Trail(_) => Ok(()),
            Event::Artifact(event) => {
                require_trail(&StreamName::trail(&event.flow, &event.trail), exists)
            }
            Event::Attestation(event) => {
                require_trail(&StreamName::trail(&event.flow, &event.trail), exists)?;
                if let Some(fingerprint) = event.fingerprint
                    && !exists(&StreamName::artifact(&fingerprint))
                {
                    return Err(RecorderError::Unknown {
                        what: "artifact",
                        name: fingerprint.to_string(),
                    });
                }
                Ok(())
            }
            Event::Deployment(event) => {
                if definitions.environment(&event.environment).is_none() {
                    return Err(RecorderError::Unknown {
                        what: "environment",
                        name: event.environment.to_string(),
                    });
                }
                Ok(())
            }
        }
    }

    fn event_draft(
        &self,
        caller: &Caller,
        submission: &Submission,
        taken: Option<Taken>,
    ) -> Result<Draft, RecorderError> {
        let mut draft = match &submission.event {
            Event::Trail(event) => self.trail_draft(caller, event)?,
            Event::Artifact(event) => self.artifact_draft(caller, event)?,
            Event::Attestation(event) => self.attestation_draft(caller, event, taken)?,
            Event::Deployment(event) => self.deployment_draft(caller, event)?,
        };
        draft.claimed_ms = submission.claimed_ms;
        draft.idempotency = submission.idempotency;
        Ok(draft)
    }

    fn trail_draft(&self, caller: &Caller, event: &BeginTrail) -> Result<Draft, RecorderError> {
        check_text(
            "repository",
            event.repository.as_deref().unwrap_or_default(),
        )?;
        check_text("build_url", event.build_url.as_deref().unwrap_or_default())?;
        let mut streams = vec![
            StreamName::trail(&event.flow, &event.trail),
            StreamName::trails(&event.flow),
        ];
        streams.extend(event.commit.as_ref().map(StreamName::commit));
        let fields = TrailBegun {
            build_url: event.build_url.clone(),
            commit: event.commit.clone(),
            flow: event.flow.clone(),
            repository: event.repository.clone(),
            trail: event.trail.clone(),
        };
        self.draft(caller.by().clone(), &fields, streams)
    }

    fn artifact_draft(
        &self,
        caller: &Caller,
        event: &RecordArtifact,
    ) -> Result<Draft, RecorderError> {
        check_text("name", &event.name)?;
        let extracted = evidence::provenance::extract(&event.provenance, &self.people())?;
        let mut streams = vec![
            StreamName::artifact(&event.fingerprint),
            StreamName::trail(&event.flow, &event.trail),
            StreamName::commit(&event.provenance.commit),
        ];
        // What an image contains is found by its platforms' fingerprints, too.
        streams.extend(event.provenance.contains.iter().map(StreamName::artifact));
        if streams.len() > LINKS_MAX {
            let most = LINKS_MAX - 3;
            return Err(RecorderError::Invalid(format!(
                "an artifact may contain at most `{most}` others"
            )));
        }
        let fields = ArtifactRecorded {
            commit: event.provenance.commit.clone(),
            fingerprint: event.fingerprint,
            flow: event.flow.clone(),
            name: event.name.clone(),
            trail: event.trail.clone(),
        };
        let mut draft = self.draft(caller.by().clone(), &fields, streams)?;
        self.add_evidence(&mut draft, extracted, None)?;
        Ok(draft)
    }

    fn attestation_draft(
        &self,
        caller: &Caller,
        event: &Attest,
        taken: Option<Taken>,
    ) -> Result<Draft, RecorderError> {
        let Taken { extracted, raw } = match taken {
            Some(taken) => taken,
            None => self.read_report(event)?,
        };
        let mut streams: Vec<_> = event
            .fingerprint
            .as_ref()
            .map(StreamName::artifact)
            .into_iter()
            .collect();
        streams.push(StreamName::trail(&event.flow, &event.trail));
        let fields = Attested {
            fingerprint: event.fingerprint,
            flow: event.flow.clone(),
            name: event.name.clone(),
            outcome: extracted.outcome,
            subject: event.subject(),
            trail: event.trail.clone(),
            attestation_type: event.attestation_type.clone(),
        };
        let mut draft = self.draft(caller.by().clone(), &fields, streams)?;
        self.add_evidence(&mut draft, extracted, Some(raw))?;
        Ok(draft)
    }

    fn read_report(&self, event: &Attest) -> Result<Taken, RecorderError> {
        let raw = report_bytes(&event.report)?;
        let attestation_type = event.attestation_type.as_str();
        Ok(Taken {
            extracted: evidence::extract(attestation_type, &raw, &self.people())?,
            raw: Raw::Here(raw),
        })
    }

    fn deployment_draft(
        &self,
        caller: &Caller,
        event: &ReportDeployment,
    ) -> Result<Draft, RecorderError> {
        check_text("name", &event.name)?;
        check_text("build_url", event.build_url.as_deref().unwrap_or_default())?;
        let streams = vec![
            StreamName::environment(&event.environment),
            StreamName::running(&event.fingerprint),
        ];
        let fields = DeploymentReported {
            build_url: event.build_url.clone(),
            decision: event.decision,
            environment: event.environment.clone(),
            fingerprint: event.fingerprint,
            flow: event.flow.clone(),
            name: event.name.clone(),
        };
        self.draft(caller.by().clone(), &fields, streams)
    }

    pub(crate) fn people(&self) -> impl Fn(&str) -> Option<model::PersonId> + use<> {
        let definitions = self.definitions();
        let alias_key = self.alias_key;
        move |alias: &str| definitions.person_of(&alias_key.digest(alias)).cloned()
    }

    fn add_evidence(
        &self,
        draft: &mut Draft,
        extracted: Extracted,
        raw: Option<Raw>,
    ) -> Result<(), RecorderError> {
        let schema = Some(extracted.schema);
        draft.payloads.push(self.payload(
            Role::Facts,
            "application/json",
            schema,
            extracted.facts,
        )?);
        match raw {
            Some(Raw::Here(raw)) => {
                draft
                    .payloads
                    .push(self.payload(Role::Raw, extracted.media_type, None, raw)?)
            }
            Some(Raw::Large(raw)) => draft.large.push(raw),
            None => {}
        }
        if let Some(people) = extracted.people {
            draft
                .payloads
                .push(self.payload(Role::People, "application/json", None, people)?);
        }
        Ok(())
    }
}

/// How many entries streams had when a batch was looked at.
struct KnownStreams {
    entries: std::collections::HashMap<StreamName, u64>,
}

impl KnownStreams {
    fn has(&self, stream: &StreamName) -> bool {
        self.entries.get(stream).is_some_and(|entries| *entries > 0)
    }

    /// Refuses evidence for a stream that is full of it.
    fn check_room(&self, event: &Event, draft: Draft) -> Result<Draft, RecorderError> {
        if matches!(event, Event::Attestation(_)) {
            for stream in &draft.streams {
                let entries = self.entries.get(stream).copied().unwrap_or(0);
                if entries >= STREAM_ENTRIES_MAX {
                    return Err(RecorderError::StreamFull {
                        stream: stream.clone(),
                        entries,
                    });
                }
            }
        }
        Ok(draft)
    }
}

fn needed(event: &Event) -> Vec<StreamName> {
    match event {
        Event::Artifact(event) => vec![StreamName::trail(&event.flow, &event.trail)],
        Event::Attestation(event) => {
            let artifact = event.fingerprint.as_ref().map(StreamName::artifact);
            artifact
                .into_iter()
                .chain([StreamName::trail(&event.flow, &event.trail)])
                .collect()
        }
        Event::Trail(_) | Event::Deployment(_) => Vec::new(),
    }
}

fn require_trail(
    stream: &StreamName,
    exists: &dyn Fn(&StreamName) -> bool,
) -> Result<(), RecorderError> {
    if exists(stream) {
        return Ok(());
    }
    Err(RecorderError::Unknown {
        what: "trail",
        name: stream.as_str().trim_start_matches("trail/").to_owned(),
    })
}

const fn kind_of(event: &Event) -> &'static str {
    match event {
        Event::Trail(_) => TrailBegun::KIND,
        Event::Artifact(_) => ArtifactRecorded::KIND,
        Event::Attestation(_) => Attested::KIND,
        Event::Deployment(_) => DeploymentReported::KIND,
    }
}

fn report_bytes(report: &Report) -> Result<Vec<u8>, RecorderError> {
    match report {
        Report::Text(text) => Ok(text.clone().into_bytes()),
        Report::Base64(text) => STANDARD
            .decode(text)
            .map_err(|error| RecorderError::Invalid(format!("the report is not base64: {error}"))),
        Report::Upload(_) => Err(UploadError::NotAlone.into()),
        Report::Json(value) => serde_json::to_vec(value).map_err(|source| RecorderError::Encode {
            what: "report",
            source,
        }),
    }
}
