//! What must be there for an expression to hold: does it, directly or by its rules, demand evidence?
//!
//! Evidence is an attestation, an approval, a commit of the change, or that the change is known. Whatever is true of
//! nothing at all (`not`, `every`, `count(…) == 0`) demands nothing; what stands beside it may.

use std::cell::RefCell;
use std::collections::BTreeSet;

use regorus::unstable::{ArithOp, BinOp, BoolOp, Expr, Literal, Query, Ref, Rule, RuleHead};

use super::program::{self, Local, Path, Program, Scope};

/// Lists of the dossier that may be empty.
const LISTS: [&str; 2] = ["attestations", "approvals"];

/// What is asked of a rule.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    /// That it has a value; a collection has one also when it is empty.
    Value,
    /// That it has an element.
    Element,
}

pub(super) struct Demands<'a> {
    program: &'a Program,
    /// Rules that are being looked at.
    pending: RefCell<BTreeSet<String>>,
}

/// How many there are of something, compared with a number.
pub(super) enum Amount<'a> {
    /// At least one.
    Some(&'a Ref<Expr>),
    /// Perhaps none.
    MaybeNone(&'a Ref<Expr>),
}

impl<'a> Demands<'a> {
    pub(super) fn new(program: &'a Program) -> Self {
        Self {
            program,
            pending: RefCell::default(),
        }
    }

    /// Says whether a query can only hold where there is evidence.
    pub(super) fn query(&self, module: usize, query: &Query, outer: &Scope) -> bool {
        let scope = program::scope(outer, query);
        let mut statements = query.stmts.iter();
        statements.any(|statement| match &statement.literal {
            Literal::SomeIn { collection, .. } => self.filled(module, collection, &scope),
            Literal::Expr { expr, .. } => self.holds(module, expr, &scope),
            Literal::Every { domain, query, .. } => {
                self.program.is_constant(module, domain) && self.query(module, query, &scope)
            }
            Literal::SomeVars { .. } | Literal::NotExpr { .. } => false,
        })
    }

    /// Says whether an expression, as a condition, can only hold where there is evidence.
    pub(super) fn holds(&self, module: usize, expr: &Ref<Expr>, scope: &Scope) -> bool {
        if let Some(amount) = self.amount(module, expr, scope) {
            return match amount {
                Amount::Some(of) => self.filled(module, of, scope),
                Amount::MaybeNone(of) => self.lacks_constant(module, of, scope),
            };
        }
        match expr.as_ref() {
            Expr::BoolExpr { op, lhs, rhs, .. } => {
                let wanted = |rule: &Ref<Expr>, literal: &Ref<Expr>| {
                    *op == BoolOp::Eq
                        && program::is_literal(literal)
                        && self.equals(module, rule, literal.span().text())
                };
                wanted(lhs, rhs)
                    || wanted(rhs, lhs)
                    || self.defined(module, lhs, scope)
                    || self.defined(module, rhs, scope)
            }
            Expr::Membership {
                value, collection, ..
            } => self.filled(module, collection, scope) || self.defined(module, value, scope),
            _ => self.defined(module, expr, scope),
        }
    }

    /// Says whether an expression can only have a value where there is evidence.
    fn defined(&self, module: usize, expr: &Ref<Expr>, scope: &Scope) -> bool {
        match expr.as_ref() {
            Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. } => {
                self.reference(module, expr, scope)
            }
            Expr::Call { fcn, params, .. } => {
                let name = fcn.span().text();
                if let Some(rule) = self.program.rule_of(module, fcn) {
                    return self.rule(rule, None, Need::Value)
                        || params.iter().any(|one| self.defined(module, one, scope));
                }
                match params.first() {
                    Some(first) if matches!(name, "max" | "min") => {
                        self.filled(module, first, scope) || self.defined(module, first, scope)
                    }
                    Some(first) if name == "object.get" => self.defined(module, first, scope),
                    _ => params.iter().any(|one| self.defined(module, one, scope)),
                }
            }
            Expr::BoolExpr { .. } | Expr::Membership { .. } => self.holds(module, expr, scope),
            Expr::AssignExpr { rhs, .. } => self.defined(module, rhs, scope),
            Expr::ArrayCompr { .. } | Expr::SetCompr { .. } | Expr::ObjectCompr { .. } => false,
            _ => program::parts(expr)
                .into_iter()
                .any(|part| self.defined(module, part, scope)),
        }
    }

    fn reference(&self, module: usize, expr: &Ref<Expr>, scope: &Scope) -> bool {
        let Some(path) = self.program.path(module, expr) else {
            // `max(…)[2]`, `f(x).y`: what the reference begins with must have a value.
            return program::parts(expr)
                .into_iter()
                .any(|part| self.defined(module, part, scope));
        };
        if path.root == "input" {
            return is_there(&path);
        }
        match scope.get(&path.root) {
            Some(Local::Value(value)) => {
                !refers_to(value, &path.root) && self.defined(module, value, scope)
            }
            Some(Local::Element(of)) => {
                !refers_to(of, &path.root) && self.filled(module, of, scope)
            }
            Some(Local::Argument { .. } | Local::Other) => false,
            None => {
                let rule = self.program.rule(module, &path);
                // A step into a collection needs an element of it.
                let need = if path.steps.is_empty() {
                    Need::Value
                } else {
                    Need::Element
                };
                rule.is_some_and(|rule| self.rule(rule, None, need))
            }
        }
    }

    /// Says whether a collection can only have something in it where there is evidence.
    fn filled(&self, module: usize, expr: &Ref<Expr>, scope: &Scope) -> bool {
        if let Some(query) = program::query(expr) {
            return self.query(module, query, scope);
        }
        match expr.as_ref() {
            Expr::Array { .. } | Expr::Set { .. } | Expr::Object { .. } => false,
            Expr::Call { fcn, params, .. } => {
                if let Some(rule) = self.program.rule_of(module, fcn) {
                    return self.rule(rule, None, Need::Element)
                        || params.iter().any(|one| self.holds_in(module, one, scope));
                }
                match fcn.span().text() {
                    "array.concat" | "object.union" => {
                        params.iter().all(|one| self.filled(module, one, scope))
                    }
                    _ => params.iter().any(|one| self.holds_in(module, one, scope)),
                }
            }
            Expr::BinExpr { op, lhs, rhs, .. } => {
                let (left, right) = (
                    self.filled(module, lhs, scope),
                    self.filled(module, rhs, scope),
                );
                match op {
                    BinOp::Union => left && right,
                    BinOp::Intersection => left || right,
                }
            }
            Expr::ArithExpr {
                op: ArithOp::Sub,
                lhs,
                ..
            } => self.filled(module, lhs, scope),
            Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. } => {
                let Some(path) = self.program.path(module, expr) else {
                    return self.defined(module, expr, scope);
                };
                if path.root == "input" {
                    return is_list(&path) || is_there(&path);
                }
                match scope.get(&path.root) {
                    Some(Local::Value(value)) if path.steps.is_empty() => {
                        !refers_to(value, &path.root) && self.filled(module, value, scope)
                    }
                    Some(_) => self.reference(module, expr, scope),
                    None => {
                        let rule = self.program.rule(module, &path);
                        rule.is_some_and(|rule| self.rule(rule, None, Need::Element))
                    }
                }
            }
            _ => false,
        }
    }

    fn holds_in(&self, module: usize, expr: &Ref<Expr>, scope: &Scope) -> bool {
        self.filled(module, expr, scope) || self.defined(module, expr, scope)
    }

    /// Says whether a rule can only have a value (this one), or an element, where there is evidence.
    fn rule(&self, path: &str, wanted: Option<&str>, need: Need) -> bool {
        if !self.pending.borrow_mut().insert(path.to_owned()) {
            return true;
        }
        let definitions = self.program.definitions(path);
        let demands = !definitions.is_empty()
            && definitions
                .iter()
                .all(|(module, rule)| self.definition(*module, rule, wanted, need));
        self.pending.borrow_mut().remove(path);
        demands
    }

    fn definition(&self, module: usize, rule: &Rule, wanted: Option<&str>, need: Need) -> bool {
        // A value that is not wanted does not count: not `false` where something must hold, and no other text.
        let other = |value: &Expr| match wanted {
            Some(wanted) => program::is_literal(value) && value.span().text() != wanted,
            None => program::is_bool(value, false),
        };
        let Rule::Spec { head, bodies, .. } = rule else {
            return matches!(rule, Rule::Default { value, .. } if other(value));
        };
        let scope = Scope::new();
        let by_value = |value: &Ref<Expr>, scope: &Scope| {
            other(value)
                || self.holds(module, value, scope)
                || (need == Need::Element && self.filled(module, value, scope))
        };
        if matches!(head, RuleHead::Set { .. }) && need == Need::Value {
            return false;
        }
        if bodies.is_empty() {
            return program::value(head).is_some_and(|value| by_value(value, &scope));
        }
        bodies.iter().all(|body| {
            let inner = program::scope(&scope, &body.query);
            let value = body.assign.as_ref().map(|assign| &assign.value);
            let value = value.or_else(|| (!body.is_else).then(|| program::value(head)).flatten());
            self.query(module, &body.query, &scope)
                || value.is_some_and(|value| by_value(value, &inner))
        })
    }

    /// Says whether a rule can only have this value where there is evidence.
    fn equals(&self, module: usize, rule: &Ref<Expr>, literal: &str) -> bool {
        self.program
            .rule_of(module, rule)
            .is_some_and(|path| self.rule(path, Some(literal), Need::Value))
    }

    /// Reads a comparison of how many there are.
    pub(super) fn amount<'e>(
        &self,
        module: usize,
        expr: &'e Ref<Expr>,
        scope: &Scope,
    ) -> Option<Amount<'e>> {
        let Expr::BoolExpr { op, lhs, rhs, .. } = expr.as_ref() else {
            return None;
        };
        let compared = match (is_nothing(lhs), is_nothing(rhs)) {
            (false, true) => Some(lhs),
            (true, false) => Some(rhs),
            _ => None,
        };
        if let Some(of) = compared {
            return match op {
                BoolOp::Eq => Some(Amount::MaybeNone(of)),
                BoolOp::Ne => Some(Amount::Some(of)),
                _ => None,
            };
        }
        let (counted, other, op) = if is_count(self.program, module, lhs, scope) {
            (lhs, rhs, op.clone())
        } else if is_count(self.program, module, rhs, scope) {
            (rhs, lhs, mirrored(op))
        } else {
            return None;
        };
        let zero = other.span().text() == "0";
        let some = match op {
            BoolOp::Gt => true,
            BoolOp::Ge => !zero,
            BoolOp::Ne => zero,
            // As many as are written down are some.
            BoolOp::Eq => match counted_by(self.program, module, other, scope) {
                _ if matches!(other.as_ref(), Expr::Number { .. }) => !zero,
                Some((module, of)) => self.program.is_constant(module, &of),
                None => false,
            },
            BoolOp::Lt | BoolOp::Le => false,
        };
        Some(if some {
            Amount::Some(counted)
        } else {
            Amount::MaybeNone(counted)
        })
    }

    /// Says whether "none is left" demands evidence: of something written down, each must have been seen.
    fn lacks_constant(&self, module: usize, counted: &Ref<Expr>, scope: &Scope) -> bool {
        let Some((module, counted)) = counted_by(self.program, module, counted, scope) else {
            return false;
        };
        match counted.as_ref() {
            Expr::ArithExpr {
                op: ArithOp::Sub,
                lhs,
                rhs,
                ..
            } => self.program.is_constant(module, lhs) && self.filled(module, rhs, scope),
            Expr::ArrayCompr { query, .. } | Expr::SetCompr { query, .. } => {
                let inner = program::scope(scope, query);
                let from_constant = query.stmts.iter().any(|statement| {
                    matches!(&statement.literal, Literal::SomeIn { collection, .. }
                        if self.program.is_constant(module, collection))
                });
                let unseen = query
                    .stmts
                    .iter()
                    .all(|statement| match &statement.literal {
                        Literal::SomeIn { .. } => true,
                        Literal::NotExpr { expr, .. } => self.holds(module, expr, &inner),
                        _ => false,
                    });
                from_constant && unseen
            }
            _ => false,
        }
    }
}

