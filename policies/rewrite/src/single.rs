//! Which rules and functions could have two values at once: by several definitions, or by one that goes through many
//! things. The machine does not see that, so these are watched while they run.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{Expr, Literal, Module, Query, Ref, Rule, RuleBody, RuleHead};

use crate::mentions::{iterates, names, parts, pattern, static_path, walks};

/// The rules and functions whose definitions could contradict each other, by path, and whether one was seen already.
pub struct Watched(BTreeMap<Vec<String>, bool>);

impl Watched {
    /// Finds them in all modules: a rule's definitions may stand in several.
    pub fn of(modules: &[Ref<Module>]) -> Self {
        let mut definitions: BTreeMap<Vec<String>, Vec<Definition<'_>>> = BTreeMap::new();
        for module in modules {
            for rule in &module.policy {
                if let Some((path, definition)) = definition(module, rule) {
                    definitions.entry(path).or_default().push(definition);
                }
            }
        }
        definitions.retain(|_, definitions| contradict(definitions));
        Self(definitions.into_keys().map(|path| (path, false)).collect())
    }

    /// Says whether a rule is to be watched, and whether this is its first definition.
    pub fn next(&mut self, path: &[String]) -> Option<bool> {
        let seen = self.0.get_mut(path)?;
        Some(!std::mem::replace(seen, true))
    }
}

/// Says what a rule is called, package and all.
pub fn path(module: &Module, head: &RuleHead) -> Option<Vec<String>> {
    let (RuleHead::Compr { refr, .. } | RuleHead::Func { refr, .. }) = head else {
        return None;
    };
    match refr.as_ref() {
        Expr::Var { span, .. } => {
            let mut path = static_path(&module.package.refr).unwrap_or_default();
            path.push(span.text().to_owned());
            Some(path)
        }
        _ => None,
    }
}

struct Definition<'a> {
    arguments: &'a [Ref<Expr>],
    /// The values that it may have; `true` where none is written.
    values: Vec<Option<&'a Ref<Expr>>>,
}

fn definition<'a>(module: &Module, rule: &'a Ref<Rule>) -> Option<(Vec<String>, Definition<'a>)> {
    let Rule::Spec { head, bodies, .. } = rule.as_ref() else {
        return None;
    };
    let path = path(module, head)?;
    let arguments = match head {
        RuleHead::Func { args, .. } => args.as_slice(),
        _ => &[],
    };
    let others = bodies.iter().filter(|body| body.is_else);
    let values = std::iter::once(value(head))
        .chain(others.map(|body| body.assign.as_ref().map(|assign| &assign.value)))
        .collect();
    Some((path, Definition { arguments, values }))
}

/// The value that a head gives.
pub fn value(head: &RuleHead) -> Option<&Ref<Expr>> {
    match head {
        RuleHead::Compr { assign, .. } | RuleHead::Func { assign, .. } => {
            assign.as_ref().map(|assign| &assign.value)
        }
        RuleHead::Set { .. } => None,
    }
}

