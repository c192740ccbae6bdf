use model::limits::CLOCK_DRIFT_MS_MAX;
use model::{
    By, Entry, EntryError, EntryHash, FORMAT, Header, JournalId, LargePayload, Link, Name, Payload,
    PayloadRef, StreamName,
};
use serde_json::value::RawValue;

/// What is to be recorded, before it has its place: a store links it, stamps it and makes it an entry.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Who records it.
    pub by: By,
    /// When it claims to have happened, in milliseconds since 1970-01-01 UTC.
    pub claimed_ms: Option<u64>,
    /// The kind's own fields, canonical JSON.
    pub fields: Box<RawValue>,
    /// What sort of event it is.
    pub kind: Name,
    /// The streams it belongs to, each once.
    pub streams: Vec<StreamName>,
    /// Its payloads.
    pub payloads: Vec<Payload>,
    /// Its payloads that the store keeps already, because they are too large to be handed over: durable before this is
    /// appended. In the header they come after the others.
    pub large: Vec<LargePayload>,
    /// What makes a retry of it recognisable.
    pub idempotency: Option<Idempotency>,
    /// Places that it must get, or not be written at all. Each stream is one of `streams`.
    pub expected: Vec<Expectation>,
}

/// What makes a retry recognisable: the same key and content return the first receipt, for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Idempotency {
    /// SHA-256 over the key's scope and the key.
    pub key: [u8; 32],
    /// SHA-256 over the content as it was sent.
    pub content: [u8; 32],
}

/// A condition of a write: this stream's next entry has this seq.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    /// The stream.
    pub stream: StreamName,
    /// The seq that the entry must get.
    pub seq: u64,
}

/// The last entry of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Its place in the stream.
    pub seq: u64,
    /// Its hash.
    pub hash: EntryHash,
    /// When it was recorded.
    pub recorded_ms: u64,
}

/// Why a draft cannot be linked.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// Another entry took the place that was expected.
    #[error("stream `{stream}` is at seq `{found}`, not `{expected}`")]
    Moved {
        /// The stream.
        stream: StreamName,
        /// The seq that was expected.
        expected: u64,
        /// The seq that the entry would get.
        found: u64,
    },
    /// A head lies in the future of the recorder's clock.
    #[error("stream `{stream}` has an entry recorded `{ahead_ms}` ms after this recorder's time")]
    HeadAhead {
        /// The stream.
        stream: StreamName,
        /// How far ahead.
        ahead_ms: u64,
    },
    /// What it says is not of an entry's form.
    #[error("the draft does not make an entry")]
    Entry(#[from] EntryError),
}

/// Links a draft after the heads of its streams and stamps it.
///
/// `heads` are those of `draft.streams`, in that order. The entry is recorded at `now_ms`, or with the latest of its
/// heads where that is up to [`CLOCK_DRIFT_MS_MAX`] later: never earlier than what stands before it.
///
/// # Errors
/// When an expected place is taken, a head is too far ahead, or the entry breaks a limit.
pub fn link(
    journal: &JournalId,
    draft: &Draft,
    heads: &[Option<Head>],
    now_ms: u64,
) -> Result<Entry, LinkError> {
    let mut links = Vec::with_capacity(draft.streams.len());
    let mut recorded_ms = now_ms;
    for (stream, head) in draft.streams.iter().zip(heads) {
        let seq = head.map_or(0, |head| head.seq + 1);
        if let Some(expected) = draft
            .expected
            .iter()
            .find(|expected| expected.stream == *stream && expected.seq != seq)
        {
            return Err(LinkError::Moved {
                stream: stream.clone(),
                expected: expected.seq,
                found: seq,
            });
        }
        let head_ms = head.map_or(0, |head| head.recorded_ms);
        let ahead_ms = head_ms.saturating_sub(now_ms);
        if ahead_ms > CLOCK_DRIFT_MS_MAX {
            return Err(LinkError::HeadAhead {
                stream: stream.clone(),
                ahead_ms,
            });
        }
        recorded_ms = recorded_ms.max(head_ms);
        links.push(Link {
            previous: head.map(|head| head.hash),
            seq,
            stream: stream.clone(),
        });
    }
    let header = Header {
        by: draft.by.clone(),
        claimed_ms: draft.claimed_ms,
        fields: draft.fields.clone(),
        format: FORMAT,
        journal: journal.clone(),
        kind: draft.kind.clone(),
        links,
        payloads: references(draft)?,
        recorded_ms,
    };
    Ok(Entry::encode(header)?)
}

/// Lists what the header says of payloads. Its size alone says whether one is kept apart.
fn references(draft: &Draft) -> Result<Vec<PayloadRef>, EntryError> {
    let here = draft.payloads.iter().map(Payload::reference);
    let here = here.map(|reference| (reference.is_large(), reference));
    let apart = draft.large.iter().map(|large| &large.reference);
    let apart = apart.map(|reference| (!reference.is_large(), reference.clone()));
    here.chain(apart)
        .map(|(misplaced, reference)| {
            if misplaced {
                return Err(EntryError::PayloadTooLarge(reference.size));
            }
            Ok(reference)
        })
        .collect()
}