/// Says whether a reference into the input has a value only where there is evidence.
fn is_there(path: &Path) -> bool {
    match path.step(0) {
        Some(list) if LISTS.contains(&list) => path.steps.len() > 1,
        Some("change") => match path.step(1) {
            Some("complete") => true,
            Some("commits") => path.steps.len() > 2,
            _ => false,
        },
        _ => false,
    }
}

fn is_list(path: &Path) -> bool {
    match path.steps.as_slice() {
        [Some(list)] => LISTS.contains(&list.as_str()),
        [Some(change), Some(commits)] => change == "change" && commits == "commits",
        _ => false,
    }
}

/// Says whether a variable stands in what it stands for, as in `some x in x`.
fn refers_to(expr: &Ref<Expr>, var: &str) -> bool {
    let mut found = Vec::new();
    program::all(expr, &mut found);
    let mut found = found.into_iter();
    found.any(|expr| matches!(expr.as_ref(), Expr::Var { span, .. } if span.text() == var))
}

/// Says whether an expression is an empty collection.
fn is_nothing(expr: &Expr) -> bool {
    let text: String = expr.span().text().split_whitespace().collect();
    matches!(text.as_str(), "set()" | "[]" | "{}")
}

fn mirrored(op: &BoolOp) -> BoolOp {
    match op {
        BoolOp::Lt => BoolOp::Gt,
        BoolOp::Le => BoolOp::Ge,
        BoolOp::Ge => BoolOp::Le,
        BoolOp::Gt => BoolOp::Lt,
        BoolOp::Eq => BoolOp::Eq,
        BoolOp::Ne => BoolOp::Ne,
    }
}

