//! The lint: traps that can be seen in Rego source, without running it.
//!
//! It reads the syntax tree of the native interpreter; what it decides nothing depends on. It prefers to say nothing
//! over being wrong: what cannot be followed (computed references, values from `data`) is taken to be in order, and the
//! mutants come after it.

mod demand;
mod program;
mod reach;
mod unused;
mod words;

use std::collections::BTreeMap;

use regorus::Engine;
use regorus::unstable::Span;
use serde::Serialize;
use serde_json::Value;

use super::Trap;
use program::Program;

/// A trap, and where it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Spotted {
    /// The file, as it is called in the bundle.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
    /// The trap.
    pub finding: Trap,
    /// What is there, on one line.
    pub what: String,
    /// The source's line.
    pub source: String,
}

/// A module that cannot be parsed.
#[derive(Debug, thiserror::Error)]
#[error("could not parse `{file}`: {message}")]
pub struct LintError {
    /// Which.
    pub file: String,
    /// What the parser says, with its place.
    pub message: String,
}

/// Lints the modules of a Rego policy, by path. `schema` is the JSON schema of its parameters.
///
/// # Errors
/// When a module cannot be parsed.
pub fn lint(
    modules: &BTreeMap<String, String>,
    schema: Option<&Value>,
) -> Result<Vec<Spotted>, LintError> {
    if modules.is_empty() {
        return Ok(Vec::new());
    }
    let mut engine = Engine::new();
    for (file, module) in modules {
        engine
            .add_policy(file.clone(), module.clone())
            .map_err(|error| LintError {
                file: file.clone(),
                message: error.to_string(),
            })?;
    }
    let program = Program::new(engine.get_modules().clone());
    let mut found = reach::Reach::new(&program).follow();
    found.extend(words::find(&program));
    found.extend(unused::rules(&program));
    found.extend(unused::defaults(&program));
    let mut spotted: Vec<Spotted> = found
        .iter()
        .map(|(trap, span)| spotted(*trap, span))
        .collect();
    spotted.extend(unread(&program, schema));
    spotted.sort();
    spotted.dedup();
    Ok(spotted)
}

/// Finds parameters of the schema that nothing reads.
fn unread(program: &Program, schema: Option<&Value>) -> Vec<Spotted> {
    let properties = schema.and_then(|schema| schema.get("properties")?.as_object());
    let names = properties.into_iter().flat_map(serde_json::Map::keys);
    names
        .filter(|name| !unused::is_read(program, name))
        .map(|name| Spotted {
            file: "the parameters' schema".into(),
            line: 0,
            column: 0,
            finding: Trap::UnusedParameter,
            what: format!("`{name}`"),
            source: String::new(),
        })
        .collect()
}

fn spotted(finding: Trap, span: &Span) -> Spotted {
    let line = usize::try_from(span.line).unwrap_or(usize::MAX);
    let mut lines = span.source.get_contents().lines();
    let source = lines.nth(line.saturating_sub(1)).unwrap_or_default();
    let words = span.text().split_whitespace().collect::<Vec<_>>().join(" ");
    let what = if words.chars().count() > 80 {
        format!("{}…", words.chars().take(80).collect::<String>())
    } else {
        words
    };
    Spotted {
        file: span.source.get_path().clone(),
        line: span.line,
        column: span.col,
        finding,
        what,
        source: source.to_owned(),
    }
}
