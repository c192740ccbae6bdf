//! Rules that have a value for each key: `of[key] := value`, `of.key := value`, `of[key] contains value`.
//!
//! The virtual machine knows complete rules and sets. So each such head is compiled as one of a set of pairs,
//! `pairs contains [key, value]`, and the rule itself as what is made of the pairs when all of them are known.

use regorus::unstable::{Expr, Ref, Rule, RuleHead, Span};

use crate::text::Text;

/// How the names of the sets of pairs begin.
const PAIRS: &str = "__trailmark_pairs_";

/// A head with a key.
pub struct Keyed<'a> {
    /// The rule's name.
    pub name: &'a Span,
    /// Whether a key may have many values, which are then a set.
    pub many: bool,
    key: Key<'a>,
    value: Option<&'a Ref<Expr>>,
}

enum Key<'a> {
    Field(&'a Span),
    Index(&'a Ref<Expr>),
}

impl<'a> Keyed<'a> {
    /// Reads the head of a rule, if it has one key.
    pub fn of(head: &'a RuleHead) -> Option<Self> {
        let (refr, many, value) = match head {
            RuleHead::Compr { refr, assign, .. } => {
                (refr, false, assign.as_ref().map(|assign| &assign.value))
            }
            RuleHead::Set {
                refr,
                key: Some(key),
                ..
            } => (refr, true, Some(key)),
            RuleHead::Set { .. } | RuleHead::Func { .. } => return None,
        };
        let (named, key) = match refr.as_ref() {
            Expr::RefDot { refr, field, .. } => (refr, Key::Field(&field.0)),
            Expr::RefBrack { refr, index, .. } => (refr, Key::Index(index)),
            _ => return None,
        };
        match named.as_ref() {
            Expr::Var { span, .. } => Some(Self {
                name: span,
                many,
                key,
                value,
            }),
            _ => None,
        }
    }

    /// The expressions of the head, which are written into the pair.
    pub(crate) fn exprs(&self) -> impl Iterator<Item = &'a Ref<Expr>> {
        let index = match self.key {
            Key::Field(_) => None,
            Key::Index(index) => Some(index),
        };
        index.into_iter().chain(self.value)
    }

    /// Writes the head of the set of pairs; `text` gives an expression as it is compiled.
    pub(crate) fn head(&self, mut text: impl FnMut(&Ref<Expr>) -> Text) -> Text {
        let key = match self.key {
            Key::Field(field) => format!("\"{}\"", field.text()).into(),
            Key::Index(index) => text(index),
        };
        let value = self.value.map_or_else(|| "true".into(), text);
        Text::from(format!("{PAIRS}{} contains [", self.name.text()))
            .then(key)
            .then(", ")
            .then(value)
            .then("]")
    }

    /// Writes the rule that makes an object of the pairs.
    pub(crate) fn rule(&self) -> String {
        let name = self.name.text();
        let function = if self.many { "groups" } else { "object" };
        format!("{name} := trailmark.{function}({PAIRS}{name})\n")
    }
}

/// Says in which way a rule gives its values: rules of one name all do it in the same.
pub fn way(rule: &Rule) -> &'static str {
    match rule {
        Rule::Spec { head, .. } => match (Keyed::of(head), head) {
            (Some(keyed), _) if keyed.many => "a set for each key",
            (Some(_), _) => "a value for each key",
            (None, RuleHead::Set { .. }) => "a set",
            (None, RuleHead::Func { .. }) => "a function",
            (None, RuleHead::Compr { .. }) => "one value",
        },
        Rule::Default { .. } => "one value",
    }
}
