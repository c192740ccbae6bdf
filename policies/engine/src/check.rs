//! What can be said of a source before it ever sees a dossier.

mod cycle;

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{BUILTINS, Expr, Module, Ref, Rule, RuleHead, Span};
use regorus::{Engine, Value};
use rewrite::keyed::{self, Keyed};
use rewrite::mentions::{self, Mentions, Path, static_path};
use rewrite::place;

use crate::bundle;
use crate::trailmark::policy::types::{Refused, SourceError};

/// The rule that the engine adds.
pub const RESULT: &str = "__trailmark_result";

/// Checks modules, and returns the path of the package that decides, without `data`.
pub fn check(engine: &mut Engine, data: &Value) -> Result<Vec<String>, SourceError> {
    let mut rules = Rules {
        rules: Vec::new(),
        packages: BTreeSet::new(),
        data,
    };
    let modules = bundle::modules(engine)?;
    let units: Vec<Unit<'_>> = modules.iter().map(|module| Unit::of(module)).collect();
    for unit in &units {
        rules.packages.insert(unit.package.clone());
        for rule in &unit.module.policy {
            rules.rules.push(rule_of(unit, rule)?);
        }
    }
    let decides = rules.deciding()?;
    for unit in &units {
        rules.imports(unit)?;
    }
    rules.conflicts()?;
    rules.resolve(&units)?;
    rules.default_of_allow(&units, &decides)?;
    match rules.cycle() {
        Some(rule) => Err(SourceError::Recursion(refused(
            rule.path.last().map_or("", String::as_str),
            "",
            &rule.span,
        ))),
        None => Ok(decides),
    }
}

/// A module, with its names.
struct Unit<'a> {
    module: &'a Module,
    package: Vec<String>,
    /// What the imports bring in: a name, and the path it stands for.
    imports: Vec<(String, Vec<String>)>,
}

impl<'a> Unit<'a> {
    fn of(module: &'a Module) -> Self {
        let imports = module
            .imports
            .iter()
            .filter_map(|import| {
                let path = static_path(&import.refr)?;
                let name = match &import.r#as {
                    Some(name) => name.text().to_owned(),
                    None => path.last()?.clone(),
                };
                Some((name, path))
            })
            .collect();
        Self {
            module,
            package: static_path(&module.package.refr).unwrap_or_default(),
            imports,
        }
    }

    /// Gives the path below `data` that a reference means, if it may be one.
    fn resolve(&self, segments: &[String]) -> Option<Vec<String>> {
        let (first, rest) = segments.split_first()?;
        if first == "data" {
            return Some(rest.to_vec());
        }
        if let Some((_, path)) = self.imports.iter().find(|(name, _)| name == first) {
            let below = path.strip_prefix(&["data".to_owned()][..])?;
            return Some([below, rest].concat());
        }
        Some([&self.package[..], segments].concat())
    }
}

/// A rule, and what it mentions.
struct Known {
    path: Vec<String>,
    way: &'static str,
    span: Span,
    mentions: Vec<Path>,
    /// Where the rules are that it may use.
    uses: Vec<Vec<String>>,
}

fn rule_of(unit: &Unit<'_>, rule: &Ref<Rule>) -> Result<Known, SourceError> {
    if let Some((name, span)) = crate::order::late(rule) {
        return Err(syntax(
            &span,
            &format!("`every` uses `{name}` before it has its value: assign it above"),
        ));
    }
    let mut mentions = Mentions::default();
    let refr = match rule.as_ref() {
        Rule::Spec { head, bodies, .. } => {
            let (RuleHead::Compr { refr, .. }
            | RuleHead::Func { refr, .. }
            | RuleHead::Set { refr, .. }) = head;
            let keyed = Keyed::of(head);
            if keyed.is_none() && !matches!(refr.as_ref(), Expr::Var { .. }) {
                let message = format!(
                    "`{}` is not supported as a rule's name: a rule has one key at most",
                    refr.span().text()
                );
                return Err(syntax(refr.span(), &message));
            }
            if let (Some(_), Some(other)) = (&keyed, bodies.iter().find(|body| body.is_else)) {
                return Err(syntax(
                    &other.span,
                    "`else` is not supported where a rule has a key: write a rule for each case",
                ));
            }
            let iterating = bodies
                .iter()
                .zip(bodies.iter().skip(1))
                .find(|(body, next)| next.is_else && mentions::iterates(&body.query, head));
            if let Some((_, next)) = iterating {
                return Err(syntax(
                    &next.span,
                    "`else` after a body that iterates is not supported: iterate in a rule of its own",
                ));
            }
            mentions::head_exprs(head, &mut |expr| mentions.expr(expr));
            for body in bodies {
                mentions.exprs(body.assign.as_ref().map(|assign| &assign.value));
                mentions.query(&body.query);
            }
            refr
        }
        Rule::Default {
            refr, args, value, ..
        } => {
            if !args.is_empty() {
                return Err(syntax(
                    refr.span(),
                    "a function has no default here: give it another body, or use `object.get`",
                ));
            }
            mentions.exprs([value]);
            refr
        }
    };
    mentions.indices(refr);
    let name = static_path(refr).and_then(|path| path.into_iter().next());
    Ok(Known {
        path: [&unit.package[..], name.as_slice()].concat(),
        way: keyed::way(rule),
        span: refr.span().clone(),
        mentions: mentions.paths,
        uses: Vec::new(),
    })
}

