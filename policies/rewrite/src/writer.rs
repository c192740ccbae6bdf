//! Goes through a module, and notes what stands in the place of what.

mod rules;

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{AssignOp, Expr, Literal, Module, Query, Ref, Rule, Span};

use crate::Reader;
use crate::mentions::{parts, pattern};
use crate::places::Places;
use crate::single::{self, Watched};
use crate::text::Text;

/// How the variables begin that are added.
const VARIABLE: &str = "__trailmark_";

const WALK_ALONE: &str =
    "`walk` gives many values: it is a statement of its own, as in `walk(x, [path, value])`";

/// The function that gives everything in a value, with its path.
const WALK: &str = "trailmark.walk";

/// The function that gives what may be gone through, and nothing else.
const ELEMENTS: &str = "trailmark.elements";

/// Writes a module anew.
///
/// # Errors
/// Says what in it is not understood, and where.
pub fn write(
    source: &str,
    module: &Module,
    reader: Reader,
    watched: &mut Watched,
) -> Result<Text, String> {
    if source.contains(VARIABLE) {
        return Err(format!(
            "names that begin with `{VARIABLE}` are the engine's own"
        ));
    }
    let mut writer = Writer {
        source,
        reader,
        places: Places::read(source)?,
        edits: Edits::new(),
        edited: 0,
        variables: 0,
        braced: BTreeSet::new(),
        rules: BTreeSet::new(),
        failed: None,
    };
    for rule in &module.policy {
        if let Rule::Spec { head, bodies, .. } = rule.as_ref() {
            writer.rule(module, head, bodies, watched);
        }
    }
    let mut text = writer.text(0, source.len()).then("\n");
    for rule in writer.rules {
        text.push(rule);
    }
    writer.failed.map_or(Ok(text), Err)
}

/// What stands in the place of pieces of the source: by where a piece begins and ends, and in which order they came.
type Edits = BTreeMap<(usize, usize, usize), Text>;

struct Writer<'a> {
    source: &'a str,
    reader: Reader,
    places: Places,
    edits: Edits,
    edited: usize,
    variables: usize,
    /// Where bodies begin that have braces now.
    braced: BTreeSet<usize>,
    /// The rules that are added.
    rules: BTreeSet<String>,
    failed: Option<String>,
}

