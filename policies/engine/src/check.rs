//! What can be said of a source before it ever sees a dossier.

use std::collections::{BTreeMap, BTreeSet};

use regorus::Engine;
use regorus::unstable::{BUILTINS, Expr, Literal, Module, Query, Ref, Rule, RuleHead};

use crate::trailmark::policy::types::SourceError;

/// The rule that the engine adds.
pub const RESULT: &str = "__trailmark_result";

/// Functions that regorus has and that are not pure.
const IMPURE: [&str; 1] = ["rand.intn"];

/// Checks a source and returns the path of its package, `data` included.
pub fn check(source: &str) -> Result<String, SourceError> {
    let mut engine = Engine::new();
    let package = engine
        .add_policy("policy.rego".into(), source.into())
        .map_err(|error| SourceError::Syntax(error.to_string()))?;
    let module = engine
        .get_modules()
        .first()
        .cloned()
        .ok_or_else(|| SourceError::MissingRule("allow".into()))?;
    imports(&module)?;
    let rules = Rules::of(&module)?;
    for needed in ["allow", "findings"] {
        if !rules.calls.contains_key(needed) {
            return Err(SourceError::MissingRule(needed.into()));
        }
    }
    if let Some(name) = rules.functions.iter().find(|name| !rules.knows(name)) {
        return Err(SourceError::UnknownFunction(name.clone()));
    }
    match rules.cycle() {
        Some(rule) => Err(SourceError::Recursion(rule)),
        None => Ok(package),
    }
}

fn imports(module: &Module) -> Result<(), SourceError> {
    for import in &module.imports {
        let path = import.refr.span().text();
        if !(path == "rego.v1" || path.starts_with("future.keywords") || path.starts_with("input."))
        {
            return Err(SourceError::Syntax(format!(
                "a policy cannot import `{path}`: it stands alone"
            )));
        }
    }
    Ok(())
}

/// The rules of a module, and what each of them mentions.
#[derive(Default)]
struct Rules {
    calls: BTreeMap<String, BTreeSet<String>>,
    functions: BTreeSet<String>,
}

impl Rules {
    fn of(module: &Module) -> Result<Self, SourceError> {
        let mut rules = Self::default();
        for rule in &module.policy {
            let mut mentions = Mentions::default();
            let name = match rule.as_ref() {
                Rule::Spec { head, bodies, .. } => {
                    let (refr, args, key, assign) = match head {
                        RuleHead::Compr { refr, assign, .. } => {
                            (refr, &[][..], None, assign.as_ref())
                        }
                        RuleHead::Set { refr, key, .. } => (refr, &[][..], key.as_ref(), None),
                        RuleHead::Func {
                            refr, args, assign, ..
                        } => (refr, args.as_slice(), None, assign.as_ref()),
                    };
                    if key.is_some() && matches!(refr.as_ref(), Expr::RefBrack { .. }) {
                        let head = refr.span().text();
                        return Err(SourceError::Syntax(format!(
                            "`{head} contains …` is not supported: write a comprehension"
                        )));
                    }
                    mentions.exprs(args);
                    mentions.exprs(key);
                    mentions.exprs(assign.map(|assign| &assign.value));
                    for body in bodies {
                        mentions.exprs(body.assign.as_ref().map(|assign| &assign.value));
                        mentions.query(&body.query);
                    }
                    let name = head_name(refr);
                    mentions.indices(refr);
                    name
                }
                Rule::Default {
                    refr, args, value, ..
                } => {
                    let name = head_name(refr);
                    if name == "allow"
                        && !matches!(value.as_ref(), Expr::Bool { span, .. } if span.text() == "false")
                    {
                        return Err(SourceError::DefaultAllow);
                    }
                    mentions.exprs(args);
                    mentions.exprs([value]);
                    name
                }
            };
            if name == RESULT {
                return Err(SourceError::Syntax(format!(
                    "the rule `{RESULT}` is the engine's own"
                )));
            }
            if mentions.names.contains("data") {
                return Err(SourceError::Syntax(format!(
                    "the rule `{name}` reads `data`, which a policy does not have"
                )));
            }
            rules
                .calls
                .entry(name)
                .or_default()
                .append(&mut mentions.names);
            rules.functions.append(&mut mentions.functions);
        }
        Ok(rules)
    }

