//! Holds a document against a schema that was checked.

use anyhow::{Result, ensure};
use regorus::Value;

use super::{DEPTH_MAX, format, pattern, resolve};

/// Where and how a document does not match.
pub(super) struct Mismatch {
    pub name: &'static str,
    pub field: String,
    pub text: String,
}

pub(super) fn validate(schema: &Value, document: &Value) -> Result<Vec<Mismatch>> {
    let mut run = Run {
        root: schema,
        errors: Vec::new(),
        score: 0,
        depth: 0,
    };
    run.schema(schema, document, &Place::default())?;
    Ok(run.errors)
}

/// A place in the document: keys and indices from the root on.
#[derive(Clone, Default)]
struct Place(Vec<String>);

impl Place {
    fn below(&self, step: &str) -> Self {
        let mut steps = self.0.clone();
        steps.push(step.to_owned());
        Self(steps)
    }

    fn text(&self) -> String {
        if self.0.is_empty() {
            "(Root)".to_owned()
        } else {
            self.0.join(".")
        }
    }
}

struct Run<'a> {
    root: &'a Value,
    errors: Vec<Mismatch>,
    /// How much was right: of several schemas the one that fits best explains what is wrong.
    score: u64,
    depth: usize,
}

impl<'a> Run<'a> {
    fn fail(&mut self, place: &Place, name: &'static str, text: impl Into<String>) {
        self.errors.push(Mismatch {
            name,
            field: place.text(),
            text: text.into(),
        });
    }

