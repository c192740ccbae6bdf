//! The use cases: record, decide, approve, snapshot, look up.
//!
//! What a request means, on which store whatsoever: [`Recorder`] turns it into entries and what is recorded into
//! answers. It knows nothing of HTTP and nothing of AWS. Everything that a decision rests on is found by pure functions
//! of the record ([`Definitions`], [`Dossier`](model::Dossier)), which a replay runs again offline.
#![warn(missing_docs)]

mod approval;
mod approve;
mod caller;
mod change;
mod decide;
mod decision;
mod definitions;
mod dossier;
mod environment;
mod error;
mod event;
mod exception;
mod export;
mod genesis;
mod heads;
mod history;
mod judge;
mod keys;
mod known;
mod parameters;
mod past;
mod permit;
mod policies;
mod publication;
mod record;
mod recorder;
mod recover;
mod replay;
mod sandboxes;
mod signature;
mod streams;
pub mod timestamp;
mod together;
mod trust;
mod upload;
pub mod view;

pub use approval::Stale;
pub use approve::ApproveRequest;
pub use caller::Caller;
pub use decide::{DecideRequest, Decision, TrialPolicy, TrialRequest};
pub use decision::{Excepted, Grounds, Judged, Refusal};
pub use definitions::{Binding, Definitions, Engine, Environment, Exception, Flow, Key, Policy};
pub use dossier::Question;
pub use environment::{Running, SNAPSHOT_ARTIFACTS_MAX, Snapshot, TakeSnapshot};
pub use error::{HistoryError, RecorderError};
pub use event::{
    AddAlias, Attest, BeginTrail, Event, RecordArtifact, Report, ReportDeployment, Submission,
    idempotency,
};
pub use exception::{EXCEPTIONS_MAX, GrantException};
pub use genesis::{Charter, genesis};
pub use history::{History, Loaded};
pub use keys::{AddKey, AddPerson, DefineEnvironment, DefineFlow, NewKey};
pub use known::Sharing;
pub use parameters::ParametersError;
pub use past::{Asked, Candidate, Impact, Measure, Past, Said, for_all};
pub use permit::{Permit, PermitError, PermitRequest, Permitted};
pub use policies::BindPolicy;
pub use publication::{
    Accepted, CASES_MEDIA_TYPE, CHECKED_SCHEMA, Checked, Part, Publication, PublishedPolicy,
    SCHEMA_MEDIA_TYPE, sha256,
};
pub use record::STREAM_ENTRIES_MAX;
pub use recorder::{AliasKey, Entropy, Parts, Recorder, SystemEntropy};
pub use replay::{ReplayError, Replayed, replay};
pub use sandboxes::{Compiling, Images, Policies};
pub use signature::{
    KeyError, PREDICATE_TYPE, PolicyKey, PolicySignature, PolicySigner, SIGNATURE_MEDIA_TYPE,
    SignatureError, sign,
};
pub use trust::{
    KeyToTrust, Proposal, SignatureFound, Signed, Trust, TrustPolicyKeys, TrustedKeys,
};
pub use upload::{AnnounceUpload, Announcement, UploadError};