fn is_count(program: &Program, module: usize, expr: &Ref<Expr>, scope: &Scope) -> bool {
    match expr.as_ref() {
        Expr::Call { fcn, .. } => matches!(fcn.span().text(), "count" | "sum"),
        Expr::Var { span, .. } => match scope.get(span.text()) {
            Some(Local::Value(value)) => {
                !refers_to(value, span.text()) && is_count(program, module, value, scope)
            }
            Some(_) => false,
            None => program
                .rule_of(module, expr)
                .and_then(|rule| program.only_value(rule))
                .is_some_and(|(module, value)| is_count(program, module, &value, &Scope::new())),
        },
        _ => false,
    }
}

/// Follows a count, a variable or a rule to the collection behind it, with the module it stands in.
pub(super) fn counted_by(
    program: &Program,
    module: usize,
    expr: &Ref<Expr>,
    scope: &Scope,
) -> Option<(usize, Ref<Expr>)> {
    match expr.as_ref() {
        Expr::Call { fcn, params, .. } if matches!(fcn.span().text(), "count" | "sum") => {
            counted_by(program, module, params.first()?, scope)
        }
        Expr::Var { span, .. } => match scope.get(span.text()) {
            Some(Local::Value(value)) if !refers_to(value, span.text()) => {
                counted_by(program, module, value, scope)
            }
            Some(_) => Some((module, expr.clone())),
            None => match program
                .rule_of(module, expr)
                .and_then(|rule| program.only_value(rule))
            {
                Some((module, value)) => counted_by(program, module, &value, &Scope::new()),
                None => Some((module, expr.clone())),
            },
        },
        _ => Some((module, expr.clone())),
    }
}
