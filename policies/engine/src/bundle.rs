//! What is published as a Rego policy: one module, or a bundle of several with data beside them.

use regorus::unstable::{Expr, Literal, Module, Query, Ref, Rule, RuleBody};
use regorus::{Engine, Value};
use rewrite::place::{self, Place};
use rewrite::{Reader, mentions, rewrite};

use crate::trailmark::policy::types::SourceError;

/// What a module is called that is published alone.
const ALONE: &str = "policy.rego";

/// Modules by path, and data.
pub struct Bundle {
    modules: Vec<(String, String)>,
    data: Value,
}

impl Bundle {
    /// Reads what was published: a module, or a bundle `{"data": {…}, "modules": {path: source}}`. No module begins
    /// with a brace.
    pub fn read(source: &str) -> Result<Self, SourceError> {
        if !source.starts_with('{') {
            return Ok(Self {
                modules: vec![(ALONE.into(), source.into())],
                data: Value::new_object(),
            });
        }
        let bundle = Value::from_json_str(source)
            .map_err(|error| SourceError::Syntax(format!("the bundle is not JSON: {error}")))?;
        let wrong = |what: &str| SourceError::Syntax(format!("the bundle {what}"));
        let Value::Object(fields) = &bundle else {
            return Err(wrong("is not an object"));
        };
        if !fields
            .keys()
            .all(|key| matches!(key, Value::String(key) if matches!(&**key, "data" | "modules")))
        {
            return Err(wrong("has other fields than `data` and `modules`"));
        }
        let data = match &bundle["data"] {
            Value::Undefined => Value::new_object(),
            data @ Value::Object(_) => data.clone(),
            _ => return Err(wrong("has data that is not an object")),
        };
        let Value::Object(modules) = &bundle["modules"] else {
            return Err(wrong("has no modules"));
        };
        let modules = modules
            .iter_sorted()
            .map(|(path, source)| match (path, source) {
                (Value::String(path), Value::String(source)) => {
                    Ok((path.to_string(), source.to_string()))
                }
                _ => Err(wrong("has a module that is not text")),
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { modules, data })
    }

    pub fn data(&self) -> &Value {
        &self.data
    }

    /// Parses the modules, with nothing left of what they print: as they stand, and as they are compiled.
    pub fn parse(&self) -> Result<(Engine, Engine), SourceError> {
        let mut engine = self.engine(|_, source| source.to_owned())?;
        let mut sources: Vec<String> = self
            .modules
            .iter()
            .map(|(_, source)| source.clone())
            .collect();
        for (source, module) in sources.iter_mut().zip(modules(&mut engine)?) {
            *source = without(source, &prints(&module));
        }
        let mut plain = self.engine(|at, _| sources[at].clone())?;
        let parsed = modules(&mut plain)?;
        let written = rewrite(&parsed, Reader::Machine).map_err(SourceError::Syntax)?;
        let compiled = self.engine(|at, _| written[at].text.clone())?;
        Ok((plain, compiled))
    }

    /// Says what regorus says of a module, with the places that its author knows.
    pub fn wrong(&self, error: impl std::fmt::Display) -> SourceError {
        let find = |file: &str, line, column| {
            let named = self.modules.iter().find(|(path, _)| path == file);
            named.map(|(_, source)| Place::counted(source, line, column))
        };
        SourceError::Syntax(place::corrected(&error.to_string(), find))
    }

    fn engine(&self, text: impl Fn(usize, &str) -> String) -> Result<Engine, SourceError> {
        let mut engine = Engine::new();
        for (at, (path, source)) in self.modules.iter().enumerate() {
            engine
                .add_policy(path.clone(), text(at, source))
                .map_err(|error| self.wrong(error))?;
        }
        engine
            .add_data(self.data.clone())
            .map_err(|error| SourceError::Syntax(error.to_string()))?;
        Ok(engine)
    }
}

/// Gives the modules in the order in which they were added.
pub fn modules(engine: &mut Engine) -> Result<Vec<Ref<Module>>, SourceError> {
    Ok(engine.get_modules().iter().cloned().collect())
}

/// Puts `true` and blanks where something is printed, so that everything else stands where it stood.
fn without(source: &str, prints: &[(usize, usize)]) -> String {
    let mut bytes = source.as_bytes().to_vec();
    for (start, end) in prints {
        for (at, byte) in bytes.iter_mut().enumerate().take(*end).skip(*start) {
            *byte = match at - start {
                place @ 0..4 => b"true"[place],
                _ if *byte == b'\n' => b'\n',
                _ => b' ',
            };
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| source.to_owned())
}

/// Finds the statements that print. Within an expression `print` has no value, and stays to be refused.
fn prints(module: &Module) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for rule in &module.policy {
        if let Rule::Spec { head, bodies, .. } = rule.as_ref() {
            mentions::head_exprs(head, &mut |expr| in_expr(expr, &mut found));
            for RuleBody { assign, query, .. } in bodies {
                if let Some(assign) = assign {
                    in_expr(&assign.value, &mut found);
                }
                in_query(query, &mut found);
            }
        }
    }
    found
}

fn in_query(query: &Query, found: &mut Vec<(usize, usize)>) {
    for statement in &query.stmts {
        match &statement.literal {
            Literal::Expr { expr, .. } => match expr.as_ref() {
                Expr::Call { span, fcn, .. } if fcn.span().text() == "print" => {
                    found.push((span.start as usize, span.end as usize));
                }
                _ => in_expr(expr, found),
            },
            Literal::NotExpr { expr, .. } => in_expr(expr, found),
            Literal::Every { domain, query, .. } => {
                in_expr(domain, found);
                in_query(query, found);
            }
            Literal::SomeIn { collection, .. } => in_expr(collection, found),
            Literal::SomeVars { .. } => {}
        }
    }
}

fn in_expr(expr: &Ref<Expr>, found: &mut Vec<(usize, usize)>) {
    match expr.as_ref() {
        Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
            in_expr(term, found);
            in_query(query, found);
        }
        Expr::ObjectCompr {
            key, value, query, ..
        } => {
            in_expr(key, found);
            in_expr(value, found);
            in_query(query, found);
        }
        other => mentions::parts(other, &mut |part| in_expr(part, found)),
    }
}