    /// Tries a schema apart from what was found so far.
    fn apart(&self, schema: &'a Value, value: &Value, place: &Place) -> Result<Run<'a>> {
        let mut run = Run {
            root: self.root,
            errors: Vec::new(),
            score: 0,
            depth: self.depth,
        };
        run.schema(schema, value, place)?;
        Ok(run)
    }

    fn take(&mut self, other: Run<'_>) {
        self.errors.extend(other.errors);
        self.score += other.score;
    }

    fn schema(&mut self, schema: &'a Value, value: &Value, place: &Place) -> Result<()> {
        self.depth += 1;
        ensure!(
            self.depth <= DEPTH_MAX,
            "the schema refers to itself for ever"
        );
        match schema {
            Value::Bool(true) => {}
            Value::Bool(false) => self.fail(place, "false", "False always fails validation"),
            schema => match &schema["$ref"] {
                Value::String(reference) => {
                    self.schema(resolve(self.root, reference)?, value, place)?;
                }
                _ => self.keywords(schema, value, place)?,
            },
        }
        self.depth -= 1;
        Ok(())
    }

    fn keywords(&mut self, schema: &'a Value, value: &Value, place: &Place) -> Result<()> {
        if let Some(expected) = wrong_type(&schema["type"], value) {
            let given = type_name(value);
            let text = format!("Invalid type. Expected: {expected}, given: {given}");
            self.fail(place, "invalid_type", text);
            return Ok(());
        }
        self.combinations(schema, value, place)?;
        match value {
            Value::Number(_) => self.number(schema, value, place)?,
            Value::Array(items) => self.array(schema, items.as_slice(), place)?,
            Value::Object(_) => self.object(schema, value, place)?,
            _ => {}
        }
        self.common(schema, value, place)?;
        if let Value::String(text) = value {
            self.string(schema, text, place)?;
        }
        if let (Value::Object(fields), Value::Object(properties)) = (value, &schema["properties"]) {
            for (key, property) in properties.iter_sorted() {
                if let Some(value) = fields.get(key) {
                    self.schema(property, value, &place.below(&plain(key)))?;
                }
            }
        }
        self.score += 1;
        Ok(())
    }

    fn combinations(&mut self, schema: &'a Value, value: &Value, place: &Place) -> Result<()> {
        if let Value::Array(schemas) = &schema["anyOf"] {
            let (valid, best) = self.several(schemas.as_slice(), value, place)?;
            if valid == 0 {
                let text = "Must validate at least one schema (anyOf)";
                self.fail(place, "number_any_of", text);
                best.into_iter().for_each(|best| self.take(best));
            }
        }
        if let Value::Array(schemas) = &schema["oneOf"] {
            let (valid, best) = self.several(schemas.as_slice(), value, place)?;
            if valid != 1 {
                let text = "Must validate one and only one schema (oneOf)";
                self.fail(place, "number_one_of", text);
                best.into_iter()
                    .filter(|_| valid == 0)
                    .for_each(|best| self.take(best));
            }
        }
        if let Value::Array(schemas) = &schema["allOf"] {
            let mut all = true;
            for schema in schemas.iter() {
                let run = self.apart(schema, value, place)?;
                all &= run.errors.is_empty();
                self.take(run);
            }
            if !all {
                let text = "Must validate all the schemas (allOf)";
                self.fail(place, "number_all_of", text);
            }
        }
        let not = &schema["not"];
        if *not != Value::Undefined && self.apart(not, value, place)?.errors.is_empty() {
            self.fail(place, "number_not", "Must not validate the schema (not)");
        }
        self.dependencies(schema, value, place)?;
        self.condition(schema, value, place)?;
        self.score += 1;
        Ok(())
    }

    /// Counts the schemas that a value matches, and gives the one that comes nearest of the others.
    fn several(
        &self,
        schemas: &'a [Value],
        value: &Value,
        place: &Place,
    ) -> Result<(usize, Option<Run<'a>>)> {
        let mut valid = 0;
        let mut best: Option<Run<'a>> = None;
        for schema in schemas {
            let run = self.apart(schema, value, place)?;
            if run.errors.is_empty() {
                valid += 1;
            } else if best.as_ref().is_none_or(|best| run.score > best.score) {
                best = Some(run);
            }
        }
        Ok((valid, best))
    }

    fn dependencies(&mut self, schema: &'a Value, value: &Value, place: &Place) -> Result<()> {
        let (Value::Object(fields), Value::Object(dependencies)) = (value, &schema["dependencies"])
        else {
            return Ok(());
        };
        for (key, dependency) in dependencies.iter_sorted() {
            if !fields.contains_key(key) {
                continue;
            }
            match dependency {
                Value::Array(others) => {
                    for other in others.iter().filter(|other| !fields.contains_key(other)) {
                        let text = format!("Has a dependency on {}", plain(other));
                        self.fail(place, "missing_dependency", text);
                    }
                }
                schema => self.schema(schema, value, place)?,
            }
        }
        Ok(())
    }

    fn condition(&mut self, schema: &'a Value, value: &Value, place: &Place) -> Result<()> {
        if schema["if"] == Value::Undefined {
            return Ok(());
        }
        let valid = self.apart(&schema["if"], value, place)?.errors.is_empty();
        let (branch, name, text) = if valid {
            let text = "Must validate \"then\" as \"if\" was valid";
            (&schema["then"], "condition_then", text)
        } else {
            let text = "Must validate \"else\" as \"if\" was not valid";
            (&schema["else"], "condition_else", text)
        };
        if *branch != Value::Undefined {
            let run = self.apart(branch, value, place)?;
            if !run.errors.is_empty() {
                self.fail(place, name, text);
                self.take(run);
            }
        }
        Ok(())
    }

    fn common(&mut self, schema: &Value, value: &Value, place: &Place) -> Result<()> {
        let constant = &schema["const"];
        if *constant != Value::Undefined && constant != value {
            let text = format!("{} does not match: {}", place.text(), constant);
            self.fail(place, "const", text);
        }
        if let Value::Array(allowed) = &schema["enum"]
            && !allowed.contains(value)
        {
            let allowed: Vec<String> = allowed.iter().map(Value::to_string).collect();
            let text = format!(
                "{} must be one of the following: {}",
                place.text(),
                allowed.join(", ")
            );
            self.fail(place, "enum", text);
        }
        if let (Value::String(format), Value::String(text)) = (&schema["format"], value)
            && !format::is(format, text)
        {
            self.fail(place, "format", format!("Does not match format '{format}'"));
        }
        self.score += 1;
        Ok(())
    }

    fn string(&mut self, schema: &Value, text: &str, place: &Place) -> Result<()> {
        let length = Value::from(text.chars().count());
        if let Some(min) = bound(schema, "minLength").filter(|min| length < **min) {
            let text = format!("String length must be greater than or equal to {min}");
            self.fail(place, "string_gte", text);
        }
        if let Some(max) = bound(schema, "maxLength").filter(|max| length > **max) {
            let text = format!("String length must be less than or equal to {max}");
            self.fail(place, "string_lte", text);
        }
        if schema["pattern"] != Value::Undefined {
            let pattern = pattern(&schema["pattern"])?;
            if !pattern.is_match(text) {
                self.fail(
                    place,
                    "pattern",
                    format!("Does not match pattern '{pattern}'"),
                );
            }
        }
        self.score += 1;
        Ok(())
    }

    fn number(&mut self, schema: &Value, value: &Value, place: &Place) -> Result<()> {
        if let (Value::Number(number), Some(Value::Number(divisor))) =
            (value, bound(schema, "multipleOf"))
        {
            let multiple = if number.is_integer() && divisor.is_integer() {
                number.clone().modulo(divisor)? == 0_u64.into()
            } else {
                number.clone().divide(divisor)?.is_integer()
            };
            if !multiple {
                let text = format!(
                    "Must be a multiple of {}",
                    bound_text(&schema["multipleOf"])
                );
                self.fail(place, "multiple_of", text);
            }
        }
        // In draft 4, `exclusive…` is a boolean and belongs to the bound beside it.
        let exclusive = |key: &str| schema[key] == Value::Bool(true);
        let mut below = Vec::new();
        let mut above = Vec::new();
        if let Some(max) = bound(schema, "maximum") {
            below.push((max, exclusive("exclusiveMaximum")));
        }
        if let Some(max) = bound(schema, "exclusiveMaximum") {
            below.push((max, true));
        }
        if let Some(min) = bound(schema, "minimum") {
            above.push((min, exclusive("exclusiveMinimum")));
        }
        if let Some(min) = bound(schema, "exclusiveMinimum") {
            above.push((min, true));
        }
        for (max, exclusive) in below {
            if exclusive && value >= max {
                let text = format!("Must be less than {}", bound_text(max));
                self.fail(place, "number_lt", text);
            } else if value > max {
                let text = format!("Must be less than or equal to {}", bound_text(max));
                self.fail(place, "number_lte", text);
            }
        }
        for (min, exclusive) in above {
            if exclusive && value <= min {
                let text = format!("Must be greater than {}", bound_text(min));
                self.fail(place, "number_gt", text);
            } else if value < min {
                let text = format!("Must be greater than or equal to {}", bound_text(min));
                self.fail(place, "number_gte", text);
            }
        }
        self.score += 1;
        Ok(())
    }

    fn array(&mut self, schema: &'a Value, items: &[Value], place: &Place) -> Result<()> {
        match &schema["items"] {
            Value::Undefined => {}
            Value::Array(schemas) => {
                let additional = &schema["additionalItems"];
                for (index, item) in items.iter().enumerate() {
                    let schema = schemas.get(index).unwrap_or(additional);
                    if !matches!(schema, Value::Undefined | Value::Bool(_)) || index < schemas.len()
                    {
                        let run = self.apart(schema, item, &place.below(&index.to_string()))?;
                        self.take(run);
                    }
                }
                let more = items.len() > schemas.len() && !schemas.is_empty();
                if more && *additional == Value::Bool(false) {
                    let text = "No additional items allowed on array";
                    self.fail(place, "array_no_additional_items", text);
                }
            }
            schema => {
                for (index, item) in items.iter().enumerate() {
                    let run = self.apart(schema, item, &place.below(&index.to_string()))?;
                    self.take(run);
                }
            }
        }
        let count = Value::from(items.len());
        if let Some(min) = bound(schema, "minItems").filter(|min| count < **min) {
            let text = format!("Array must have at least {min} items");
            self.fail(place, "array_min_items", text);
        }
        if let Some(max) = bound(schema, "maxItems").filter(|max| count > **max) {
            let text = format!("Array must have at most {max} items");
            self.fail(place, "array_max_items", text);
        }
        if schema["uniqueItems"] == Value::Bool(true) {
            for (j, item) in items.iter().enumerate() {
                if let Some(i) = items[..j].iter().rposition(|other| other == item) {
                    let text = format!("array items[{i},{j}] must be unique");
                    self.fail(place, "unique", text);
                }
            }
        }
        self.contains(&schema["contains"], items, place)?;
        self.score += 1;
        Ok(())
    }

    fn contains(&mut self, schema: &'a Value, items: &[Value], place: &Place) -> Result<()> {
        if *schema == Value::Undefined {
            return Ok(());
        }
        let mut best: Option<Run<'a>> = None;
        for (index, item) in items.iter().enumerate() {
            let run = self.apart(schema, item, &place.below(&index.to_string()))?;
            if run.errors.is_empty() {
                return Ok(());
            }
            if best.as_ref().is_none_or(|best| run.score > best.score) {
                best = Some(run);
            }
        }
        self.fail(place, "contains", "At least one of the items must match");
        best.into_iter().for_each(|best| self.take(best));
        Ok(())
    }

    fn object(&mut self, schema: &'a Value, value: &Value, place: &Place) -> Result<()> {
        let fields = value.as_object()?;
        let count = Value::from(fields.len());
        if let Some(min) = bound(schema, "minProperties").filter(|min| count < **min) {
            let text = format!("Must have at least {min} properties");
            self.fail(place, "array_min_properties", text);
        }
        if let Some(max) = bound(schema, "maxProperties").filter(|max| count > **max) {
            let text = format!("Must have at most {max} properties");
            self.fail(place, "array_max_properties", text);
        }
        if let Value::Array(required) = &schema["required"] {
            for name in required.iter() {
                if fields.contains_key(name) {
                    self.score += 1;
                } else {
                    self.fail(place, "required", format!("{} is required", plain(name)));
                }
            }
        }
        for (key, value) in fields.iter_sorted() {
            self.field(schema, key, value, place)?;
        }
        let names = &schema["propertyNames"];
        if *names != Value::Undefined {
            for (key, _) in fields.iter_sorted() {
                let run = self.apart(names, key, place)?;
                if !run.errors.is_empty() {
                    let text = format!("Property name of \"{}\" does not match", plain(key));
                    self.fail(place, "invalid_property_name", text);
                    self.take(run);
                }
            }
        }
        self.score += 1;
        Ok(())
    }

    fn field(
        &mut self,
        schema: &'a Value,
        key: &Value,
        value: &Value,
        place: &Place,
    ) -> Result<()> {
        let mut known = schema["properties"][key] != Value::Undefined;
        if let Value::Object(patterns) = &schema["patternProperties"] {
            let name = plain(key);
            for (expression, schema) in patterns.iter_sorted() {
                if pattern(expression)?.is_match(&name) {
                    known = true;
                    let run = self.apart(schema, value, &place.below(&name))?;
                    self.take(run);
                }
            }
        }
        match &schema["additionalProperties"] {
            _ if known => {}
            Value::Bool(false) => {
                let text = format!("Additional property {} is not allowed", plain(key));
                self.fail(place, "additional_property_not_allowed", text);
            }
            Value::Undefined | Value::Bool(true) => {}
            schema => {
                let run = self.apart(schema, value, &place.below(&plain(key)))?;
                self.take(run);
            }
        }
        Ok(())
    }
}

fn bound<'a>(schema: &'a Value, key: &str) -> Option<&'a Value> {
    Some(&schema[key]).filter(|value| matches!(value, Value::Number(_)))
}

/// Writes a bound as OPA's library does: with at most ten digits.
fn bound_text(bound: &Value) -> String {
    bound.to_string()
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.to_string(),
        other => other.to_string(),
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_integer() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        _ => "object",
    }
}

/// Says which types were expected, when a value has none of them.
fn wrong_type(expected: &Value, value: &Value) -> Option<String> {
    let names: Vec<&str> = match expected {
        Value::String(name) => vec![name],
        Value::Array(names) => names
            .iter()
            .filter_map(|name| match name {
                Value::String(name) => Some(&**name),
                _ => None,
            })
            .collect(),
        _ => return None,
    };
    let given = type_name(value);
    let right = names.is_empty()
        || names
            .iter()
            .any(|name| *name == given || (*name == "number" && given == "integer"));
    match names[..] {
        _ if right => None,
        [name] => Some(name.to_owned()),
        _ => Some(format!("[{}]", names.join(","))),
    }
}
