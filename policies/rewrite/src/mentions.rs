//! What an expression mentions: rules, data, functions.

use regorus::unstable::{Expr, Literal, Query, Ref, RuleHead, Span};

/// The static beginning of a reference: `a.b["c"][x]` is `a`, `b`, `c`.
pub struct Path {
    /// Its names.
    pub segments: Vec<String>,
    /// Where it stands.
    pub span: Span,
    /// With how many arguments this was called, if it was; then it is all there is of the name.
    pub called: Option<usize>,
}

/// Collects the references in expressions.
#[derive(Default)]
pub struct Mentions {
    /// What was found.
    pub paths: Vec<Path>,
}

impl Mentions {
    /// Looks at several expressions.
    pub fn exprs<'a>(&mut self, exprs: impl IntoIterator<Item = &'a Ref<Expr>>) {
        for expr in exprs {
            self.expr(expr);
        }
    }

    /// Looks at what stands in the brackets of a rule's head.
    pub fn indices(&mut self, refr: &Ref<Expr>) {
        match refr.as_ref() {
            Expr::RefDot { refr, .. } => self.indices(refr),
            Expr::RefBrack { refr, index, .. } => {
                self.indices(refr);
                self.expr(index);
            }
            _ => {}
        }
    }

    fn reference(&mut self, expr: &Ref<Expr>, called: Option<usize>) {
        match static_path(expr) {
            Some(segments) => self.paths.push(Path {
                segments,
                span: expr.span().clone(),
                called,
            }),
            None => parts(expr.as_ref(), &mut |part| self.expr(part)),
        }
        self.indices(expr);
    }

    /// Looks at an expression.
    pub fn expr(&mut self, expr: &Ref<Expr>) {
        match expr.as_ref() {
            Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. } => {
                self.reference(expr, None);
            }
            Expr::Call { fcn, params, .. } => {
                self.reference(fcn, Some(params.len()));
                self.exprs(params);
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
            other => parts(other, &mut |part| self.expr(part)),
        }
    }

    /// Looks at the statements of a query.
    pub fn query(&mut self, query: &Query) {
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

/// Gives the static beginning of a reference that begins with a name.
pub fn static_path(expr: &Ref<Expr>) -> Option<Vec<String>> {
    match expr.as_ref() {
        Expr::Var { span, .. } => Some(vec![span.text().to_owned()]),
        Expr::RefDot { refr, field, .. } => {
            let mut path = static_path(refr)?;
            if complete(refr) {
                path.push(field.0.text().to_owned());
            }
            Some(path)
        }
        Expr::RefBrack { refr, index, .. } => {
            let mut path = static_path(refr)?;
            if let (true, Expr::String { value, .. }) = (complete(refr), index.as_ref()) {
                path.push(value.as_string().ok()?.to_string());
            }
            Some(path)
        }
        _ => None,
    }
}

/// Says whether all of a reference is static.
pub fn complete(expr: &Ref<Expr>) -> bool {
    match expr.as_ref() {
        Expr::Var { .. } => true,
        Expr::RefDot { refr, .. } => complete(refr),
        Expr::RefBrack { refr, index, .. } => {
            matches!(index.as_ref(), Expr::String { .. }) && complete(refr)
        }
        _ => false,
    }
}

/// Visits the expressions that an expression is directly made of, other than comprehensions.
pub fn parts(expr: &Expr, visit: &mut dyn FnMut(&Ref<Expr>)) {
    match expr {
        Expr::Array { items, .. } | Expr::Set { items, .. } => items.iter().for_each(visit),
        Expr::Object { fields, .. } => {
            for (_, key, value) in fields {
                visit(key);
                visit(value);
            }
        }
        Expr::Call { fcn, params, .. } => {
            visit(fcn);
            params.iter().for_each(visit);
        }
        Expr::UnaryExpr { expr, .. } => visit(expr),
        Expr::RefDot { refr, .. } => visit(refr),
        Expr::RefBrack { refr, index, .. } => {
            visit(refr);
            visit(index);
        }
        Expr::BinExpr { lhs, rhs, .. }
        | Expr::BoolExpr { lhs, rhs, .. }
        | Expr::ArithExpr { lhs, rhs, .. }
        | Expr::AssignExpr { lhs, rhs, .. } => {
            visit(lhs);
            visit(rhs);
        }
        Expr::Membership {
            key,
            value,
            collection,
            ..
        } => {
            key.iter().for_each(&mut *visit);
            visit(value);
            visit(collection);
        }
        _ => {}
    }
}

/// Visits the expressions of a rule's head.
pub fn head_exprs(head: &RuleHead, visit: &mut dyn FnMut(&Ref<Expr>)) {
    match head {
        RuleHead::Compr { assign, .. } => assign.iter().for_each(|assign| visit(&assign.value)),
        RuleHead::Set { key, .. } => key.iter().for_each(visit),
        RuleHead::Func { args, assign, .. } => {
            args.iter().for_each(&mut *visit);
            assign.iter().for_each(|assign| visit(&assign.value));
        }
    }
}

/// Says whether a body may hold several times over: its statements, not what its comprehensions do.
pub fn iterates(query: &Query, head: &RuleHead) -> bool {
    let mut bound = std::collections::BTreeSet::new();
    if let RuleHead::Func { args, .. } = head {
        for argument in args {
            names(argument, &mut bound);
        }
    }
    for statement in &query.stmts {
        if let Literal::Expr { expr, .. } = &statement.literal
            && let Expr::AssignExpr { lhs, .. } = expr.as_ref()
        {
            pattern(lhs, &mut |span| {
                bound.insert(span.text().to_owned());
            });
        }
    }
    query
        .stmts
        .iter()
        .any(|statement| match &statement.literal {
            Literal::SomeVars { .. } | Literal::SomeIn { .. } | Literal::Every { .. } => true,
            Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => walks(expr, &bound),
        })
}

/// Visits the variables that a pattern gives a value to.
pub fn pattern<'a>(expr: &'a Ref<Expr>, visit: &mut dyn FnMut(&'a Span)) {
    match expr.as_ref() {
        Expr::Var { span, .. } if span.text() != "_" => visit(span),
        Expr::Array { items, .. } => items.iter().for_each(|item| pattern(item, visit)),
        Expr::Object { fields, .. } => fields
            .iter()
            .for_each(|(_, _, value)| pattern(value, visit)),
        _ => {}
    }
}

/// Collects the names in an expression, other than those in comprehensions.
pub fn names(expr: &Ref<Expr>, found: &mut std::collections::BTreeSet<String>) {
    match expr.as_ref() {
        Expr::Var { span, .. } => {
            found.insert(span.text().to_owned());
        }
        other => parts(other, &mut |part| names(part, found)),
    }
}

/// Says whether an index is not one value, but any that fits.
fn open(index: &Ref<Expr>, bound: &std::collections::BTreeSet<String>) -> bool {
    match index.as_ref() {
        Expr::Var { span, .. } => !bound.contains(span.text()),
        Expr::Array { items, .. } => items.iter().any(|item| open(item, bound)),
        Expr::Object { fields, .. } => fields.iter().any(|(_, _, value)| open(value, bound)),
        _ => false,
    }
}

/// Says whether an expression has a reference with an open place.
pub fn walks(expr: &Ref<Expr>, bound: &std::collections::BTreeSet<String>) -> bool {
    let mut found = match expr.as_ref() {
        Expr::RefBrack { index, .. } => open(index, bound),
        Expr::Call { fcn, .. } => fcn.span().text() == "walk",
        Expr::ArrayCompr { .. } | Expr::SetCompr { .. } | Expr::ObjectCompr { .. } => return false,
        _ => false,
    };
    parts(expr.as_ref(), &mut |part| found |= walks(part, bound));
    found
}