    fn knows(&self, function: &str) -> bool {
        let root = function.split(['.', '[']).next().unwrap_or(function);
        self.calls.contains_key(root)
            || (BUILTINS.contains_key(function) && !IMPURE.contains(&function))
    }

    /// Finds a rule that can reach itself. A local variable named like a rule counts as the rule.
    fn cycle(&self) -> Option<String> {
        self.calls.keys().find(|rule| self.reaches(rule)).cloned()
    }

    fn reaches(&self, rule: &str) -> bool {
        let mut seen = BTreeSet::new();
        let mut pending: Vec<&String> = self.calls.get(rule).into_iter().flatten().collect();
        while let Some(name) = pending.pop() {
            if name == rule {
                return true;
            }
            if seen.insert(name) {
                pending.extend(self.calls.get(name).into_iter().flatten());
            }
        }
        false
    }
}

/// The rule that a head such as `allow`, `score["x"]` or `a.b` belongs to.
fn head_name(refr: &Ref<Expr>) -> String {
    match refr.as_ref() {
        Expr::RefDot { refr, .. } | Expr::RefBrack { refr, .. } => head_name(refr),
        other => other.span().text().to_owned(),
    }
}

/// The variables and functions that an expression mentions.
#[derive(Default)]
struct Mentions {
    names: BTreeSet<String>,
    functions: BTreeSet<String>,
}

impl Mentions {
    fn exprs<'a>(&mut self, exprs: impl IntoIterator<Item = &'a Ref<Expr>>) {
        for expr in exprs {
            self.expr(expr);
        }
    }

    /// What stands in the brackets of a rule's head.
    fn indices(&mut self, refr: &Ref<Expr>) {
        match refr.as_ref() {
            Expr::RefDot { refr, .. } => self.indices(refr),
            Expr::RefBrack { refr, index, .. } => {
                self.indices(refr);
                self.expr(index);
            }
            _ => {}
        }
    }

    fn expr(&mut self, expr: &Ref<Expr>) {
        match expr.as_ref() {
            Expr::String { .. }
            | Expr::RawString { .. }
            | Expr::Number { .. }
            | Expr::Bool { .. }
            | Expr::Null { .. } => {}
            Expr::Var { span, .. } => {
                self.names.insert(span.text().to_owned());
            }
            Expr::Array { items, .. } | Expr::Set { items, .. } => self.exprs(items),
            Expr::Object { fields, .. } => {
                for (_, key, value) in fields {
                    self.exprs([key, value]);
                }
            }
            Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
                self.expr(term);
                self.query(query);
            }
            Expr::ObjectCompr {
                key, value, query, ..
            } => {
                self.exprs([key, value]);
                self.query(query);
            }
            Expr::Call { fcn, params, .. } => {
                self.functions.insert(fcn.span().text().to_owned());
                self.exprs([fcn]);
                self.exprs(params);
            }
            Expr::UnaryExpr { expr, .. } => self.expr(expr),
            Expr::RefDot { refr, .. } => self.expr(refr),
            Expr::RefBrack { refr, index, .. } => self.exprs([refr, index]),
            Expr::BinExpr { lhs, rhs, .. }
            | Expr::BoolExpr { lhs, rhs, .. }
            | Expr::ArithExpr { lhs, rhs, .. }
            | Expr::AssignExpr { lhs, rhs, .. } => self.exprs([lhs, rhs]),
            Expr::Membership {
                key,
                value,
                collection,
                ..
            } => {
                self.exprs(key);
                self.exprs([value, collection]);
            }
        }
    }

    fn query(&mut self, query: &Query) {
        for statement in &query.stmts {
            match &statement.literal {
                Literal::SomeVars { .. } => {}
                Literal::SomeIn {
                    key,
                    value,
                    collection,
                    ..
                } => {
                    self.exprs(key);
                    self.exprs([value, collection]);
                }
                Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => self.expr(expr),
                Literal::Every { domain, query, .. } => {
                    self.expr(domain);
                    self.query(query);
                }
            }
            for with in &statement.with_mods {
                self.exprs([&with.refr, &with.r#as]);
            }
        }
    }
}
