//! Follows `allow` through the rules, and sees what becomes true of nothing.
//!
//! Each rule is looked at from the side from which it is used. On the positive side something must hold for `allow` to
//! hold; on the negative side (below `not`, in what `count(…) == 0` counts) it must not. What is missing makes things
//! undefined: on the positive side that denies, on the negative side it allows. So on the positive side every condition
//! that is true of nothing needs one beside it, or above it, that demands evidence; and a fact that is read on the
//! negative side only must be required somewhere on the positive one.

use std::collections::BTreeSet;

use regorus::unstable::{BoolOp, Expr, Literal, Query, Ref, Rule, RuleHead, Span};

use super::super::Trap;
use super::demand::{Amount, Demands, counted_by};
use super::program::{self, Local, Program, Scope};

/// Fields of the dossier that always have a value.
const ALWAYS: [&str; 14] = [
    "allowed",
    "complete",
    "entry",
    "expires_ms",
    "flow",
    "foreign",
    "name",
    "now_ms",
    "outcome",
    "person",
    "recorded_ms",
    "schema",
    "status",
    "type",
];

/// Where an expression stands.
#[derive(Clone, Copy)]
struct At {
    module: usize,
    positive: bool,
    /// Something beside or above demands evidence.
    guarded: bool,
    /// What turned the side last.
    by: Trap,
}

impl At {
    const fn turned(self, by: Trap) -> Self {
        Self {
            positive: !self.positive,
            by,
            ..self
        }
    }
}

/// A fact that is read.
struct Read {
    field: String,
    positive: bool,
    by: Trap,
    span: Span,
}

pub(super) struct Reach<'a> {
    program: &'a Program,
    demands: Demands<'a>,
    seen: BTreeSet<(String, bool, bool, Vec<bool>)>,
    reads: Vec<Read>,
    failed_only: Vec<Span>,
    passed_seen: bool,
    pub(super) found: Vec<(Trap, Span)>,
}

impl<'a> Reach<'a> {
    pub(super) fn new(program: &'a Program) -> Self {
        Self {
            program,
            demands: Demands::new(program),
            seen: BTreeSet::new(),
            reads: Vec::new(),
            failed_only: Vec::new(),
            passed_seen: false,
            found: Vec::new(),
        }
    }

    /// Follows the rules `allow`.
    pub(super) fn follow(mut self) -> Vec<(Trap, Span)> {
        for allow in self.program.entry("allow") {
            let program = self.program;
            for (module, rule) in program.definitions(&allow) {
                self.allow(*module, rule);
            }
        }
        let required: BTreeSet<&str> = self
            .reads
            .iter()
            .filter(|read| read.positive)
            .map(|read| read.field.as_str())
            .collect();
        let mut named = BTreeSet::new();
        for read in self.reads.iter().filter(|read| !read.positive) {
            if !required.contains(read.field.as_str()) && named.insert(read.field.as_str()) {
                self.found.push((read.by, read.span.clone()));
            }
        }
        if !self.passed_seen {
            let sites = self.failed_only.drain(..);
            self.found
                .extend(sites.map(|span| (Trap::OutcomeOnlyNegative, span)));
        }
        self.found
    }

    fn allow(&mut self, module: usize, rule: &Ref<Rule>) {
        let Rule::Spec { span, head, bodies } = rule.as_ref() else {
            return;
        };
        let before = self.found.len();
        let at = At {
            module,
            positive: true,
            guarded: false,
            by: Trap::AllowWithoutEvidence,
        };
        self.definition(at, rule, &[]);
        let scope = Scope::new();
        let value = program::value(head);
        if bodies.is_empty() {
            let Some(value) = value.filter(|value| !program::is_bool(value, false)) else {
                return;
            };
            if program::is_bool(value, true) {
                self.found.push((Trap::DefaultAllow, span.clone()));
            } else if self.found.len() == before && !self.demands.holds(module, value, &scope) {
                self.found
                    .push((Trap::AllowWithoutEvidence, value.span().clone()));
            }
            return;
        }
        for body in bodies {
            let own = body.assign.as_ref().map(|assign| &assign.value);
            let value = own.or_else(|| value.filter(|_| !body.is_else));
            if value.is_some_and(|value| program::is_bool(value, false)) {
                continue;
            }
            let inner = program::scope(&scope, &body.query);
            let demands = self.demands.query(module, &body.query, &scope)
                || value.is_some_and(|value| self.demands.holds(module, value, &inner));
            if !demands && self.found.len() == before {
                let place = body.query.stmts.first();
                let place = place.map_or(&body.span, |statement| &statement.span);
                self.found.push((Trap::AllowWithoutEvidence, place.clone()));
            }
        }
    }

