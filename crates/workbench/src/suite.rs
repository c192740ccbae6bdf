//! All cases of a policy: run in the sandbox, explained by the interpreter.

use policy::{InputError, Outcome, Prepared};

use crate::native::{self, Heard, Native};
use crate::run::outcome_text;
use crate::{Case, CaseResult, Coverage, Modules, run};

/// What came of the cases that were run.
#[derive(Debug, Clone)]
pub struct Suite {
    /// Each case, in the order of the file.
    pub cases: Vec<Tested>,
    /// What they reach of the policy; only for Rego.
    pub coverage: Option<Coverage>,
    /// Why the interpreter did not take sources in Rego: then it is not known what they print and what is reached.
    pub unexplained: Option<String>,
}

/// What came of one case.
#[derive(Debug, Clone)]
pub struct Tested {
    /// What the sandbox said, compared with what the case expects. It alone is the verdict.
    pub result: CaseResult,
    /// What the policy printed, each with its file and line.
    pub prints: Vec<String>,
    /// Where there was no verdict, or where a built-in failed: why, in the words of the interpreter.
    pub said: Option<String>,
    /// Where the interpreter understands the policy otherwise than the sandbox: what it found. That is an error of
    /// Trailmark, not of the policy.
    pub disagrees: Option<String>,
}

impl Tested {
    /// Says whether the case came out as it should, and is understood alike.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.result.passed() && self.disagrees.is_none()
    }
}

impl Suite {
    /// Runs cases. `modules` are the policy's sources where it is written in Rego.
    ///
    /// # Errors
    /// When a dossier has no canonical form.
    pub fn run<'a>(
        policy: &Prepared,
        modules: Option<&Modules>,
        cases: impl IntoIterator<Item = &'a Case>,
    ) -> Result<Self, InputError> {
        // The sandbox took the sources; that the interpreter does not leaves its words out, and nothing else.
        let (mut interpreter, unexplained) = match modules.map(Native::new).transpose() {
            Ok(interpreter) => (interpreter, None),
            Err(error) => (None, Some(error.to_string())),
        };
        let mut tested = Vec::new();
        for case in cases {
            tested.push(one(policy, interpreter.as_mut(), case)?);
        }
        let coverage = interpreter
            .as_ref()
            .zip(modules)
            .map(|(interpreter, modules)| interpreter.coverage(modules));
        Ok(Self {
            cases: tested,
            coverage,
            unexplained,
        })
    }

    /// Returns how many cases did not come out as they should.
    #[must_use]
    pub fn failed(&self) -> usize {
        self.cases.iter().filter(|case| !case.passed()).count()
    }
}

fn one(
    policy: &Prepared,
    interpreter: Option<&mut Native>,
    case: &Case,
) -> Result<Tested, InputError> {
    let result = run(policy, case)?;
    let mut tested = Tested {
        prints: Vec::new(),
        said: None,
        disagrees: None,
        result,
    };
    let evaluation = &tested.result.evaluation;
    let Some(interpreter) = interpreter.filter(|_| native::may_follow(evaluation)) else {
        return Ok(tested);
    };
    let heard = interpreter.judge(&case.dossier, &case.parameters_json());
    if !native::agree(evaluation, &heard) {
        tested.disagrees = Some(answer_text(&heard));
    }
    tested.said = heard.said();
    tested.prints = heard.prints;
    Ok(tested)
}

fn answer_text(heard: &Heard) -> String {
    match &heard.answer {
        Ok(verdict) => outcome_text(&Outcome::Verdict(verdict.clone())),
        Err(said) => said.clone(),
    }
}
