//! What can be seen where it stands: evidence read without a look at what makes it count, names compared in part, times
//! written down.

use std::collections::BTreeSet;

use regorus::unstable::{Expr, Literal, Query, Ref, Rule, RuleHead, Span};

use super::super::Trap;
use super::program::{self, Program};

/// What must be looked at where a list of the dossier is read.
const MARKS: [(&str, Trap, &[&str]); 2] = [
    ("attestations", Trap::ForeignIgnored, &["foreign"]),
    (
        "approvals",
        Trap::ApprovalUnchecked,
        &["status", "expires_ms"],
    ),
];

/// Functions that find a part of a text, or change it before it is compared.
const LOOSE: [&str; 14] = [
    "contains",
    "endswith",
    "glob.match",
    "indexof",
    "lower",
    "regex.match",
    "startswith",
    "strings.any_prefix_match",
    "strings.any_suffix_match",
    "substring",
    "trim_left",
    "trim_prefix",
    "trim_suffix",
    "upper",
];

/// Fields that name evidence.
const NAMES: [&str; 4] = ["name", "type", "flow", "schema"];

/// Milliseconds from 2001 to 2100.
const TIMES_MS: std::ops::Range<u64> = 1_000_000_000_000..4_102_444_800_000;

pub(super) fn find(program: &Program) -> Vec<(Trap, Span)> {
    let mut found = Vec::new();
    for definitions in program.rules.values() {
        for (module, rule) in definitions {
            let mut reading = Reading {
                program,
                module: *module,
                found: &mut found,
            };
            reading.rule(rule);
            for expr in program::all_of_rule(rule) {
                loose_name(program, *module, expr, &mut found);
                time(expr, &mut found);
            }
        }
    }
    found
}

struct Reading<'a> {
    program: &'a Program,
    module: usize,
    found: &'a mut Vec<(Trap, Span)>,
}

impl Reading<'_> {
    fn rule(&mut self, rule: &Rule) {
        let Rule::Spec { head, bodies, .. } = rule else {
            return;
        };
        let value = program::value(head);
        let key = match head {
            RuleHead::Set { key, .. } => key.as_ref(),
            _ => None,
        };
        let heads: Vec<&Ref<Expr>> = value.into_iter().chain(key).collect();
        if bodies.iter().all(|body| body.query.stmts.is_empty()) {
            for value in heads {
                // A name for the whole list is looked at where it is used.
                if self.list(value).is_none() {
                    self.query(None, &[value]);
                }
            }
            return;
        }
        for body in bodies {
            let own = body.assign.as_ref().map(|assign| &assign.value);
            let heads: Vec<&Ref<Expr>> = heads.iter().copied().chain(own).collect();
            self.query(Some(&body.query), &heads);
        }
    }

    /// Looks at a query and what stands in front of it; both see the same variables.
    fn query(&mut self, query: Option<&Query>, heads: &[&Ref<Expr>]) {
        let mut below = Vec::new();
        for head in heads {
            program::all(head, &mut below);
        }
        if let Some(query) = query {
            program::all_of_query(query, &mut below);
        }
        let seen = self.marks(&below);
        let mut own = Vec::new();
        for head in heads {
            self.own(head, &mut own);
        }
        if let Some(query) = query {
            self.own_of_query(query, &mut own);
        }
        for (list, trap, marks) in MARKS {
            if marks.iter().all(|mark| seen.contains(*mark)) {
                continue;
            }
            let place = own.iter().find(|expr| self.list(expr) == Some(list));
            if let Some(place) = place {
                self.found.push((trap, place.span().clone()));
            }
        }
    }

    /// Returns the list of the dossier that a reference leads to, whole or in part.
    fn list(&self, expr: &Expr) -> Option<&'static str> {
        let path = self.program.path(self.module, expr)?;
        let direct = MARKS.iter().find(|(list, ..)| path.is_input(list));
        if let Some((list, ..)) = direct {
            return Some(list);
        }
        let rule = self.program.rule(self.module, &path)?;
        let (module, value) = self.program.only_value(rule)?;
        let path = self.program.path(module, &value)?;
        let mut lists = MARKS.iter().map(|(list, ..)| *list);
        lists.find(|list| path.is_input(list) && path.steps.len() == 1)
    }

    /// Collects the fields that are read, also by functions that are called.
    fn marks(&self, exprs: &[&Ref<Expr>]) -> BTreeSet<String> {
        let mut marks = BTreeSet::new();
        for expr in exprs {
            if let Some(path) = self.program.path(self.module, expr) {
                marks.extend(path.steps.into_iter().flatten());
            }
            if let Expr::Call { fcn, .. } = expr.as_ref()
                && let Some(rule) = self.program.rule_of(self.module, fcn)
            {
                for used in program::used(self.program, &[rule.to_owned()]) {
                    for (module, rule) in self.program.definitions(&used) {
                        let paths = program::all_of_rule(rule).into_iter();
                        let paths = paths.filter_map(|expr| self.program.path(*module, expr));
                        marks.extend(paths.flat_map(|path| path.steps.into_iter().flatten()));
                    }
                }
            }
        }
        marks
    }

    /// Collects what belongs to this query, and looks at those below it on their own.
    fn own<'e>(&mut self, expr: &'e Ref<Expr>, own: &mut Vec<&'e Ref<Expr>>) {
        if let Some(query) = program::query(expr) {
            self.query(Some(query), &program::parts(expr));
            return;
        }
        own.push(expr);
        for part in program::parts(expr) {
            self.own(part, own);
        }
    }

    fn own_of_query<'e>(&mut self, query: &'e Query, own: &mut Vec<&'e Ref<Expr>>) {
        for statement in &query.stmts {
            match &statement.literal {
                Literal::SomeVars { .. } => {}
                Literal::SomeIn { collection, .. } => self.own(collection, own),
                Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => self.own(expr, own),
                Literal::Every { domain, query, .. } => {
                    self.own(domain, own);
                    self.own_of_query(query, own);
                }
            }
        }
    }
}