impl Writer<'_> {
    /// Adds to the end of a body, and puts the body into braces where it has none.
    fn after(&mut self, first: &Span, last: &Span, text: &str) {
        let (start, _) = self.places.of_span(first);
        let (_, end) = self.places.of_span(last);
        if self.alone(start) {
            self.insert(start, "{ ");
            self.insert(end, format!("{text} }}"));
        } else {
            self.insert(end, text);
        }
    }

    /// Says whether a body that begins here has no braces.
    fn alone(&self, start: usize) -> bool {
        let before = self.source.get(..start).unwrap_or_default().trim_end();
        !self.braced.contains(&start) && (before.ends_with("if") || before.ends_with("else"))
    }

    fn query(&mut self, query: &Query) {
        for statement in &query.stmts {
            match &statement.literal {
                Literal::SomeVars { .. } => {}
                Literal::SomeIn { collection, .. } => {
                    self.expr(collection);
                    self.elements(collection);
                }
                Literal::Expr { expr, .. } => match related(expr) {
                    Some((through, place)) => self.related(expr, through, place),
                    None => {
                        self.expr(expr);
                        self.assignment(&statement.span, expr);
                    }
                },
                Literal::NotExpr { expr, .. } => self.expr(expr),
                Literal::Every {
                    key,
                    value,
                    domain,
                    query,
                    ..
                } => {
                    self.expr(domain);
                    self.query(query);
                    self.bound(key.iter().chain([value]), query);
                }
            }
        }
    }

    /// Has the interpreter go through nothing where there is nothing to go through.
    fn elements(&mut self, collection: &Ref<Expr>) {
        if self.reader == Reader::Interpreter {
            let (start, end) = self.places.of_expr(collection);
            self.insert(start, format!("{ELEMENTS}("));
            self.insert(end, ")");
        }
    }

    /// Assigns the variables of an `every` in its body.
    fn bound<'a>(&mut self, names: impl Iterator<Item = &'a Span>, query: &Query) {
        let Some(first) = query.stmts.first() else {
            self.refuse(&query.span, "nothing is asked of every element");
            return;
        };
        let (body, _) = self.places.of_span(&first.span);
        for name in names.filter(|name| name.text() != "_") {
            let variable = self.variable();
            self.insert(body, format!("{} := {variable}; ", name.text()));
            self.edit(name.start as usize, name.end as usize, variable);
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
            pattern(side, &mut |name| names.push(name.text().to_owned()));
        }
        let asked: String = names
            .iter()
            .map(|name| format!("; {}", defined(name)))
            .collect();
        if !asked.is_empty() {
            self.after(span, span, &asked);
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
                if !single::counted(key, query) {
                    self.pairs(span, key, value);
                }
            }
            Expr::Call { fcn, .. } if is_walk(fcn) => self.refuse(fcn.span(), WALK_ALONE),
            other => parts(other, &mut |part| self.expr(part)),
        }
    }

    /// Writes a relation as what it is unified with.
    fn related(&mut self, expr: &Ref<Expr>, through: &Ref<Expr>, place: &Ref<Expr>) {
        let [through, place] = [through, place].map(|part| {
            self.expr(part);
            let (start, end) = self.places.of_expr(part);
            self.text(start, end)
        });
        let (start, end) = self.places.of_expr(expr);
        let call = place.then(format!(" = {WALK}("));
        self.replace(start, end, call.then(through).then(")[_]"));
    }

    fn comprehension(&mut self, span: &Span, terms: &[&Ref<Expr>], query: &Query) {
        for term in terms {
            self.expr(term);
        }
        self.query(query);
        if let Some(first) = query.stmts.first().filter(|_| !single::loops(query)) {
            let (begin, _) = self.places.of_span(&first.span);
            self.insert(begin, "some _ in [0]; ");
        }
        let close = (span.end as usize).saturating_sub(1);
        let end = query
            .stmts
            .last()
            .map_or(close, |statement| self.places.of_span(&statement.span).1);
        let closed = matches!(self.source.as_bytes().get(close), Some(b']' | b'}'));
        let Some(between) = self.source.get(end..close).filter(|_| closed) else {
            self.refuse(span, "a comprehension is not understood");
            return;
        };
        let bound = bound(query);
        let separator = if between.contains('\n') { "" } else { "; " };
        let mut statements = Text::default();
        for (at, term) in terms
            .iter()
            .filter(|term| !is_plain(term) && !bound.contains(&term.span().text()))
            .enumerate()
        {
            statements.push(if at == 0 { separator } else { "; " });
            statements.push(self.moved(term));
        }
        self.insert(close, statements);
    }

    /// Makes a comprehension of an object one of a set of pairs.
    fn pairs(&mut self, span: &Span, key: &Expr, value: &Expr) {
        let (begin, end) = (span.start as usize, span.end as usize);
        let colon = self.places.symbol(":", self.places.of_expr(key).1);
        let bar = self.places.symbol("|", self.places.of_expr(value).1);
        let (Some(colon), Some(bar)) = (colon, bar) else {
            self.refuse(span, "a comprehension is not understood");
            return;
        };
        self.replace(begin, begin + 1, "trailmark.object({[");
        self.replace(colon, colon + 1, ",");
        self.insert(bar, "] ");
        self.insert(end, ")");
    }

    /// Puts a variable in the place of an expression, and gives the statement that gives it its value.
    fn moved(&mut self, expr: &Ref<Expr>) -> Text {
        let (start, end) = self.places.of_expr(expr);
        let text = self.text(start, end);
        let variable = self.variable();
        let statement = Text::from(format!("{variable} := "))
            .then(text)
            .then(format!("; {}", defined(&variable)));
        self.replace(start, end, variable);
        statement
    }

    fn variable(&mut self) -> String {
        self.variables += 1;
        format!("{VARIABLE}{}", self.variables)
    }

    /// Puts a text in the place of a part of the source and of what was changed in it.
    fn replace(&mut self, start: usize, end: usize, text: impl Into<Text>) {
        let within: Vec<_> = self.within(start, end).map(|(place, _)| *place).collect();
        for place in within {
            self.edits.remove(&place);
        }
        self.edit(start, end, text);
    }

    fn insert(&mut self, at: usize, text: impl Into<Text>) {
        self.edit(at, at, text);
    }

    fn edit(&mut self, start: usize, end: usize, text: impl Into<Text>) {
        self.edited += 1;
        self.edits.insert((start, end, self.edited), text.into());
    }

    /// The changes within a part of the source. What is added where the part begins is added before it.
    fn within(
        &self,
        start: usize,
        end: usize,
    ) -> impl Iterator<Item = (&(usize, usize, usize), &Text)> {
        let last = (end, end, usize::MAX);
        self.edits
            .range((start, start + 1, 0).min(last)..=last)
            .filter(move |((_, last, _), _)| *last <= end)
    }

    /// Gives a part of the source with its edits.
    fn text(&mut self, start: usize, end: usize) -> Text {
        let mut text = Text::default();
        let mut from = start;
        let mut apart = true;
        for ((first, last, _), edit) in self.within(start, end) {
            apart &= self.source.get(from..*first).is_some();
            text.push_source(from..*first);
            text.push(edit.clone());
            from = *last;
        }
        apart &= self.source.get(from..end).is_some();
        text.push_source(from..end);
        if !apart {
            let why = "what a comprehension collects is not understood";
            self.failed.get_or_insert(why.into());
        }
        text
    }

    fn refuse(&mut self, at: &Span, why: &str) {
        let why = at.error(why).to_string();
        self.failed.get_or_insert(why);
    }
}

/// Writes what holds when a variable has a value: without one it equals nothing, not even itself.
fn defined(variable: &str) -> String {
    format!("{variable} == {variable}")
}

/// Collects the variables that a query gives a value: it goes on only where they have one.
fn bound<'a>(query: &'a Query) -> Vec<&'a str> {
    let mut names = Vec::new();
    let mut variable = |place: &'a Ref<Expr>| {
        if let Expr::Var { span, .. } = place.as_ref() {
            names.push(span.text());
        }
    };
    for statement in &query.stmts {
        match &statement.literal {
            Literal::SomeIn { key, value, .. } => key.iter().chain([value]).for_each(&mut variable),
            Literal::Expr { expr, .. } => {
                if let Expr::AssignExpr {
                    op: AssignOp::ColEq,
                    lhs,
                    ..
                } = expr.as_ref()
                {
                    variable(lhs);
                }
            }
            _ => {}
        }
    }
    names
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

/// What a statement walks through, and what it wants of each place there.
fn related(expr: &Ref<Expr>) -> Option<(&Ref<Expr>, &Ref<Expr>)> {
    match expr.as_ref() {
        Expr::Call { fcn, params, .. } if is_walk(fcn) => match params.as_slice() {
            [through, place] => Some((through, place)),
            _ => None,
        },
        _ => None,
    }
}

fn is_walk(function: &Ref<Expr>) -> bool {
    function.span().text() == "walk"
}