    /// Follows a rule; `facts` says which of its arguments are facts.
    fn rule(&mut self, path: &str, at: At, facts: &[bool]) {
        let key = (path.to_owned(), at.positive, at.guarded, facts.to_vec());
        if !self.seen.insert(key) {
            return;
        }
        let program = self.program;
        for (module, rule) in program.definitions(path) {
            let at = At {
                module: *module,
                ..at
            };
            if let Rule::Default { span, value, .. } = rule.as_ref()
                && at.positive
                && program::is_bool(value, true)
            {
                self.found.push((Trap::DefaultAllow, span.clone()));
            }
            self.definition(at, rule, facts);
        }
    }

    fn definition(&mut self, at: At, rule: &Rule, facts: &[bool]) {
        let Rule::Spec { head, bodies, .. } = rule else {
            return;
        };
        let mut scope = Scope::new();
        for (index, argument) in program::arguments(rule).iter().enumerate() {
            if let Expr::Var { span, .. } = argument.as_ref() {
                let facts = facts.get(index).copied().unwrap_or_default();
                scope.insert(span.text().to_owned(), Local::Argument { facts });
            }
        }
        let key = match head {
            RuleHead::Set { key, .. } => key.as_ref(),
            _ => None,
        };
        if bodies.is_empty() {
            if let Some(value) = program::value(head).or(key) {
                self.expr(at, value, &scope);
            }
            return;
        }
        for body in bodies {
            let own = body.assign.as_ref().map(|assign| &assign.value);
            let value = own.or_else(|| program::value(head).filter(|_| !body.is_else));
            // A body that makes the rule false is followed from the other side.
            let at = if value.is_some_and(|value| program::is_bool(value, false)) {
                at.turned(Trap::NegatedUndefined)
            } else {
                at
            };
            let inner = self.query(at, &body.query, &scope);
            let at = self.guard(at, &body.query, &scope);
            for expr in value.into_iter().chain(key) {
                self.expr(at, expr, &inner);
            }
        }
    }

    fn guard(&self, at: At, query: &Query, outer: &Scope) -> At {
        At {
            guarded: at.guarded || self.demands.query(at.module, query, outer),
            ..at
        }
    }

    /// Follows a query and returns the variables known in it.
    fn query(&mut self, at: At, query: &Query, outer: &Scope) -> Scope {
        let at = self.guard(at, query, outer);
        let scope = program::scope(outer, query);
        for statement in &query.stmts {
            match &statement.literal {
                Literal::SomeVars { .. } => {}
                Literal::SomeIn { collection, .. } => self.expr(at, collection, &scope),
                Literal::Expr { expr, .. } => self.expr(at, expr, &scope),
                Literal::NotExpr { expr, .. } => {
                    if at.positive
                        && !at.guarded
                        && !self.is_always(at.module, expr)
                        && self.is_about_evidence(at.module, expr, &scope)
                    {
                        self.found
                            .push((Trap::NegatedUndefined, statement.span.clone()));
                    }
                    self.expr(at.turned(Trap::NegatedUndefined), expr, &scope);
                }
                Literal::Every {
                    domain,
                    query,
                    key,
                    value,
                    ..
                } => {
                    if at.positive
                        && !at.guarded
                        && !self.program.is_constant(at.module, domain)
                        && self.is_about_evidence(at.module, domain, &scope)
                    {
                        self.found
                            .push((Trap::EveryOverEmpty, statement.span.clone()));
                    }
                    let of = self.side(at, Trap::EveryOverEmpty, domain, &scope);
                    self.expr(of, domain, &scope);
                    let mut inner = scope.clone();
                    inner.insert(value.text().to_owned(), Local::Element(domain.clone()));
                    if let Some(key) = key {
                        inner.insert(key.text().to_owned(), Local::Other);
                    }
                    self.query(at, query, &inner);
                }
            }
        }
        scope
    }

