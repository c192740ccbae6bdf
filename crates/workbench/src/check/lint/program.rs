//! The rules of a policy's modules, and what a reference in them leads to.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{Expr, Literal, Module, Query, Ref, Rule, RuleBody, RuleHead};

/// All modules of a policy.
pub(super) struct Program {
    pub(super) modules: Vec<Ref<Module>>,
    /// Definitions by path, `data.package.rule`, each with the number of its module.
    pub(super) rules: BTreeMap<String, Vec<(usize, Ref<Rule>)>>,
    packages: Vec<String>,
    imports: Vec<BTreeMap<String, Vec<String>>>,
}

/// A reference taken apart: where it begins, and each step; `None` is one that is computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path {
    pub(super) root: String,
    pub(super) steps: Vec<Option<String>>,
}

impl Path {
    /// Says whether it leads to a field of the input, or into it.
    pub(super) fn is_input(&self, field: &str) -> bool {
        self.root == "input" && self.step(0) == Some(field)
    }

    pub(super) fn step(&self, index: usize) -> Option<&str> {
        self.steps.get(index)?.as_deref()
    }

    pub(super) fn last(&self) -> Option<&str> {
        self.steps.last()?.as_deref()
    }
}

/// What a variable of a query stands for.
#[derive(Clone)]
pub(super) enum Local {
    /// The value of an expression.
    Value(Ref<Expr>),
    /// An element of a collection.
    Element(Ref<Expr>),
    /// An argument; what the callers give for it, facts or not.
    Argument { facts: bool },
    /// Something else: a key, a part.
    Other,
}

/// The variables that are known where an expression stands.
pub(super) type Scope = BTreeMap<String, Local>;

impl Program {
    pub(super) fn new(modules: Vec<Ref<Module>>) -> Self {
        let mut program = Self {
            rules: BTreeMap::new(),
            packages: Vec::new(),
            imports: Vec::new(),
            modules,
        };
        for (number, module) in program.modules.iter().enumerate() {
            let package = format!("data.{}", module.package.refr.span().text());
            for rule in &module.policy {
                let path = format!("{package}.{}", root_of(head(rule)));
                let definitions = program.rules.entry(path).or_default();
                definitions.push((number, rule.clone()));
            }
            let mut aliases = BTreeMap::new();
            for import in &module.imports {
                let text = import.refr.span().text();
                let steps: Vec<String> = text.split('.').map(str::to_owned).collect();
                let alias = import.r#as.as_ref().map(|span| span.text().to_owned());
                if let Some(alias) = alias.or_else(|| steps.last().cloned()) {
                    aliases.insert(alias, steps);
                }
            }
            program.packages.push(package);
            program.imports.push(aliases);
        }
        program
    }

    /// Returns the paths of rules of this name in the packages that have an `allow`.
    pub(super) fn entry(&self, name: &str) -> Vec<String> {
        let mut packages: Vec<&String> = self.packages.iter().collect();
        packages.sort();
        packages.dedup();
        packages
            .into_iter()
            .filter(|package| self.rules.contains_key(&format!("{package}.allow")))
            .map(|package| format!("{package}.{name}"))
            .filter(|path| self.rules.contains_key(path))
            .collect()
    }

    pub(super) fn package(&self, module: usize) -> &str {
        self.packages.get(module).map_or("", String::as_str)
    }

    pub(super) fn definitions(&self, path: &str) -> &[(usize, Ref<Rule>)] {
        self.rules.get(path).map_or(&[], Vec::as_slice)
    }

    /// Takes a reference apart; imports stand for what they import.
    pub(super) fn path(&self, module: usize, expr: &Expr) -> Option<Path> {
        let mut path = match expr {
            Expr::Var { span, .. } => {
                let imports = self.imports.get(module)?;
                match imports.get(span.text()).map(Vec::as_slice) {
                    Some([root, steps @ ..]) => Path {
                        root: root.clone(),
                        steps: steps.iter().cloned().map(Some).collect(),
                    },
                    _ => Path {
                        root: span.text().to_owned(),
                        steps: Vec::new(),
                    },
                }
            }
            Expr::RefDot { refr, field, .. } => {
                let mut path = self.path(module, refr)?;
                path.steps.push(Some(field.0.text().to_owned()));
                path
            }
            Expr::RefBrack { refr, index, .. } => {
                let mut path = self.path(module, refr)?;
                path.steps.push(text_of(index));
                path
            }
            _ => return None,
        };
        path.steps.truncate(64);
        Some(path)
    }