fn loose_name(program: &Program, module: usize, expr: &Ref<Expr>, found: &mut Vec<(Trap, Span)>) {
    let Expr::Call { fcn, params, .. } = expr.as_ref() else {
        return;
    };
    let names = params.iter().any(|param| {
        program
            .path(module, param)
            .is_some_and(|path| path.last().is_some_and(|last| NAMES.contains(&last)))
    });
    let whole = fcn.span().text() == "regex.match"
        && params
            .first()
            .and_then(|pattern| program::text_of(pattern))
            .is_some_and(|pattern| pattern.starts_with('^') && pattern.ends_with('$'));
    if names && !whole && LOOSE.contains(&fcn.span().text()) {
        found.push((Trap::LooseName, expr.span().clone()));
    }
}

fn time(expr: &Ref<Expr>, found: &mut Vec<(Trap, Span)>) {
    let is_time = match expr.as_ref() {
        Expr::Number { span, .. } => {
            let number = span.text().parse::<u64>();
            number.is_ok_and(|number| TIMES_MS.contains(&number))
        }
        other => program::text_of(other).is_some_and(|text| is_date(&text)),
    };
    if is_time {
        found.push((Trap::HardCodedTime, expr.span().clone()));
    }
}

/// Says whether a text begins like `2026-11-23`.
fn is_date(text: &str) -> bool {
    let mut bytes = text.bytes();
    let century = [bytes.next(), bytes.next()];
    let rest = "dd-dd-dd".bytes().all(|wanted| {
        bytes.next().is_some_and(|byte| match wanted {
            b'-' => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
    });
    rest && matches!(century, [Some(b'1'), Some(b'9')] | [Some(b'2'), Some(b'0')])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_known_by_its_form() {
        assert!(is_date("2026-11-23") && is_date("1999-01-01T00:00:00Z"));
        for other in ["2026-1-1", "3026-11-23", "v1", "", "20261123"] {
            assert!(!is_date(other), "{other}");
        }
    }
}
