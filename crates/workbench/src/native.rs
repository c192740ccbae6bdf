//! The interpreter of regorus, run beside the sandbox: for what it prints, which lines it reaches, and how it words its
//! errors. It never decides, and it runs without limits: only what the sandbox has answered is given to it.
//!
//! It reads what the sandbox compiles: the policy as `policies/rewrite` writes it. What it says of files, lines and
//! columns is put back to where its author wrote it.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use model::{Dossier, EntryHash, Name};
use policy::{Denial, Evaluation, Finding, Outcome, Status, Verdict};
use regorus::unstable::{Expr, Module, Ref, Rule, RuleHead};
use regorus::{Engine, Value};
use rewrite::mentions::static_path;
use rewrite::{Reader, Rewritten, place, rewrite};
use serde::Deserialize;

use crate::Modules;

/// The rule that gives both answers, each in an array: what they share is computed, and prints, once.
const ANSWERS: &str = "__trailmark_answers";

/// Why the interpreter could not take a policy. The sandbox words it better where it has refused the policy already.
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
    /// Whether a built-in that fails is an error.
    strict: Arc<AtomicBool>,
    /// The modules as their author wrote them, in the order of their paths.
    pub(crate) modules: Vec<Ref<Module>>,
    /// The same as they are read, by path.
    pub(crate) read: BTreeMap<String, Rewritten>,
}

/// What the interpreter made of a dossier.
#[derive(Debug)]
pub struct Heard {
    /// What it answered; or, in the engine's words with the source line, why nothing.
    pub answer: Result<Verdict, String>,
    /// Which built-in failed first, if one did, and where. In the sandbox, that is the end of the rule's body; to the
    /// interpreter, an expression without a value. So their answers may be different then.
    pub failed: Option<String>,
    /// What the policy printed, each with its file and line.
    pub prints: Vec<String>,
}

impl Heard {
    /// Says why there was no answer, or which built-in failed.
    #[must_use]
    pub fn said(&self) -> Option<String> {
        self.answer.as_ref().err().or(self.failed.as_ref()).cloned()
    }
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
    /// When it is no policy, or one that the interpreter does not take.
    pub fn new(modules: &Modules) -> Result<Self, NativeError> {
        let mut plain = Engine::new();
        for (path, text) in &modules.modules {
            plain
                .add_policy(path.clone(), text.clone())
                .map_err(|error| refused(&error))?;
        }
        let parsed = plain.get_modules().to_vec();
        let package = deciding(&parsed)?;
        let written = rewrite(&parsed, Reader::Interpreter).map_err(NativeError::Refused)?;
        let read: BTreeMap<String, Rewritten> =
            modules.modules.keys().cloned().zip(written).collect();

        let mut engine = Engine::new();
        let strict = Arc::new(AtomicBool::new(true));
        builtins::extend(&mut engine, &strict).map_err(|error| refused(&error))?;
        for (path, rewritten) in &read {
            engine
                .add_policy(path.clone(), rewritten.text.clone())
                .map_err(|error| refused(&placed(&parsed, &read, &error.to_string())))?;
        }
        let answers =
            format!("package {package}\n\n{ANSWERS} := [[x | x := allow], [x | x := findings]]\n");
        let package = engine
            .add_policy(format!("{ANSWERS}.rego"), answers)
            .map_err(|error| refused(&error))?;
        if !modules.data.is_empty() {
            let data = serde_json::Value::Object(modules.data.clone()).to_string();
            engine
                .add_data_json(&data)
                .map_err(|error| refused(&error))?;
        }
        engine.set_gather_prints(true);
        engine.set_enable_coverage(true);
        Ok(Self {
            engine,
            package,
            strict,
            modules: parsed,
            read,
        })
    }

    /// Judges a dossier. `parameters` is the JSON of an object.
    pub fn judge(&mut self, dossier: &Dossier, parameters: &str) -> Heard {
        let mut answer = self.guarded(dossier, parameters, true);
        let mut prints = self.prints();
        let mut failed = None;
        if let Err(error) = &answer
            && builtins::contradiction().is_none()
        {
            failed = Some(error.clone());
            answer = self.guarded(dossier, parameters, false);
            prints = self.prints();
        }
        Heard {
            failed: failed.filter(|_| answer.is_ok()),
            answer,
            prints,
        }
    }

