//! Writes rules so that the virtual machine takes them as they are meant.
//!
//! What a comprehension collects, and what is assigned, is a value to the virtual machine even where it is undefined. So each of them is asked for: `y := x.name` is followed by a call that has a value
//! only when `y` has one, and `[x.name | some x in xs]` is compiled as `[v | some x in xs; v := x.name; …]`.
//!
//! Nor does it take the variables of an `every` for bound: `of[x]` in its body would look for any `x` there is. So
//! `every x in xs { … }` is compiled as `every v in xs { x := v; … }`.

use regorus::unstable::{Expr, Literal, Module, Query, Ref, Rule, Span};

use crate::mentions::{head_exprs, parts};

/// How the variables begin that are added.
const VARIABLE: &str = "__trailmark_";

/// The function that has a value when its argument has one.
const DEFINED: &str = "trailmark.defined";

/// Writes a module anew, or gives nothing where it is not understood.
pub fn rewrite(source: &str, module: &Module) -> Option<String> {
    let mut writer = Writer {
        source,
        edits: Vec::new(),
        variables: 0,
        failed: false,
    };
    for rule in &module.policy {
        writer.rule(rule);
    }
    let text = writer.text(0, source.len());
    (!writer.failed).then_some(text)
}

/// A piece of the source, and what stands in its place.
struct Edit {
    start: usize,
    end: usize,
    text: String,
}

struct Writer<'a> {
    source: &'a str,
    edits: Vec<Edit>,
    variables: usize,
    failed: bool,
}

