//! Refuses what an `every` would look at before it has its value.
//!
//! Statements are put into the order in which their variables get values, but what the body of an `every` uses is not
//! looked at for that: `every x in xs { of[y] == x }; y := 1` would look for any `y` there is.

use std::collections::BTreeSet;

use regorus::unstable::{AssignOp, Expr, Literal, Query, Ref, Rule, Span};
use rewrite::mentions::{Mentions, head_exprs, parts};

/// Finds the first variable that the body of an `every` uses and a later statement gives its value.
pub fn late(rule: &Rule) -> Option<(String, Span)> {
    let Rule::Spec { head, bodies, .. } = rule else {
        return None;
    };
    let mut found = None;
    head_exprs(head, &mut |expr| {
        found = found.take().or_else(|| in_expr(expr));
    });
    found.or_else(|| {
        bodies.iter().find_map(|body| {
            let value = body
                .assign
                .as_ref()
                .and_then(|assign| in_expr(&assign.value));
            value.or_else(|| in_query(&body.query))
        })
    })
}

fn in_query(query: &Query) -> Option<(String, Span)> {
    let mut before = BTreeSet::new();
    for (at, statement) in query.stmts.iter().enumerate() {
        let mut used = Vec::new();
        everys(&statement.literal, &mut used);
        let after = query.stmts.iter().skip(at + 1);
        let late: BTreeSet<String> = after.fold(BTreeSet::new(), |mut late, statement| {
            binds(&statement.literal, &mut late);
            late
        });
        let first = used
            .into_iter()
            .find(|(name, _)| late.contains(name) && !before.contains(name));
        if first.is_some() {
            return first;
        }
        if let Some(found) = inside(&statement.literal) {
            return Some(found);
        }
        if !matches!(statement.literal, Literal::SomeVars { .. }) {
            binds(&statement.literal, &mut before);
        }
    }
    None
}

/// Looks at the queries within a statement.
fn inside(literal: &Literal) -> Option<(String, Span)> {
    match literal {
        Literal::SomeVars { .. } => None,
        Literal::SomeIn { collection, .. } => in_expr(collection),
        Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => in_expr(expr),
        Literal::Every { domain, query, .. } => in_expr(domain).or_else(|| in_query(query)),
    }
}

fn in_expr(expr: &Ref<Expr>) -> Option<(String, Span)> {
    let mut found = None;
    queries(expr, &mut |query| {
        found = found.take().or_else(|| in_query(query));
    });
    found
}

/// Visits the queries of the comprehensions in an expression, the outermost ones.
fn queries(expr: &Ref<Expr>, visit: &mut dyn FnMut(&Query)) {
    match expr.as_ref() {
        Expr::ArrayCompr { query, .. }
        | Expr::SetCompr { query, .. }
        | Expr::ObjectCompr { query, .. } => visit(query),
        other => parts(other, &mut |part| queries(part, visit)),
    }
}

/// Collects what the bodies of each `every` in a statement use.
fn everys(literal: &Literal, used: &mut Vec<(String, Span)>) {
    let mut below = |expr: &Ref<Expr>| {
        queries(expr, &mut |query| {
            for statement in &query.stmts {
                everys(&statement.literal, used);
            }
        });
    };
    match literal {
        Literal::SomeVars { .. } => {}
        Literal::SomeIn { collection, .. } => below(collection),
        Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => below(expr),
        Literal::Every {
            key,
            value,
            domain,
            query,
            ..
        } => {
            below(domain);
            let mut own: BTreeSet<String> = key.iter().chain([value]).map(name).collect();
            for statement in &query.stmts {
                declares(&statement.literal, &mut own);
            }
            let mut mentions = Mentions::default();
            mentions.query(query);
            for path in mentions.paths {
                match path.segments.into_iter().next() {
                    Some(name) if path.called.is_none() && !own.contains(&name) => {
                        used.push((name, path.span));
                    }
                    _ => {}
                }
            }
        }
    }
}

fn name(span: &Span) -> String {
    span.text().to_owned()
}

/// Collects the variables that a statement declares.
fn declares(literal: &Literal, names: &mut BTreeSet<String>) {
    match literal {
        Literal::SomeVars { vars, .. } => names.extend(vars.iter().map(name)),
        Literal::SomeIn { key, value, .. } => {
            key.iter()
                .chain([value])
                .for_each(|part| variables(part, names));
        }
        Literal::Expr { expr, .. } => {
            if let Expr::AssignExpr {
                op: AssignOp::ColEq,
                lhs,
                ..
            } = expr.as_ref()
            {
                variables(lhs, names);
            }
        }
        Literal::NotExpr { .. } | Literal::Every { .. } => {}
    }
}

/// Collects the variables that a statement may give a value: those that it declares, and those in open places.
fn binds(literal: &Literal, names: &mut BTreeSet<String>) {
    declares(literal, names);
    match literal {
        Literal::SomeIn { collection, .. } => places(collection, names),
        Literal::Expr { expr, .. } => {
            if let Expr::AssignExpr { lhs, rhs, .. } = expr.as_ref() {
                variables(lhs, names);
                variables(rhs, names);
            }
            places(expr, names);
        }
        Literal::SomeVars { .. } | Literal::NotExpr { .. } => {}
        Literal::Every { domain, .. } => places(domain, names),
    }
}

/// Collects the variables of a pattern.
fn variables(expr: &Ref<Expr>, names: &mut BTreeSet<String>) {
    match expr.as_ref() {
        Expr::Var { span, .. } => drop(names.insert(name(span))),
        Expr::Array { .. } | Expr::Object { .. } => {
            parts(expr.as_ref(), &mut |part| variables(part, names));
        }
        _ => {}
    }
}

/// Collects the variables that stand in brackets.
fn places(expr: &Ref<Expr>, names: &mut BTreeSet<String>) {
    if let Expr::RefBrack { index, .. } = expr.as_ref() {
        variables(index, names);
    }
    parts(expr.as_ref(), &mut |part| places(part, names));
}