/// Says whether two of the definitions could hold with different values.
fn contradict(definitions: &[Definition<'_>]) -> bool {
    definitions.iter().enumerate().any(|(at, one)| {
        definitions
            .iter()
            .skip(at + 1)
            .any(|other| !same(one, other) && !apart(one, other))
    })
}

fn same(one: &Definition<'_>, other: &Definition<'_>) -> bool {
    let mut values = one
        .values
        .iter()
        .chain(&other.values)
        .map(|value| match value {
            None => Some((Kind::Plain, "true")),
            Some(value) => literal(value),
        });
    let first = values.next().flatten();
    first.is_some() && values.all(|value| value == first)
}

/// Says whether one argument is one text here, and another there.
fn apart(one: &Definition<'_>, other: &Definition<'_>) -> bool {
    fn text(expr: &Ref<Expr>) -> Option<(Kind, &str)> {
        literal(expr).filter(|(kind, _)| *kind == Kind::Text)
    }
    one.arguments.iter().zip(other.arguments).any(
        |(one, other)| matches!((text(one), text(other)), (Some(one), Some(other)) if one != other),
    )
}

/// How a literal is written: `true` and `"true"` have the same letters.
#[derive(PartialEq, Clone, Copy)]
enum Kind {
    Text,
    Plain,
}

/// Reads a literal that is equal to another only where they are written alike.
fn literal(expr: &Ref<Expr>) -> Option<(Kind, &str)> {
    match expr.as_ref() {
        Expr::String { span, .. } => Some((Kind::Text, span.text())),
        Expr::Number { span, .. } | Expr::Bool { span, .. } | Expr::Null { span, .. } => {
            Some((Kind::Plain, span.text()))
        }
        _ => None,
    }
}

/// Says whether a body could give a value several times over, each time another one.
pub fn varies(value: &Ref<Expr>, body: &RuleBody, head: &RuleHead) -> bool {
    if !iterates(&body.query, head) {
        return false;
    }
    let mut given = BTreeSet::new();
    free(value, &mut given);
    let mut bound = BTreeSet::new();
    variables(&body.query, &mut bound);
    if let RuleHead::Func { args, .. } = head {
        let mut arguments = BTreeSet::new();
        args.iter()
            .for_each(|argument| names(argument, &mut arguments));
        bound.retain(|name| !arguments.contains(name));
    }
    given
        .iter()
        .any(|name| !matches!(name.as_str(), "input" | "data") && bound.contains(name))
}

/// Collects the names that the statements of a query may give a value to.
fn variables(query: &Query, found: &mut BTreeSet<String>) {
    for statement in &query.stmts {
        match &statement.literal {
            Literal::SomeVars { vars, .. } => {
                found.extend(vars.iter().map(|name| name.text().to_owned()));
            }
            Literal::SomeIn {
                key,
                value,
                collection,
                ..
            } => {
                key.iter()
                    .chain([value, collection])
                    .for_each(|expr| names(expr, found));
            }
            Literal::Expr { expr, .. } => names(expr, found),
            Literal::NotExpr { .. } | Literal::Every { .. } => {}
        }
    }
}

/// Says whether a comprehension's key is the one by which it goes through something, and no key comes twice.
pub fn counted(key: &Ref<Expr>, query: &Query) -> bool {
    let is_key = |expr: &Ref<Expr>| match (expr.as_ref(), key.as_ref()) {
        (Expr::Var { span, .. }, Expr::Var { span: key, .. }) => span.text() == key.text(),
        _ => false,
    };
    let mut bound = BTreeSet::new();
    assigned(query, &mut bound);
    let mut times = 0;
    query
        .stmts
        .iter()
        .all(|statement| match &statement.literal {
            Literal::SomeIn {
                key: Some(by),
                value,
                ..
            } => {
                times += 1;
                times == 1 && is_key(by) && matches!(value.as_ref(), Expr::Var { .. })
            }
            Literal::SomeIn { .. } | Literal::SomeVars { .. } => false,
            Literal::Expr { expr, .. } => match expr.as_ref() {
                Expr::AssignExpr { lhs, .. } if !is_key(lhs) => !walks(expr, &bound),
                Expr::AssignExpr { .. } => false,
                _ => !walks(expr, &bound),
            },
            Literal::NotExpr { .. } | Literal::Every { .. } => true,
        })
        && times == 1
}

/// Says whether all that a query asks is asked within a loop of its own.
pub fn loops(query: &Query) -> bool {
    let Some(Literal::SomeIn { collection, .. }) = query.stmts.first().map(|first| &first.literal)
    else {
        return false;
    };
    let (mut own, mut through) = (BTreeSet::new(), BTreeSet::new());
    assigned(query, &mut own);
    free(collection, &mut through);
    own.is_disjoint(&through)
}

/// Collects the names that an expression has from outside.
fn free(expr: &Ref<Expr>, found: &mut BTreeSet<String>) {
    match expr.as_ref() {
        Expr::Var { span, .. } => {
            found.insert(span.text().to_owned());
        }
        Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
            free_in(&[term], query, found);
        }
        Expr::ObjectCompr {
            key, value, query, ..
        } => free_in(&[key, value], query, found),
        other => parts(other, &mut |part| free(part, found)),
    }
}

fn free_in(terms: &[&Ref<Expr>], query: &Query, found: &mut BTreeSet<String>) {
    let mut inside = BTreeSet::new();
    terms.iter().for_each(|term| free(term, &mut inside));
    exprs(query, &mut |expr| free(expr, &mut inside));
    let mut own = BTreeSet::new();
    assigned(query, &mut own);
    found.extend(inside.into_iter().filter(|name| !own.contains(name)));
}

/// Visits the expressions of a query, and of what it asks of every element.
fn exprs(query: &Query, visit: &mut dyn FnMut(&Ref<Expr>)) {
    for statement in &query.stmts {
        match &statement.literal {
            Literal::SomeVars { .. } => {}
            Literal::SomeIn { collection, .. } => visit(collection),
            Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => visit(expr),
            Literal::Every { domain, query, .. } => {
                visit(domain);
                exprs(query, visit);
            }
        }
    }
}

/// Collects the variables that a query declares or assigns.
fn assigned(query: &Query, found: &mut BTreeSet<String>) {
    let mut bind = |expr| {
        pattern(expr, &mut |name| {
            found.insert(name.text().to_owned());
        });
    };
    for statement in &query.stmts {
        match &statement.literal {
            Literal::SomeIn { key, value, .. } => key.iter().chain([value]).for_each(&mut bind),
            Literal::Expr { expr, .. } => {
                if let Expr::AssignExpr { lhs, .. } = expr.as_ref() {
                    bind(lhs);
                }
            }
            _ => {}
        }
    }
}