struct Rules<'a> {
    rules: Vec<Known>,
    packages: BTreeSet<Vec<String>>,
    data: &'a Value,
}

impl Rules<'_> {
    fn has(&self, package: &[String], name: &str) -> bool {
        self.rules.iter().any(|rule| {
            rule.path
                .strip_prefix(package)
                .is_some_and(|rest| rest.first().is_some_and(|first| first == name))
        })
    }

    /// Finds the one package with `allow` and `findings`.
    fn deciding(&self) -> Result<Vec<String>, SourceError> {
        let has = |name: &str| -> Vec<&Vec<String>> {
            self.packages
                .iter()
                .filter(|package| self.has(package, name))
                .collect()
        };
        let (allow, findings) = (has("allow"), has("findings"));
        let both: Vec<&Vec<String>> = allow
            .iter()
            .filter(|package| findings.contains(package))
            .copied()
            .collect();
        match both[..] {
            [package] => Ok(package.clone()),
            [] if allow.is_empty() => Err(SourceError::MissingRule("allow".into())),
            [] => Err(SourceError::MissingRule("findings".into())),
            [one, other, ..] => Err(SourceError::Syntax(format!(
                "`{}` and `{}` both have the rules `allow` and `findings`: only one package decides",
                one.join("."),
                other.join(".")
            ))),
        }
    }

    fn imports(&self, unit: &Unit<'_>) -> Result<(), SourceError> {
        for import in &unit.module.imports {
            let path = static_path(&import.refr).unwrap_or_default();
            let there = match path.iter().map(String::as_str).collect::<Vec<_>>()[..] {
                ["rego", "v1"] | ["future", "keywords", ..] | ["input", ..] => true,
                ["data", _, ..] => self.there(&path[1..]),
                _ => false,
            };
            if !there {
                let text = path.join(".");
                return Err(syntax(
                    import.refr.span(),
                    &format!(
                        "`{text}` is not in the bundle: a policy imports only what is published with it"
                    ),
                ));
            }
        }
        Ok(())
    }

    /// Says whether there are rules or data at a path.
    fn there(&self, path: &[String]) -> bool {
        self.rules
            .iter()
            .any(|rule| rule.path.starts_with(path) || path.starts_with(&rule.path))
            || self
                .packages
                .iter()
                .any(|package| package.starts_with(path))
            || at(self.data, path) != &Value::Undefined
    }

    /// Refuses rules where there are data already, or a rule that gives its values in another way.
    fn conflicts(&self) -> Result<(), SourceError> {
        let mut ways = BTreeMap::new();
        for rule in &self.rules {
            let way = ways.entry(&rule.path).or_insert(rule.way);
            if *way != rule.way {
                let message = format!("this rule is {}, and {way} elsewhere", rule.way);
                return Err(syntax(&rule.span, &message));
            }
            for length in 1..=rule.path.len() {
                let path = &rule.path[..length];
                let found = at(self.data, path);
                let data = match found {
                    Value::Undefined => break,
                    Value::Object(_) => length == rule.path.len(),
                    _ => true,
                };
                if data {
                    return Err(syntax(
                        &rule.span,
                        &format!("`data.{}` is a document and a rule", path.join(".")),
                    ));
                }
            }
        }
        Ok(())
    }

    /// Finds out what each mention means, and refuses what means nothing.
    fn resolve(&mut self, units: &[Unit<'_>]) -> Result<(), SourceError> {
        let mut uses = Vec::new();
        let mut rules = self.rules.iter();
        for unit in units {
            for rule in rules.by_ref().take(unit.module.policy.len()) {
                let mut found = Vec::new();
                for path in &rule.mentions {
                    found.extend(self.mention(unit, path)?);
                }
                uses.push(found);
            }
        }
        for (rule, uses) in self.rules.iter_mut().zip(uses) {
            rule.uses = uses;
        }
        Ok(())
    }

    fn mention(&self, unit: &Unit<'_>, path: &Path) -> Result<Option<Vec<String>>, SourceError> {
        let name = path.segments.join(".");
        let resolved = unit.resolve(&path.segments);
        if let Some(arguments) = path.called {
            let ours = resolved.filter(|resolved| {
                self.rules
                    .iter()
                    .any(|rule| resolved.starts_with(&rule.path))
            });
            return match ours {
                Some(_) if builtins::find(&name).is_some() => Err(syntax(
                    &path.span,
                    &format!("the function `{name}` is named like a built-in: rename it"),
                )),
                Some(resolved) => Ok(Some(resolved)),
                None => function(&name, arguments, &path.span).map(|()| None),
            };
        }
        let Some(resolved) = resolved else {
            return Ok(None);
        };
        let outside = path.segments.first().is_some_and(|first| first == "data")
            || unit.imports.iter().any(|(name, path_of)| {
                path.segments.first() == Some(name)
                    && path_of.first().is_some_and(|first| first == "data")
            });
        if outside
            && !resolved
                .first()
                .is_some_and(|first| self.there(std::slice::from_ref(first)))
        {
            return Err(syntax(
                &path.span,
                &format!("`{name}` reads data that is not in the bundle"),
            ));
        }
        Ok(Some(resolved))
    }

    fn default_of_allow(&self, units: &[Unit<'_>], decides: &[String]) -> Result<(), SourceError> {
        for unit in units.iter().filter(|unit| unit.package == decides) {
            for rule in &unit.module.policy {
                let Rule::Default { refr, value, .. } = rule.as_ref() else {
                    continue;
                };
                let allow = static_path(refr).is_some_and(|path| path[0] == "allow");
                let no =
                    matches!(value.as_ref(), Expr::Bool { span, .. } if span.text() == "false");
                if allow && !no {
                    return Err(SourceError::DefaultAllow(place(rule.span())));
                }
            }
        }
        Ok(())
    }
}

/// Refuses a function that is not a built-in of the engine, or is not called with as many arguments as it takes. One more
/// is what its value must be, as in `count(x, n)`.
fn function(name: &str, arguments: usize, span: &Span) -> Result<(), SourceError> {
    if let Some(why) = builtins::impure(name) {
        return Err(SourceError::ImpureFunction(refused(name, why, span)));
    }
    if let Some(why) = builtins::unsupported(name) {
        return Err(SourceError::UnknownFunction(refused(name, why, span)));
    }
    let arity = match name {
        internal if internal.starts_with("__") || internal.starts_with("trailmark.") => None,
        name => builtins::find(name)
            .map(|builtin| builtin.arity)
            .or_else(|| BUILTINS.get(name).map(|(_, arity)| *arity)),
    };
    let Some(arity) = arity.map(usize::from) else {
        let why = match name {
            "print" => "it has no value: print in a statement of its own",
            _ => "there is no such function",
        };
        return Err(SourceError::UnknownFunction(refused(name, why, span)));
    };
    if arguments != arity && arguments != arity + 1 {
        let takes = match arity {
            1 => "1 argument".to_owned(),
            arity => format!("{arity} arguments"),
        };
        return Err(syntax(
            span,
            &format!("`{name}` takes {takes}, not {arguments}"),
        ));
    }
    Ok(())
}

/// Gives the document at a path.
fn at<'a>(data: &'a Value, path: &[String]) -> &'a Value {
    path.iter().fold(data, |place, step| &place[step.as_str()])
}

fn refused(name: &str, why: &str, span: &Span) -> Refused {
    Refused {
        name: name.into(),
        why: why.into(),
        place: place(span),
    }
}

fn syntax(span: &Span, message: &str) -> SourceError {
    SourceError::Syntax(place::message(span, "error", message))
}

/// Shows where something stands: file, line and column, and the line itself.
fn place(span: &Span) -> String {
    let message = place::message(span, "", "");
    message
        .strip_suffix("\n: ")
        .unwrap_or(&message)
        .trim_end()
        .to_owned()
}
