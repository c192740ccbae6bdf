//! Rules that nothing uses, and parameters that nothing reads.

use std::collections::BTreeSet;

use regorus::unstable::{Expr, Ref, Span};

use super::super::Trap;
use super::program::{self, Program};

/// Finds the rules of the policy's own package that neither `allow` nor `findings` uses. What a library has besides is
/// no fault.
pub(super) fn rules(program: &Program) -> Vec<(Trap, Span)> {
    let mut roots = program.entry("allow");
    let packages: BTreeSet<String> = roots
        .iter()
        .filter_map(|path| path.strip_suffix("allow").map(str::to_owned))
        .collect();
    roots.extend(program.entry("findings"));
    let used = program::used(program, &roots);
    let mut found = Vec::new();
    for (path, definitions) in &program.rules {
        let own = path
            .rfind('.')
            .and_then(|dot| path.get(..=dot))
            .is_some_and(|package| packages.contains(package));
        if own
            && !used.contains(path)
            && let Some((_, rule)) = definitions.first()
        {
            found.push((Trap::UnusedRule, program::head(rule).span().clone()));
        }
    }
    found
}

/// Finds parameters that have a default and are never read.
pub(super) fn defaults(program: &Program) -> Vec<(Trap, Span)> {
    let mut found = Vec::new();
    for definitions in program.rules.values() {
        for (module, rule) in definitions {
            for expr in program::all_of_rule(rule) {
                for (span, name) in defaults_in(program, *module, expr) {
                    if !is_read(program, &name) {
                        found.push((Trap::UnusedParameter, span));
                    }
                }
            }
        }
    }
    found
}

/// Says whether a parameter is read: as a field of anything, or by a text that names it outside of an object's keys.
pub(super) fn is_read(program: &Program, name: &str) -> bool {
    let mut rules = program.rules.values().flatten();
    rules.any(|(module, rule)| {
        let exprs = program::all_of_rule(rule);
        let keys: Vec<&Ref<Expr>> = exprs
            .iter()
            .filter_map(|expr| match expr.as_ref() {
                Expr::Object { fields, .. } => Some(fields.iter().map(|(_, key, _)| key)),
                _ => None,
            })
            .flatten()
            .collect();
        exprs.iter().any(|expr| {
            let field = program.path(*module, expr).is_some_and(|path| {
                let mut steps = path.steps.iter().flatten();
                steps.any(|step| step == name)
            });
            let text = program::text_of(expr).as_deref() == Some(name);
            field || (text && !keys.contains(expr))
        })
    })
}

/// Returns the keys of the object that `object.union(…, input.parameters)` begins with.
fn defaults_in(program: &Program, module: usize, expr: &Ref<Expr>) -> Vec<(Span, String)> {
    let Expr::Call { fcn, params, .. } = expr.as_ref() else {
        return Vec::new();
    };
    let [defaults, given] = params.as_slice() else {
        return Vec::new();
    };
    let given = program.path(module, given);
    if fcn.span().text() != "object.union"
        || !given.is_some_and(|path| path.is_input("parameters") && path.steps.len() == 1)
    {
        return Vec::new();
    }
    let object = match defaults.as_ref() {
        Expr::Object { .. } => Some(defaults.clone()),
        _ => program
            .rule_of(module, defaults)
            .and_then(|rule| program.only_value(rule))
            .map(|(_, value)| value),
    };
    match object.as_deref() {
        Some(Expr::Object { fields, .. }) => fields
            .iter()
            .filter_map(|(_, key, _)| Some((key.span().clone(), program::text_of(key)?)))
            .collect(),
        _ => Vec::new(),
    }
}
