//! A source compiled to regorus' bytecode.

use std::sync::Arc;

use regorus::rvm::vm::RegoVM;
use regorus::{Engine, Value};
use rewrite::place;

use crate::bundle::Bundle;
use crate::check::{self, RESULT};
use crate::trailmark::policy::types::{RuleError, SourceError, Verdict};
use crate::{Document, calls, document, patterns, verdict};

/// A dossier that has one of everything, so that whatever is made lazily is made when a source is loaded.
const SAMPLE: &str = include_str!("sample.json");
const NO_PARAMETERS: &str = "{}";

pub struct Program {
    vm: RegoVM,
}

/// The entry points, in the order in which they are compiled.
const ENTRY_POINTS: [&str; 3] = [RESULT, "allow", "findings"];

impl Program {
    pub fn compile(source: &str) -> Result<Self, SourceError> {
        let bundle = Bundle::read(source)?;
        let (mut plain, mut engine) = bundle.parse()?;
        let package = check::check(&mut plain, bundle.data())?;
        let mut program = match compiled(&mut engine, &package, &bundle) {
            Ok(program) => program,
            // That was written anew; in what its author wrote, the same error has the place that they know.
            Err(error) => {
                return Err(compiled(&mut plain, &package, &bundle)
                    .err()
                    .unwrap_or(error));
            }
        };
        calls::lighten(Arc::make_mut(&mut program));
        patterns::compile(&program);

        let mut vm = RegoVM::new();
        // Fuel is the meter of work; a second one would only add a second way to run out.
        vm.set_max_instructions(usize::MAX);
        vm.set_strict_builtin_errors(true);
        vm.load_program(program);
        vm.set_data(bundle.data().clone())
            .map_err(|error| SourceError::Syntax(error.to_string()))?;
        let mut program = Self { vm };
        // Whatever the sample's verdict is: it fills caches that are then part of the image.
        let _ = program.judge(&json(SAMPLE), &json(NO_PARAMETERS));
        program.vm.set_input(Value::Undefined);
        Ok(program)
    }

    pub fn judge(
        &mut self,
        dossier: &Document,
        parameters: &Document,
    ) -> Result<Verdict, RuleError> {
        let mut input = document::read(dossier).map_err(RuleError::RuleFailed)?;
        let parameters = document::read(parameters).map_err(RuleError::RuleFailed)?;
        let fields = input
            .as_object_mut()
            .map_err(|error| RuleError::RuleFailed(error.to_string()))?;
        fields.insert("parameters".into(), parameters);
        builtins::set_now_ms(input["now_ms"].as_u64().unwrap_or_default());
        builtins::forget();
        self.vm.set_input(input);
        let result = self.run(0)?;
        if let Some(contradiction) = builtins::contradiction() {
            return Err(RuleError::RuleFailed(contradiction));
        }
        if result == Value::Undefined {
            let undefined = if self.run(1)? == Value::Undefined {
                "allow"
            } else {
                "findings"
            };
            return Err(RuleError::UndefinedRule(undefined.into()));
        }
        verdict::read(&result)
    }

    fn run(&mut self, entry_point: usize) -> Result<Value, RuleError> {
        self.vm
            .execute_entry_point_by_index(entry_point)
            .map_err(|error| RuleError::RuleFailed(error.to_string()))
    }
}

/// Compiles modules to bytecode.
fn compiled(
    engine: &mut Engine,
    package: &[String],
    bundle: &Bundle,
) -> Result<Arc<regorus::rvm::Program>, SourceError> {
    // Both rules in one value: what they share is computed once.
    let package = engine
        .add_policy(format!("{RESULT}.rego"), result(package))
        .map_err(|error| bundle.wrong(error))?;
    let paths = ENTRY_POINTS.map(|rule| format!("{package}.{rule}"));
    let entry_points: Vec<&str> = paths.iter().map(String::as_str).collect();
    let compiled = engine
        .compile_with_entrypoint(&Arc::from(entry_points[0]))
        .map_err(|error| bundle.wrong(error))?;
    builtins::compile(&compiled, &entry_points).map_err(|error| {
        let said = error.error.to_string();
        SourceError::Syntax(match &error.span {
            Some(span) => place::message(span, "error", &said),
            None => said,
        })
    })
}

/// A document that is not encoded.
fn json(text: &str) -> Document {
    Document {
        text: text.into(),
        words: Vec::new(),
    }
}

/// Writes the module that puts the two rules of a package together.
fn result(package: &[String]) -> String {
    let mut path = String::new();
    for (at, segment) in package.iter().enumerate() {
        match at {
            0 => path.push_str(segment),
            _ => path.push_str(&format!("[{}]", Value::from(segment.as_str()))),
        }
    }
    format!("package {path}\n\n{RESULT} := {{\"allow\": allow, \"findings\": findings}}\n")
}
