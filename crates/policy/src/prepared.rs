use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use wasmtime::Store;

use crate::bindings::engine::{Engine, EnginePre};
use crate::bindings::policy::{Policy, PolicyPre};
use crate::bindings::types::{self, RuleError};
use crate::machine::Gate;
use crate::meter::{self, Meter};
use crate::{
    Denial, DossierInput, Evaluation, Identity, Limits, Outcome, Undecided, document, verdict,
};

/// Threads that one decision's policies run on.
const THREADS: usize = 2;

/// A policy ready to run. Cheap to clone.
#[derive(Clone)]
pub struct Prepared {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) identity: Identity,
    pub(crate) engine: wasmtime::Engine,
    pub(crate) gate: Arc<Gate>,
    pub(crate) program: Program,
}

/// What is instantiated for each evaluation.
pub(crate) enum Program {
    Component(PolicyPre<Meter>),
    Rego(EnginePre<Meter>),
}

impl std::fmt::Debug for Prepared {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "prepared policy {}", self.inner.identity.policy)
    }
}

impl Prepared {
    pub(crate) fn new(inner: Inner) -> Self {
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Returns what runs.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.inner.identity
    }

    /// Runs the policy once, in a fresh instance. `parameters` is the canonical JSON of an object.
    #[must_use]
    pub fn evaluate(&self, input: &DossierInput, parameters: &str, limits: &Limits) -> Evaluation {
        self.evaluate_timed(input, parameters, limits).0
    }

    /// Runs the policy once, as [`Self::evaluate`] does, and says how long that took. The times are of this run alone.
    #[must_use]
    pub fn evaluate_timed(
        &self,
        input: &DossierInput,
        parameters: &str,
        limits: &Limits,
    ) -> (Evaluation, Times) {
        let _place = self.inner.gate.enter();
        let mut times = Times::default();
        let started = Instant::now();
        let mut store = match meter::store(&self.inner.engine, limits) {
            Ok(store) => store,
            Err(error) => return (failed_to_begin(&error), times),
        };
        store.data_mut().now_ms = input.typed().now_ms;
        let program = &self.inner.program;
        let answer = program.instantiate(&mut store).and_then(|instance| {
            times.begin = started.elapsed();
            instance.run(&mut store, input, parameters)
        });
        times.call = started.elapsed().saturating_sub(times.begin);
        let outcome = match answer {
            Ok(Ok(verdict)) => verdict::check(verdict, input),
            Ok(Err(error)) => Outcome::Denied(denial(&error)),
            Err(error) => meter::stopped(&error),
        };
        let left = store.get_fuel().unwrap_or_default();
        let evaluation = Evaluation {
            fuel: limits.fuel.saturating_sub(left),
            memory_bytes: store.data().memory_bytes(),
            outcome,
        };
        drop(store);
        times.end = started
            .elapsed()
            .saturating_sub(times.begin)
            .saturating_sub(times.call);
        (evaluation, times)
    }
}

/// How long the parts of an evaluation took, of the wall clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct Times {
    /// Making the store and the instance.
    pub begin: Duration,
    /// Lowering the input, running, and lifting the answer.
    pub call: Duration,
    /// Checking the answer and making the instance's memory as it was.
    pub end: Duration,
}

/// A fresh instance, which answers once.
enum Instance {
    Component(Policy),
    Rego(Engine),
}

impl Program {
    fn instantiate(&self, store: &mut Store<Meter>) -> wasmtime::Result<Instance> {
        match self {
            Self::Component(policy) => policy.instantiate(store).map(Instance::Component),
            Self::Rego(engine) => engine.instantiate(store).map(Instance::Rego),
        }
    }
}

impl Instance {
    fn run(
        self,
        store: &mut Store<Meter>,
        input: &DossierInput,
        parameters: &str,
    ) -> wasmtime::Result<Result<types::Verdict, RuleError>> {
        match self {
            Self::Component(policy) => policy
                .call_evaluate(store, input.typed(), parameters)
                .map(Ok),
            Self::Rego(engine) => {
                let parameters = document::encode(parameters);
                engine.call_judge(store, input.document(), &parameters)
            }
        }
    }
}

pub(crate) fn denial(error: &RuleError) -> Denial {
    tracing::debug!(?error, "a rule gave no verdict");
    match error {
        RuleError::UndefinedRule(_) => Denial::UndefinedRule,
        RuleError::WrongType(_) => Denial::WrongType,
        RuleError::RuleFailed(_) => Denial::RuleFailed,
    }
}

fn failed_to_begin(error: &wasmtime::Error) -> Evaluation {
    tracing::error!(%error, "an evaluation could not begin");
    lost()
}

/// One policy with the parameters it is bound with.
#[derive(Debug, Clone, Copy)]
pub struct Task<'a> {
    /// The policy.
    pub policy: &'a Prepared,
    /// Canonical JSON of an object; `{}` when there are none.
    pub parameters: &'a str,
}

/// Runs several policies over one dossier, on two threads where there are two; the answers are in the order of `tasks`.
#[must_use]
pub fn evaluate_all(tasks: &[Task<'_>], input: &DossierInput, limits: &Limits) -> Vec<Evaluation> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(task) = tasks.get(index) else {
                return done;
            };
            done.push((index, task.policy.evaluate(input, task.parameters, limits)));
        }
    };
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let helpers = THREADS.min(processors).min(tasks.len()).saturating_sub(1);
    let done = thread::scope(|scope| {
        let started: Vec<_> = (0..helpers)
            .filter_map(|_| thread::Builder::new().spawn_scoped(scope, work).ok())
            .collect();
        let mut done = work();
        for helper in started {
            done.extend(helper.join().unwrap_or_default());
        }
        done
    });
    // A helper that panicked took its answers with it; an answer that is missing must not shift the others.
    let mut answers = vec![lost(); tasks.len()];
    for (index, evaluation) in done {
        if let Some(answer) = answers.get_mut(index) {
            *answer = evaluation;
        }
    }
    answers
}

fn lost() -> Evaluation {
    Evaluation {
        fuel: 0,
        memory_bytes: 0,
        outcome: Outcome::Undecided(Undecided::HostFailure),
    }
}