    fn expr(&mut self, at: At, expr: &Ref<Expr>, scope: &Scope) {
        if let Some(amount) = self.demands.amount(at.module, expr, scope) {
            return self.amount(at, expr, &amount, scope);
        }
        match expr.as_ref() {
            Expr::BoolExpr { op, lhs, rhs, .. } => {
                self.comparison(at, expr, op, lhs, rhs);
                self.expr(at, lhs, scope);
                self.expr(at, rhs, scope);
            }
            // What a variable stands for is followed where the variable is used, if it is a collection.
            Expr::AssignExpr { rhs, .. } => {
                if program::query(rhs).is_none() && !self.is_count(rhs) {
                    self.expr(at, rhs, scope);
                }
            }
            Expr::Call { fcn, params, .. } => self.call(at, expr, fcn, params, scope),
            Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. } => {
                self.reference(at, expr, scope);
            }
            _ => {
                let mut inner = None;
                if let Some(query) = program::query(expr) {
                    inner = Some(self.query(at, query, scope));
                }
                for part in program::parts(expr) {
                    self.expr(at, part, inner.as_ref().unwrap_or(scope));
                }
            }
        }
    }

    fn is_count(&self, expr: &Ref<Expr>) -> bool {
        matches!(expr.as_ref(), Expr::Call { fcn, .. } if matches!(fcn.span().text(), "count" | "sum"))
    }

    /// Returns the side on which a collection stands of which there must be none, or each must be in order. Facts that
    /// are read there directly must have a value; what a comprehension leaves out nobody misses.
    fn side(&self, at: At, by: Trap, collection: &Ref<Expr>, scope: &Scope) -> At {
        let direct = matches!(collection.as_ref(), Expr::Array { .. } | Expr::Set { .. })
            || self.is_facts(at.module, collection, scope);
        if direct { at } else { at.turned(by) }
    }

    /// Follows `count(x) == 0` and its like: x from the other side.
    fn amount(&mut self, at: At, expr: &Ref<Expr>, amount: &Amount<'_>, scope: &Scope) {
        let (counted, at) = match amount {
            Amount::Some(counted) => (*counted, at),
            Amount::MaybeNone(counted) => {
                if at.positive
                    && !at.guarded
                    && !self.demands.holds(at.module, expr, scope)
                    && self.is_about_evidence(at.module, counted, scope)
                {
                    self.found
                        .push((Trap::CountOfUndefined, expr.span().clone()));
                }
                // Of two numbers that must be the same, one becomes smaller when something is missing.
                let of = match expr.as_ref() {
                    Expr::BoolExpr { lhs, rhs, .. } if self.is_count(lhs) && self.is_count(rhs) => {
                        at
                    }
                    _ => self.side(at, Trap::CountOfUndefined, counted, scope),
                };
                (*counted, of)
            }
        };
        match counted_by(self.program, at.module, counted, scope) {
            Some((module, counted)) if module != at.module => {
                self.expr(At { module, ..at }, &counted, &Scope::new());
            }
            Some((_, counted)) => self.expr(at, &counted, scope),
            None => {}
        }
        if let Expr::BoolExpr { lhs, rhs, .. } = expr.as_ref() {
            for side in [lhs, rhs] {
                if side != counted && !self.is_count(side) {
                    self.expr(at, side, scope);
                }
            }
        }
    }

    fn comparison(&mut self, at: At, expr: &Ref<Expr>, op: &BoolOp, lhs: &Expr, rhs: &Expr) {
        for (side, other) in [(lhs, rhs), (rhs, lhs)] {
            let path = self.program.path(at.module, side);
            if path.as_ref().and_then(|path| path.last()) == Some("outcome") {
                match (program::text_of(other).as_deref(), op, at.positive) {
                    (Some("failed"), BoolOp::Ne, true) | (Some("failed"), BoolOp::Eq, false) => {
                        self.failed_only.push(expr.span().clone());
                    }
                    (Some("failed"), ..) => {}
                    _ => self.passed_seen = true,
                }
            }
        }
        if at.positive && *op == BoolOp::Ne && [lhs, rhs].into_iter().any(has_wildcard) {
            self.found
                .push((Trap::WildcardNegated, expr.span().clone()));
        }
    }

    fn call(
        &mut self,
        at: At,
        expr: &Ref<Expr>,
        fcn: &Ref<Expr>,
        params: &[Ref<Expr>],
        scope: &Scope,
    ) {
        if let Some(rule) = self.program.rule_of(at.module, fcn).map(str::to_owned) {
            let facts: Vec<bool> = params
                .iter()
                .map(|one| self.is_facts(at.module, one, scope))
                .collect();
            self.rule(&rule, at, &facts);
        } else if fcn.span().text() == "object.get"
            && let [of, ..] = params
            && self.is_facts(at.module, of, scope)
        {
            if !at.positive {
                self.found.push((Trap::DefaultedFact, expr.span().clone()));
            }
            return;
        }
        for param in params {
            self.expr(at, param, scope);
        }
    }

    fn reference(&mut self, at: At, expr: &Ref<Expr>, scope: &Scope) {
        if let Some(field) = self.fact(at.module, expr, scope) {
            self.reads.push(Read {
                field,
                positive: at.positive,
                by: at.by,
                span: expr.span().clone(),
            });
        }
        match self.program.path(at.module, expr) {
            Some(path) => match scope.get(&path.root) {
                Some(Local::Value(value))
                    if program::query(value).is_some() || self.is_count(value) =>
                {
                    let value = value.clone();
                    let mut scope = scope.clone();
                    scope.remove(&path.root);
                    self.expr(at, &value, &scope);
                }
                Some(_) => {}
                None => {
                    if let Some(rule) = self.program.rule(at.module, &path).map(str::to_owned) {
                        self.rule(&rule, at, &[]);
                    }
                }
            },
            None => {
                for part in program::parts(expr) {
                    self.expr(at, part, scope);
                }
                return;
            }
        }
        self.indices(at, expr, scope);
    }

    /// Follows what stands in the brackets of a reference.
    fn indices(&mut self, at: At, expr: &Ref<Expr>, scope: &Scope) {
        match expr.as_ref() {
            Expr::RefDot { refr, .. } => self.indices(at, refr, scope),
            Expr::RefBrack { refr, index, .. } => {
                self.indices(at, refr, scope);
                self.expr(at, index, scope);
            }
            _ => {}
        }
    }

    /// Returns the field of facts that a reference reads.
    fn fact(&self, module: usize, expr: &Ref<Expr>, scope: &Scope) -> Option<String> {
        let path = self.program.path(module, expr)?;
        let after = match path
            .steps
            .iter()
            .position(|step| step.as_deref() == Some("facts"))
        {
            Some(place) => place + 1,
            None if self.is_facts_local(module, &path.root, scope) => 0,
            None => return None,
        };
        let mut fields = path.steps.iter().skip(after);
        fields.find_map(Clone::clone)
    }

    /// Says whether an expression is facts, or a part of them.
    fn is_facts(&self, module: usize, expr: &Ref<Expr>, scope: &Scope) -> bool {
        self.program.path(module, expr).is_some_and(|path| {
            path.steps
                .iter()
                .any(|step| step.as_deref() == Some("facts"))
                || self.is_facts_local(module, &path.root, scope)
        })
    }

    fn is_facts_local(&self, module: usize, root: &str, scope: &Scope) -> bool {
        match scope.get(root) {
            Some(Local::Argument { facts }) => *facts,
            Some(Local::Value(of) | Local::Element(of)) => {
                let mut scope = scope.clone();
                scope.remove(root);
                self.is_facts(module, of, &scope)
            }
            _ => false,
        }
    }

    /// Says whether an expression always has a value: a field of the dossier that is always there, or a comparison of
    /// such fields.
    fn is_always(&self, module: usize, expr: &Ref<Expr>) -> bool {
        match expr.as_ref() {
            Expr::BoolExpr { lhs, rhs, .. } => {
                let sides = [lhs, rhs].into_iter();
                sides
                    .filter(|side| !program::is_literal(side))
                    .all(|side| self.is_always(module, side))
            }
            Expr::Membership { value, .. } => self.is_always(module, value),
            _ => self.program.path(module, expr).is_some_and(|path| {
                self.program.rule(module, &path).is_none()
                    && path.steps.iter().all(Option::is_some)
                    && path.last().is_some_and(|last| ALWAYS.contains(&last))
                    && !path
                        .steps
                        .iter()
                        .any(|step| step.as_deref() == Some("facts"))
            }),
        }
    }

    /// Says whether an expression leads to evidence, or to what is known of the change.
    fn is_about_evidence(&self, module: usize, expr: &Ref<Expr>, scope: &Scope) -> bool {
        let mut rules = Vec::new();
        let mut pending = Vec::new();
        program::all(expr, &mut pending);
        let mut known = BTreeSet::new();
        while let Some(expr) = pending.pop() {
            let Some(path) = self.program.path(module, expr) else {
                continue;
            };
            if is_evidence(&path) {
                return true;
            }
            if let Some((name, local)) = scope.get_key_value(&path.root) {
                if known.insert(name)
                    && let Local::Value(of) | Local::Element(of) = local
                {
                    program::all(of, &mut pending);
                }
            } else if let Some(rule) = self.program.rule(module, &path) {
                rules.push(rule.to_owned());
            }
        }
        program::used(self.program, &rules).iter().any(|rule| {
            self.program.definitions(rule).iter().any(|(module, rule)| {
                program::all_of_rule(rule).into_iter().any(|expr| {
                    self.program
                        .path(*module, expr)
                        .is_some_and(|path| is_evidence(&path))
                })
            })
        })
    }
}

fn is_evidence(path: &program::Path) -> bool {
    ["attestations", "approvals", "change"]
        .into_iter()
        .any(|field| path.is_input(field))
}

/// Says whether a reference goes through `_`.
fn has_wildcard(expr: &Expr) -> bool {
    match expr {
        Expr::RefDot { refr, .. } => has_wildcard(refr),
        Expr::RefBrack { refr, index, .. } => {
            has_wildcard(refr)
                || matches!(index.as_ref(), Expr::Var { span, .. } if span.text() == "_")
        }
        _ => false,
    }
}