impl Writer<'_> {
    fn rule(&mut self, rule: &Ref<Rule>) {
        let Rule::Spec { head, bodies, .. } = rule.as_ref() else {
            return;
        };
        head_exprs(head, &mut |expr| self.expr(expr));
        for body in bodies {
            if let Some(assign) = &body.assign {
                self.expr(&assign.value);
            }
            self.query(&body.query);
        }
    }

    /// Adds to the end of a body, and puts the body into braces where it has none.
    fn after(&mut self, first: &Span, last: &Span, text: String) {
        let (start, end) = (first.start as usize, last.end as usize);
        if self.alone(start) {
            self.insert(start, "{ ".into());
            self.insert(end, format!("{text} }}"));
        } else {
            self.insert(end, text);
        }
    }

    /// Says whether a body that begins here has no braces.
    fn alone(&self, start: usize) -> bool {
        let before = self.source.get(..start).unwrap_or_default().trim_end();
        before.ends_with("if") || before.ends_with("else")
    }

    fn query(&mut self, query: &Query) {
        for statement in &query.stmts {
            match &statement.literal {
                Literal::SomeVars { .. } => {}
                Literal::SomeIn { collection, .. } => self.expr(collection),
                Literal::Expr { expr, .. } => {
                    self.expr(expr);
                    self.assignment(&statement.span, expr);
                }
                Literal::NotExpr { expr, .. } => self.expr(expr),
                Literal::Every {
                    key,
                    value,
                    domain,
                    query,
                    ..
                } => {
                    self.expr(domain);
                    self.bound(key.iter().chain([value]), query);
                    self.query(query);
                }
            }
        }
    }

    /// Assigns the variables of an `every` in its body.
    fn bound<'a>(&mut self, names: impl Iterator<Item = &'a Span>, query: &Query) {
        let Some(first) = query.stmts.first() else {
            self.failed = true;
            return;
        };
        let body = first.span.start as usize;
        for name in names.filter(|name| name.text() != "_") {
            let variable = self.variable();
            self.insert(body, format!("{} := {variable}; ", name.text()));
            self.edits.push(Edit {
                start: name.start as usize,
                end: name.end as usize,
                text: variable,
            });
        }
    }

    /// Makes an assignment fail where there is nothing to assign.
    fn assignment(&mut self, span: &Span, expr: &Ref<Expr>) {
        let Expr::AssignExpr { lhs, rhs, .. } = expr.as_ref() else {
            return;
        };
        if is_plain(rhs) {
            return;
        }
        let mut names = Vec::new();
        for side in [lhs, rhs] {
            pattern(side, &mut names);
        }
        let asked: String = names
            .iter()
            .map(|name| format!("; {DEFINED}({name})"))
            .collect();
        if !asked.is_empty() {
            self.after(span, span, asked);
        }
    }

    fn expr(&mut self, expr: &Ref<Expr>) {
        match expr.as_ref() {
            Expr::ArrayCompr {
                span, term, query, ..
            }
            | Expr::SetCompr {
                span, term, query, ..
            } => {
                self.comprehension(span, &[term], query);
            }
            Expr::ObjectCompr {
                span,
                key,
                value,
                query,
                ..
            } => {
                self.comprehension(span, &[key, value], query);
            }
            other => parts(other, &mut |part| self.expr(part)),
        }
    }

    fn comprehension(&mut self, span: &Span, terms: &[&Ref<Expr>], query: &Query) {
        for term in terms {
            self.expr(term);
        }
        self.query(query);
        let close = (span.end as usize).saturating_sub(1);
        let end = query
            .stmts
            .last()
            .map_or(close, |statement| statement.span.end as usize);
        let closed = matches!(self.source.as_bytes().get(close), Some(b']' | b'}'));
        let Some(between) = self.source.get(end..close).filter(|_| closed) else {
            self.failed = true;
            return;
        };
        let separator = if between.contains('\n') { "" } else { "; " };
        let statements: Vec<String> = terms
            .iter()
            .filter(|term| !is_plain(term))
            .map(|term| self.moved(term))
            .collect();
        if !statements.is_empty() {
            self.insert(close, format!("{separator}{}", statements.join("; ")));
        }
    }

    /// Puts a variable in the place of an expression, and gives the statement that gives it its value.
    fn moved(&mut self, expr: &Ref<Expr>) -> String {
        let (start, end) = (expr.span().start as usize, expr.span().end as usize);
        let text = self.text(start, end);
        self.edits
            .retain(|edit| edit.end <= start || edit.start >= end);
        let variable = self.variable();
        let statement = format!("{variable} := {text}; {DEFINED}({variable})");
        self.edits.push(Edit {
            start,
            end,
            text: variable,
        });
        statement
    }

    fn variable(&mut self) -> String {
        self.variables += 1;
        format!("{VARIABLE}{}", self.variables)
    }

    fn insert(&mut self, at: usize, text: String) {
        self.edits.push(Edit {
            start: at,
            end: at,
            text,
        });
    }

    /// Gives a part of the source with its edits.
    fn text(&mut self, start: usize, end: usize) -> String {
        let mut edits: Vec<&Edit> = self
            .edits
            .iter()
            .filter(|edit| start <= edit.start && edit.end <= end)
            .collect();
        edits.sort_by_key(|edit| (edit.start, edit.end));
        let mut text = String::new();
        let mut from = start;
        for edit in edits {
            match self.source.get(from..edit.start) {
                Some(before) => text.push_str(before),
                None => self.failed = true,
            }
            text.push_str(&edit.text);
            from = edit.end;
        }
        match self.source.get(from..end) {
            Some(rest) => text.push_str(rest),
            None => self.failed = true,
        }
        text
    }
}

/// Says whether an expression always has a value.
fn is_plain(expr: &Ref<Expr>) -> bool {
    matches!(
        expr.as_ref(),
        Expr::String { .. }
            | Expr::RawString { .. }
            | Expr::Number { .. }
            | Expr::Bool { .. }
            | Expr::Null { .. }
            | Expr::ArrayCompr { .. }
            | Expr::SetCompr { .. }
            | Expr::ObjectCompr { .. }
    )
}

/// Collects the variables of a pattern.
fn pattern(expr: &Ref<Expr>, names: &mut Vec<String>) {
    match expr.as_ref() {
        Expr::Var { span, .. } if span.text() != "_" => names.push(span.text().to_owned()),
        Expr::Array { items, .. } => items.iter().for_each(|item| pattern(item, names)),
        Expr::Object { fields, .. } => fields
            .iter()
            .for_each(|(_, _, value)| pattern(value, names)),
        _ => {}
    }
}