    /// Finds the rule that a reference leads to.
    pub(super) fn rule(&self, module: usize, path: &Path) -> Option<&str> {
        let begin = match path.root.as_str() {
            "input" => return None,
            "data" => "data".to_owned(),
            root => format!("{}.{root}", self.package(module)),
        };
        let known = |path: &str| self.rules.get_key_value(path).map(|(key, _)| key.as_str());
        if path.root != "data" {
            return known(&begin);
        }
        let mut at = begin;
        for step in &path.steps {
            at = format!("{at}.{}", step.as_deref()?);
            if let Some(rule) = known(&at) {
                return Some(rule);
            }
        }
        None
    }

    /// Returns the rule that an expression is a reference to.
    pub(super) fn rule_of(&self, module: usize, expr: &Expr) -> Option<&str> {
        self.rule(module, &self.path(module, expr)?)
    }

    /// Returns a rule's value where it has but one, which no condition decides about.
    pub(super) fn only_value(&self, rule: &str) -> Option<(usize, Ref<Expr>)> {
        match self.definitions(rule) {
            [(module, rule)] => match rule.as_ref() {
                Rule::Spec { head, bodies, .. } if bodies.iter().all(is_empty) => {
                    value(head).map(|value| (*module, value.clone()))
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// Says whether a collection is written down in the source and has something in it.
    pub(super) fn is_constant(&self, module: usize, expr: &Expr) -> bool {
        match expr {
            Expr::Array { items, .. } | Expr::Set { items, .. } => !items.is_empty(),
            Expr::Object { fields, .. } => !fields.is_empty(),
            _ => self
                .rule_of(module, expr)
                .and_then(|rule| self.only_value(rule))
                .is_some_and(|(module, value)| self.is_constant(module, &value)),
        }
    }
}

fn is_empty(body: &RuleBody) -> bool {
    body.query.stmts.is_empty() && body.assign.is_none()
}

/// Returns the reference in a rule's head.
pub(super) fn head(rule: &Rule) -> &Ref<Expr> {
    match rule {
        Rule::Spec { head, .. } => match head {
            RuleHead::Compr { refr, .. }
            | RuleHead::Set { refr, .. }
            | RuleHead::Func { refr, .. } => refr,
        },
        Rule::Default { refr, .. } => refr,
    }
}

/// Returns the value that a head assigns.
pub(super) fn value(head: &RuleHead) -> Option<&Ref<Expr>> {
    match head {
        RuleHead::Compr { assign, .. } | RuleHead::Func { assign, .. } => {
            assign.as_ref().map(|assign| &assign.value)
        }
        RuleHead::Set { .. } => None,
    }
}

/// Returns a function's arguments.
pub(super) fn arguments(rule: &Rule) -> &[Ref<Expr>] {
    match rule {
        Rule::Spec {
            head: RuleHead::Func { args, .. },
            ..
        } => args,
        _ => &[],
    }
}

/// Returns the variable that a reference begins with.
pub(super) fn root_of(expr: &Expr) -> &str {
    match expr {
        Expr::RefDot { refr, .. } | Expr::RefBrack { refr, .. } => root_of(refr),
        other => other.span().text(),
    }
}

/// Returns the text of a literal string.
pub(super) fn text_of(expr: &Expr) -> Option<String> {
    match expr {
        Expr::String { value, .. } | Expr::RawString { value, .. } => {
            value.as_string().ok().map(|text| text.to_string())
        }
        _ => None,
    }
}

/// Says whether an expression is a literal value.
pub(super) fn is_literal(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::String { .. }
            | Expr::RawString { .. }
            | Expr::Number { .. }
            | Expr::Bool { .. }
            | Expr::Null { .. }
    )
}

/// Says whether an expression is the literal `true` or `false`.
pub(super) fn is_bool(expr: &Expr, wanted: bool) -> bool {
    matches!(expr, Expr::Bool { span, .. } if span.text() == if wanted { "true" } else { "false" })
}

/// Returns what stands directly in an expression, without the queries of comprehensions.
pub(super) fn parts(expr: &Expr) -> Vec<&Ref<Expr>> {
    match expr {
        Expr::String { .. }
        | Expr::RawString { .. }
        | Expr::Number { .. }
        | Expr::Bool { .. }
        | Expr::Null { .. }
        | Expr::Var { .. } => Vec::new(),
        Expr::Array { items, .. } | Expr::Set { items, .. } => items.iter().collect(),
        Expr::Object { fields, .. } => {
            let pairs = fields.iter();
            pairs.flat_map(|(_, key, value)| [key, value]).collect()
        }
        Expr::ArrayCompr { term, .. } | Expr::SetCompr { term, .. } => vec![term],
        Expr::ObjectCompr { key, value, .. } => vec![key, value],
        Expr::Call { fcn, params, .. } => [fcn].into_iter().chain(params).collect(),
        Expr::UnaryExpr { expr, .. } => vec![expr],
        Expr::RefDot { refr, .. } => vec![refr],
        Expr::RefBrack { refr, index, .. } => vec![refr, index],
        Expr::BinExpr { lhs, rhs, .. }
        | Expr::BoolExpr { lhs, rhs, .. }
        | Expr::ArithExpr { lhs, rhs, .. }
        | Expr::AssignExpr { lhs, rhs, .. }
        | Expr::OrExpr { lhs, rhs, .. } => vec![lhs, rhs],
        Expr::Membership {
            key,
            value,
            collection,
            ..
        } => key.iter().chain([value, collection]).collect(),
    }
}

/// Returns the query of a comprehension.
pub(super) fn query(expr: &Expr) -> Option<&Ref<Query>> {
    match expr {
        Expr::ArrayCompr { query, .. }
        | Expr::SetCompr { query, .. }
        | Expr::ObjectCompr { query, .. } => Some(query),
        _ => None,
    }
}

/// Adds the variables that a query's statements introduce.
pub(super) fn scope(outer: &Scope, query: &Query) -> Scope {
    let mut scope = outer.clone();
    for statement in &query.stmts {
        match &statement.literal {
            Literal::SomeIn {
                key,
                value,
                collection,
                ..
            } => {
                if let Some(key) = key {
                    introduce(&mut scope, key, &Local::Other);
                }
                introduce(&mut scope, value, &Local::Element(collection.clone()));
            }
            Literal::SomeVars { vars, .. } => {
                for var in vars {
                    scope.insert(var.text().to_owned(), Local::Other);
                }
            }
            Literal::Expr { expr, .. } => {
                if let Expr::AssignExpr { lhs, rhs, .. } = expr.as_ref() {
                    introduce(&mut scope, lhs, &Local::Value(rhs.clone()));
                }
            }
            Literal::NotExpr { .. } | Literal::Every { .. } => {}
        }
    }
    scope
}

fn introduce(scope: &mut Scope, expr: &Expr, local: &Local) {
    match expr {
        Expr::Var { span, .. } => {
            scope.insert(span.text().to_owned(), local.clone());
        }
        Expr::Array { items, .. } => {
            for item in items {
                introduce(scope, item, &Local::Other);
            }
        }
        Expr::Object { fields, .. } => {
            for (_, _, value) in fields {
                introduce(scope, value, &Local::Other);
            }
        }
        _ => {}
    }
}

/// Collects every expression below a query, those of nested queries included.
pub(super) fn all_of_query<'a>(query: &'a Query, found: &mut Vec<&'a Ref<Expr>>) {
    for statement in &query.stmts {
        match &statement.literal {
            Literal::SomeVars { .. } => {}
            Literal::SomeIn {
                key,
                value,
                collection,
                ..
            } => {
                for expr in key.iter().chain([value, collection]) {
                    all(expr, found);
                }
            }
            Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => all(expr, found),
            Literal::Every { domain, query, .. } => {
                all(domain, found);
                all_of_query(query, found);
            }
        }
    }
}

/// Collects an expression and every one below it.
pub(super) fn all<'a>(expr: &'a Ref<Expr>, found: &mut Vec<&'a Ref<Expr>>) {
    found.push(expr);
    for part in parts(expr) {
        all(part, found);
    }
    if let Some(query) = query(expr) {
        all_of_query(query, found);
    }
}

/// Collects every expression of a rule.
pub(super) fn all_of_rule(rule: &Rule) -> Vec<&Ref<Expr>> {
    let mut found = Vec::new();
    match rule {
        Rule::Spec { head, bodies, .. } => {
            if let RuleHead::Set { key: Some(key), .. } = head {
                all(key, &mut found);
            }
            if let Some(value) = value(head) {
                all(value, &mut found);
            }
            for argument in arguments(rule) {
                all(argument, &mut found);
            }
            for body in bodies {
                if let Some(assign) = &body.assign {
                    all(&assign.value, &mut found);
                }
                all_of_query(&body.query, &mut found);
            }
        }
        Rule::Default { value, .. } => all(value, &mut found),
    }
    found
}

/// Collects the rules that are used by these, themselves included.
pub(super) fn used(program: &Program, from: &[String]) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    let mut pending = from.to_vec();
    while let Some(path) = pending.pop() {
        if !used.insert(path.clone()) {
            continue;
        }
        for (module, rule) in program.definitions(&path) {
            for expr in all_of_rule(rule) {
                if let Some(rule) = program.rule_of(*module, expr) {
                    pending.push(rule.to_owned());
                }
            }
        }
    }
    used
}