    fn guarded(
        &mut self,
        dossier: &Dossier,
        parameters: &str,
        strict: bool,
    ) -> Result<Verdict, String> {
        self.strict.store(strict, Ordering::Relaxed);
        self.engine.set_strict_builtin_errors(strict);
        // The interpreter is not ours, and panics of it are known; in the sandbox they are a denial.
        let answer = catch_unwind(AssertUnwindSafe(|| self.answer(dossier, parameters)));
        answer.unwrap_or_else(|_| Err("the interpreter panicked".into()))
    }

    fn answer(&mut self, dossier: &Dossier, parameters: &str) -> Result<Verdict, String> {
        let said = |error: &dyn std::fmt::Display| error.to_string();
        let text = serde_json::to_string(dossier).map_err(|error| said(&error))?;
        let mut input = Value::from_json_str(&text).map_err(|error| said(&error))?;
        let parameters = Value::from_json_str(parameters).map_err(|error| said(&error))?;
        let fields = input.as_object_mut().map_err(|error| said(&error))?;
        fields.insert("parameters".into(), parameters);
        builtins::set_now_ms(dossier.now_ms);
        builtins::forget();
        self.engine.set_input(input);
        let answers = self
            .engine
            .eval_rule(format!("{}.{ANSWERS}", self.package))
            .map_err(|error| placed(&self.modules, &self.read, error.to_string().trim()))?;
        if let Some(contradiction) = builtins::contradiction() {
            return Err(contradiction);
        }
        let rule = |at: usize, name: &str| match &answers[at][0_usize] {
            Value::Undefined => Err(format!("the rule `{name}` has no value")),
            value => Ok(value.clone()),
        };
        let (allow, findings) = (rule(0, "allow")?, rule(1, "findings")?);
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

    /// Takes what was printed, each with the line where its author wrote it: `FILE:LINE: TEXT`.
    fn prints(&mut self) -> Vec<String> {
        let prints = self.engine.take_prints().unwrap_or_default();
        let place = |print: &str| {
            self.read.iter().find_map(|(path, read)| {
                let rest = print.strip_prefix(path.as_str())?.strip_prefix(':')?;
                let (line, text) = rest.split_once(':')?;
                let line = read.line(line.parse().ok()?)?;
                Some(format!("{path}:{line}:{text}"))
            })
        };
        let placed = |print: String| place(&print).unwrap_or(print);
        prints.into_iter().map(placed).collect()
    }
}

/// Finds the package that has both rules, as it is written.
fn deciding(modules: &[Ref<Module>]) -> Result<&str, NativeError> {
    let mut packages: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for module in modules {
        let package = &module.package.refr;
        let rules = packages.entry(static_path(package)).or_default();
        let names = module
            .policy
            .iter()
            .filter_map(|rule| static_path(name(rule)));
        rules.extend(names.filter_map(|path| path.into_iter().next()));
        if ["allow", "findings"]
            .iter()
            .all(|rule| rules.contains(*rule))
        {
            return Ok(package.span().text());
        }
    }
    Err(NativeError::NoRules)
}

/// Returns what a rule is called, with its key where it has one.
pub(crate) fn name(rule: &Rule) -> &Ref<Expr> {
    match rule {
        Rule::Default { refr, .. } => refr,
        Rule::Spec { head, .. } => match head {
            RuleHead::Compr { refr, .. }
            | RuleHead::Set { refr, .. }
            | RuleHead::Func { refr, .. } => refr,
        },
    }
}

/// Puts the places of a message back to where they were in what the author wrote.
fn placed(modules: &[Ref<Module>], read: &BTreeMap<String, Rewritten>, message: &str) -> String {
    place::corrected(message, |file, line, column| {
        let sources = modules.iter().map(|module| &module.package.span.source);
        let source = sources
            .into_iter()
            .find(|source| source.get_path() == file)?;
        Some(read.get(file)?.place(source.contents(), line, column))
    })
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

/// Says whether sandbox and interpreter understand the policy alike: the same verdict, or none. Where a built-in failed,
/// they may give different answers, and do understand it alike.
#[must_use]
pub fn agree(evaluation: &Evaluation, heard: &Heard) -> bool {
    match (&evaluation.outcome, &heard.answer) {
        (_, Ok(_)) if heard.failed.is_some() => true,
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
