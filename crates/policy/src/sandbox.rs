use std::path::PathBuf;
use std::sync::Arc;

use crate::{DossierInput, Evaluation, Identity, Limits, Outcome, PolicySource, PublishError, SandboxError, Undecided};

/// How a sandbox is set up.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Where compiled policies are kept; without it every start compiles anew.
    pub cache: Option<Cache>,
    /// The engine component for Rego: the stock one, or for a replay the one that the decision names.
    pub engine: Option<Arc<[u8]>>,
}

/// A folder of compiled policies.
#[derive(Clone)]
pub struct Cache {
    /// The folder; it is created when absent.
    pub folder: PathBuf,
    /// The key that authenticates every file; it does not lie in the folder.
    pub key: [u8; 32],
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "cache in {}", self.folder.display())
    }
}

/// The place where policies run: one engine and one pool of instances. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Sandbox {
    _inner: Arc<()>,
}

/// A policy ready to run. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Prepared {
    identity: Arc<Identity>,
}

/// One policy with the parameters it is bound with.
#[derive(Debug, Clone, Copy)]
pub struct Task<'a> {
    /// The policy.
    pub policy: &'a Prepared,
    /// Canonical JSON of an object; `{}` when there are none.
    pub parameters: &'a str,
}

impl Sandbox {
    /// Sets a sandbox up.
    ///
    /// # Errors
    /// When this machine cannot run it, or the cache folder cannot be made.
    pub fn new(_config: Config) -> Result<Self, SandboxError> {
        Ok(Self { _inner: Arc::new(()) })
    }

    /// Checks a policy, compiles it (or finds it in the cache) and makes it ready to run.
    ///
    /// # Errors
    /// Names what keeps it from being a policy.
    pub fn prepare(&self, _source: &PolicySource) -> Result<Prepared, PublishError> {
        Err(PublishError::Empty)
    }
}

impl Prepared {
    /// Returns what runs.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Runs the policy once, in a fresh instance. `parameters` is the canonical JSON of an object.
    #[must_use]
    pub fn evaluate(&self, _input: &DossierInput, _parameters: &str, _limits: &Limits) -> Evaluation {
        Evaluation { fuel: 0, memory_bytes: 0, outcome: Outcome::Undecided(Undecided::HostFailure) }
    }
}

/// Runs several policies over one dossier, on two threads where there are two; the answers are in the order of `tasks`.
#[must_use]
pub fn evaluate_all(tasks: &[Task<'_>], input: &DossierInput, limits: &Limits) -> Vec<Evaluation> {
    tasks.iter().map(|task| task.policy.evaluate(input, task.parameters, limits)).collect()
}
