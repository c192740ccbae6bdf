//! The interpreter of regorus, run beside the sandbox: for what it prints, which lines it reaches, and how it words its
//! errors. It never decides, and it runs without limits: only what the sandbox has answered is given to it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use model::{Dossier, EntryHash, Name};
use policy::{Denial, Evaluation, Finding, Outcome, Status, Verdict};
use regorus::{Engine, Value};
use serde::Deserialize;

use crate::Modules;

/// Why the interpreter could not take a policy. The sandbox words it better: it has refused the policy already.
#[derive(Debug, thiserror::Error)]
pub enum NativeError {
    /// A source or a document is wrong; the text names file, line and column.
    #[error("the interpreter refused the policy: {0}")]
    Refused(String),
    /// No module has both rules.
    #[error("no source has the rules `allow` and `findings`")]
    NoRules,
}

/// A policy in the interpreter.
pub struct Native {
    pub(crate) engine: Engine,
    package: String,
}

/// What the interpreter made of a dossier.
#[derive(Debug)]
pub struct Heard {
    /// What it answered; or, in the engine's words with the source line, why nothing.
    pub answer: Result<Verdict, String>,
    /// What the policy printed, each with its file and line.
    pub prints: Vec<String>,
}

impl std::fmt::Debug for Native {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "the rules of {}", self.package)
    }
}

impl Native {
    /// Loads a policy, and begins to note which of its lines are reached.
    ///
    /// # Errors
    /// When it is no policy.
    pub fn new(modules: &Modules) -> Result<Self, NativeError> {
        let mut engine = Engine::new();
        engine.set_gather_prints(true);
        builtins::extend(&mut engine).map_err(|error| refused(&error))?;
        let mut package = None;
        for (path, text) in &modules.modules {
            let this = engine
                .add_policy(path.clone(), text.clone())
                .map_err(|error| refused(&error))?;
            let has = |rule| engine.has_declared_rule_rooted_at(path, rule);
            if has("allow").map_err(|error| refused(&error))?
                && has("findings").map_err(|error| refused(&error))?
            {
                package.get_or_insert(this);
            }
        }
        if !modules.data.is_empty() {
            let data = serde_json::Value::Object(modules.data.clone()).to_string();
            engine
                .add_data_json(&data)
                .map_err(|error| refused(&error))?;
        }
        engine.set_enable_coverage(true);
        Ok(Self {
            engine,
            package: package.ok_or(NativeError::NoRules)?,
        })
    }

    /// Judges a dossier. `parameters` is the JSON of an object.
    pub fn judge(&mut self, dossier: &Dossier, parameters: &str) -> Heard {
        // The interpreter is not ours, and panics of it are known; in the sandbox they are a denial.
        let answer = catch_unwind(AssertUnwindSafe(|| self.answer(dossier, parameters)));
        let answer = answer.unwrap_or_else(|_| Err("the interpreter panicked".into()));
        Heard {
            answer,
            prints: self.engine.take_prints().unwrap_or_default(),
        }
    }

    fn answer(&mut self, dossier: &Dossier, parameters: &str) -> Result<Verdict, String> {
        let said = |error: &dyn std::fmt::Display| error.to_string();
        let text = serde_json::to_string(dossier).map_err(|error| said(&error))?;
        let mut input = Value::from_json_str(&text).map_err(|error| said(&error))?;
        let parameters = Value::from_json_str(parameters).map_err(|error| said(&error))?;
        let fields = input.as_object_mut().map_err(|error| said(&error))?;
        fields.insert("parameters".into(), parameters);
        builtins::set_now_ms(dossier.now_ms);
        self.engine.set_input(input);
        let mut rule = |name: &str| match self.engine.eval_rule(format!("{}.{name}", self.package))
        {
            Ok(Value::Undefined) => Err(format!("the rule `{name}` has no value")),
            Ok(value) => Ok(value),
            Err(error) => Err(error.to_string().trim().to_owned()),
        };
        // Both are run in any case, so that both are seen to be reached.
        let (allow, findings) = (rule("allow"), rule("findings"));
        let (allow, findings) = (allow?, findings?);
        let Value::Bool(allow) = allow else {
            return Err("the rule `allow` is not a boolean".into());
        };
        if !matches!(findings, Value::Set(_) | Value::Array(_)) {
            return Err("the rule `findings` is neither a set nor an array".into());
        }
        let findings = findings.to_json_str().map_err(|error| said(&error))?;
        let findings: Vec<Read> = serde_json::from_str(&findings)
            .map_err(|error| format!("a finding is not of its type: {error}"))?;
        Ok(Verdict {
            allow,
            findings: findings.into_iter().map(Read::finding).collect(),
        })
    }
}

fn refused(error: &dyn std::fmt::Display) -> NativeError {
    NativeError::Refused(error.to_string().trim().to_owned())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Read {
    control: Name,
    entries: Vec<EntryHash>,
    reason: String,
    status: Status,
}

impl Read {
    fn finding(self) -> Finding {
        Finding {
            control: self.control,
            entries: self.entries,
            reason: self.reason,
            status: self.status,
        }
    }
}

/// Says whether an evaluation can be given to the interpreter: it has no limits, and no protection against a crash.
#[must_use]
pub const fn may_follow(evaluation: &Evaluation) -> bool {
    !matches!(
        evaluation.outcome,
        Outcome::Undecided(_)
            | Outcome::Denied(
                Denial::OutOfFuel | Denial::OutOfMemory | Denial::OutOfTable | Denial::Trapped
            )
    )
}

/// Says whether sandbox and interpreter understand the policy alike: the same verdict, or none.
#[must_use]
pub fn agree(evaluation: &Evaluation, heard: &Heard) -> bool {
    match (&evaluation.outcome, &heard.answer) {
        (Outcome::Verdict(sandbox), Ok(native)) => sandbox == native,
        (Outcome::Verdict(_), Err(_)) => false,
        (
            Outcome::Denied(Denial::UndefinedRule | Denial::WrongType | Denial::RuleFailed),
            Ok(_),
        ) => false,
        // The sandbox says more about what a verdict must be than the interpreter knows.
        (Outcome::Denied(_) | Outcome::Undecided(_), _) => true,
    }
}
