//! Changes of a dossier, in terms of what a recorder could have put into it.

use model::dossier::{ApprovalStatus, Attestation, Outcome};
use model::{Dossier, EntryHash, Name};
use serde_json::Value;
use serde_json::value::RawValue;

/// A change of a dossier. It does nothing where what it changes is not there.
pub(super) type Edit = Box<dyn Fn(&mut Dossier) + Send + Sync>;

/// A schema that no policy knows.
const UNKNOWN_SCHEMA: &str = "unknown.v0";

/// Takes everything away that says anything: evidence, approvals, what is known of the change.
pub(super) fn silence(dossier: &mut Dossier) {
    dossier.attestations.clear();
    dossier.approvals.clear();
    unknown_change(dossier);
}

/// Takes away what is known of the change.
pub(super) fn unknown_change(dossier: &mut Dossier) {
    dossier.change.commits.clear();
    dossier.change.complete = false;
    dossier.change.since = None;
}

/// Takes attestations away.
pub(super) fn without(dossier: &mut Dossier, entries: &[EntryHash]) {
    dossier
        .attestations
        .retain(|attestation| !entries.contains(&attestation.entry));
}

/// Takes an approval away.
pub(super) fn without_approval(dossier: &mut Dossier, entry: &EntryHash) {
    dossier
        .approvals
        .retain(|approval| approval.entry != *entry);
}

/// Adds an attestation after all others, recorded later than they.
pub(super) fn add_newest(dossier: &mut Dossier, mut attestation: Attestation) {
    let times = dossier.attestations.iter().map(|other| other.recorded_ms);
    attestation.recorded_ms = times.max().unwrap_or_default().saturating_add(1);
    attestation.entry = unused(dossier);
    dossier.attestations.push(attestation);
}

/// Adds an attestation before all others, recorded no later than they.
pub(super) fn add_oldest(dossier: &mut Dossier, mut attestation: Attestation) {
    let times = dossier.attestations.iter().map(|other| other.recorded_ms);
    attestation.recorded_ms = times.min().unwrap_or_default().saturating_sub(1);
    attestation.entry = unused(dossier);
    dossier.attestations.insert(0, attestation);
}

/// Records an attestation a second time, right after the first.
pub(super) fn duplicate(dossier: &mut Dossier, entry: &EntryHash) {
    let twin = unused(dossier);
    let mut places = dossier.attestations.iter();
    if let Some(place) = places.position(|attestation| attestation.entry == *entry)
        && let Some(mut copy) = dossier.attestations.get(place).cloned()
    {
        copy.entry = twin;
        dossier.attestations.insert(place + 1, copy);
    }
}

/// Records an approval a second time, right after the first.
pub(super) fn duplicate_approval(dossier: &mut Dossier, entry: &EntryHash) {
    let twin = unused(dossier);
    let mut places = dossier.approvals.iter();
    if let Some(place) = places.position(|approval| approval.entry == *entry)
        && let Some(mut copy) = dossier.approvals.get(place).cloned()
    {
        copy.entry = twin;
        dossier.approvals.insert(place + 1, copy);
    }
}

/// Adds an approval, as one that does not count: `stale`, or over by now.
pub(super) fn add_void_approval(
    dossier: &mut Dossier,
    approval: &model::dossier::Approval,
    how: Void,
) {
    let mut approval = approval.clone();
    approval.entry = unused(dossier);
    how.make(&mut approval, dossier.now_ms);
    dossier.approvals.push(approval);
}

/// Why an approval does not count.
#[derive(Debug, Clone, Copy)]
pub(super) enum Void {
    Stale,
    Over,
}

impl Void {
    pub(super) const ALL: [Self; 2] = [Self::Stale, Self::Over];

    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Stale => "stale",
            Self::Over => "over",
        }
    }

    pub(super) fn make(self, approval: &mut model::dossier::Approval, now_ms: u64) {
        match self {
            Self::Stale => {
                approval.status = ApprovalStatus::Stale;
                approval.reason = "later-failure".parse().ok();
            }
            Self::Over => approval.expires_ms = now_ms,
        }
    }
}

/// Changes the attestation of an entry.
pub(super) fn change(
    dossier: &mut Dossier,
    entry: &EntryHash,
    change: impl FnOnce(&mut Attestation),
) {
    let mut all = dossier.attestations.iter_mut();
    if let Some(attestation) = all.find(|attestation| attestation.entry == *entry) {
        change(attestation);
    }
}

/// Puts other facts in place of an attestation's.
pub(super) fn set_facts(attestation: &mut Attestation, facts: &Value) {
    let bytes = model::canonical::to_vec(facts).unwrap_or_default();
    let text = String::from_utf8(bytes).unwrap_or_default();
    if let Ok(facts) = RawValue::from_string(text) {
        attestation.facts = facts;
    }
}

/// Reads an attestation's facts.
pub(super) fn facts(attestation: &Attestation) -> Value {
    serde_json::from_str(attestation.facts.get()).unwrap_or(Value::Null)
}

/// Makes an attestation one of a schema that nobody knows.
pub(super) fn unknown_schema(attestation: &mut Attestation) {
    if let Ok(schema) = UNKNOWN_SCHEMA.parse() {
        attestation.schema = schema;
    }
}

/// Makes an attestation one of another flow, or of the same flow and yet not of this trail.
pub(super) fn foreign(attestation: &mut Attestation, flow: Option<&Name>) {
    attestation.foreign = true;
    if let Some(flow) = flow {
        attestation.flow = flow.clone();
    }
}

/// Makes an attestation the report of a run that failed and saw nothing.
pub(super) fn failed(attestation: &mut Attestation) {
    attestation.outcome = Outcome::Failed;
    set_facts(attestation, &Value::Object(serde_json::Map::new()));
}

/// Returns an entry hash that nothing in a dossier has.
fn unused(dossier: &Dossier) -> EntryHash {
    let taken = |entry: &EntryHash| {
        let attested = dossier.attestations.iter().map(|other| &other.entry);
        let approved = dossier.approvals.iter().map(|other| &other.entry);
        attested.chain(approved).any(|other| other == entry)
    };
    let mut bytes = [0xf0; 32];
    for first in 0..=u8::MAX {
        if let Some(byte) = bytes.last_mut() {
            *byte = first;
        }
        if !taken(&EntryHash(bytes)) {
            break;
        }
    }
    EntryHash(bytes)
}
