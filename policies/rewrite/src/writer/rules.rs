//! What becomes of a rule's head, and of its values.

use regorus::unstable::{Expr, Module, Ref, RuleBody, RuleHead, Span};

use super::{Writer, defined};
use crate::keyed::Keyed;
use crate::mentions::head_exprs;
use crate::single::{self, Watched};
use crate::text::Text;

impl Writer<'_> {
    pub(super) fn rule(
        &mut self,
        module: &Module,
        head: &RuleHead,
        bodies: &[RuleBody],
        watched: &mut Watched,
    ) {
        match Keyed::of(head) {
            Some(keyed) => self.keyed(head, &keyed),
            None => head_exprs(head, &mut |expr| self.expr(expr)),
        }
        let path = single::path(module, head);
        let name = path.as_ref().map(|path| path.join(".")).unwrap_or_default();
        for body in bodies {
            let value = match body.is_else {
                true => body.assign.as_ref().map(|assign| &assign.value),
                false => single::value(head),
            };
            if let (true, Some(value)) = (body.is_else, value) {
                self.expr(value);
            }
            match value.filter(|value| path.is_some() && single::varies(value, body, head)) {
                Some(value) => self.all(&name, value, body),
                None => self.query(&body.query),
            }
        }
        let beside = |body: &&RuleBody| !body.is_else;
        if let (Some(second), Some(_)) = (bodies.iter().filter(beside).nth(1), single::value(head))
        {
            self.refuse(&second.span, "a body beside another: write the rule twice");
        }
        if let Some(first) = path.and_then(|path| watched.next(&path)) {
            self.watched(&name, first, head, bodies);
        }
    }

    /// Writes a head with a key as that of a set of pairs.
    fn keyed(&mut self, head: &RuleHead, keyed: &Keyed<'_>) {
        let (start, mut end) = self.places.of_span(span(head));
        for expr in keyed.exprs() {
            self.expr(expr);
            end = end.max(self.places.of_expr(expr).1);
        }
        let text = keyed.head(|expr| {
            let (start, end) = self.places.of_expr(expr);
            self.text(start, end)
        });
        self.replace(start, end, text);
        self.rules.insert(keyed.rule());
    }

    /// Has the values of a rule's definitions compared with each other.
    fn watched(&mut self, name: &str, first: bool, head: &RuleHead, bodies: &[RuleBody]) {
        let (start, end) = self.places.of_span(span(head));
        if let (true, RuleHead::Func { refr, args, .. }) = (first, head) {
            let function = refr.span().text();
            let anything = vec!["_"; args.len()].join(", ");
            self.insert(
                start,
                format!("{function}({anything}) := true if trailmark.begin(\"{name}\")\n\n"),
            );
        }
        self.one(name, single::value(head), end);
        for body in bodies.iter().filter(|body| body.is_else) {
            let after = body.span.start as usize + "else".len();
            let value = body.assign.as_ref().map(|assign| &assign.value);
            self.one(name, value, after);
        }
    }

    /// Has all values looked for that a body gives, not only the first.
    fn all(&mut self, name: &str, value: &Ref<Expr>, body: &RuleBody) {
        let (Some(first), Some(last)) = (body.query.stmts.first(), body.query.stmts.last()) else {
            return;
        };
        let (begin, _) = self.places.of_span(&first.span);
        let (_, end) = self.places.of_span(&last.span);
        let (given, all) = (self.variable(), self.variable());
        let (open, close) = match self.alone(begin) {
            true => ("{ ", " }"),
            false => ("", ""),
        };
        self.insert(
            begin,
            format!("{open}{given} := trailmark.single(\"{name}\", {{{all} | "),
        );
        self.braced.insert(begin);
        self.query(&body.query);
        let (start, stop) = self.places.of_expr(value);
        let text = self.text(start, stop);
        self.insert(
            end,
            Text::from(format!("; {all} := "))
                .then(text)
                .then(format!("; {}}}){close}", defined(&all))),
        );
        self.replace(start, stop, given);
    }

    /// Has a definition's value compared with those of the others.
    fn one(&mut self, name: &str, value: Option<&Ref<Expr>>, after: usize) {
        match value {
            Some(value) => {
                let (start, end) = self.places.of_expr(value);
                self.insert(start, format!("trailmark.one(\"{name}\", "));
                self.insert(end, ")");
            }
            None => self.insert(after, format!(" := trailmark.one(\"{name}\", true)")),
        }
    }
}

fn span(head: &RuleHead) -> &Span {
    let (RuleHead::Compr { span, .. } | RuleHead::Set { span, .. } | RuleHead::Func { span, .. }) =
        head;
    span
}
