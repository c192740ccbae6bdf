use anyhow::{Result, bail, ensure};
use regorus::Value;

use super::scalar::write_float;
use super::style::{self, Style};
use super::{is_allowed, order};
use crate::arguments::nearest;

/// How deep a value goes at most.
const DEPTH_MAX: usize = 128;
/// A key that is longer stands behind a question mark.
const KEY_BYTES_MAX: usize = 128;
const STEP: usize = 2;

/// Writes a document.
pub(super) fn document(value: &Value) -> Result<String> {
    let mut writer = Writer {
        text: String::new(),
        depth: 0,
    };
    match value {
        Value::String(text) => writer.string(text, STEP)?,
        value => writer.value(value, 0, true)?,
    }
    writer.end_line();
    Ok(writer.text)
}

struct Writer {
    text: String,
    depth: usize,
}

impl Writer {
    /// Begins a line, unless one was just begun for what follows, as after `- `.
    fn line(&mut self, indent: usize, begun: bool) {
        if !begun {
            self.end_line();
            self.text.push_str(&" ".repeat(indent));
        }
    }

    fn end_line(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
    }

    /// Writes a value whose collections stand at an indent; `begun` where its first line already has it.
    fn value(&mut self, value: &Value, indent: usize, begun: bool) -> Result<()> {
        self.depth += 1;
        ensure!(self.depth <= DEPTH_MAX, "the value is too deep");
        match value {
            Value::Array(items) => self.sequence(&items.to_vec(), indent, begun)?,
            Value::Set(items) => {
                let items: Vec<Value> = items.iter_sorted().cloned().collect();
                self.sequence(&items, indent, begun)?;
            }
            Value::Object(fields) => {
                let mut entries = Vec::new();
                for (key, value) in fields.iter() {
                    let key = match key {
                        Value::String(text) => text.to_string(),
                        key => key.to_json_str()?,
                    };
                    entries.push((key, value));
                }
                self.mapping(&entries, indent, begun)?;
            }
            Value::String(text) => self.string(text, indent)?,
            Value::Null => self.text.push_str("null"),
            Value::Bool(value) => self.text.push_str(if *value { "true" } else { "false" }),
            number @ Value::Number(_) => self.text.push_str(&written(number)?),
            Value::Undefined => bail!("there is nothing to write"),
        }
        self.depth -= 1;
        Ok(())
    }

    fn sequence(&mut self, items: &[Value], indent: usize, mut begun: bool) -> Result<()> {
        if items.is_empty() {
            self.text.push_str("[]");
        }
        for item in items {
            self.line(indent, begun);
            begun = false;
            self.text.push_str("- ");
            self.value(item, indent + STEP, true)?;
        }
        Ok(())
    }

    fn mapping(
        &mut self,
        entries: &[(String, &Value)],
        indent: usize,
        mut begun: bool,
    ) -> Result<()> {
        if entries.is_empty() {
            self.text.push_str("{}");
        }
        let keys = entries.iter().enumerate();
        for at in order::sort(keys.map(|(at, (key, _))| (key.as_str(), at)).collect()) {
            let (key, value) = &entries[at];
            self.line(indent, begun);
            begun = false;
            if key.len() <= KEY_BYTES_MAX && !key.contains(style::is_break) {
                self.string(key, indent + STEP)?;
                self.text.push(':');
                if is_collection(value) {
                    self.value(value, indent + STEP, false)?;
                } else {
                    self.text.push(' ');
                    self.value(value, indent + STEP, true)?;
                }
            } else {
                self.text.push_str("? ");
                self.string(key, indent + STEP)?;
                self.line(indent, false);
                self.text.push_str(": ");
                self.value(value, indent + STEP, true)?;
            }
        }
        Ok(())
    }

    /// Writes a text, its lines at an indent.
    fn string(&mut self, text: &str, indent: usize) -> Result<()> {
        for letter in text.chars() {
            // What JSON does not escape and YAML does not take, or takes for something else.
            let lost = (letter >= ' ' && !is_allowed(letter)) || letter == '\u{85}';
            ensure!(!lost, "{letter:?} cannot be written");
        }
        match style::of(text) {
            Style::Bare => self.text.push_str(text),
            Style::Single => self.single(text, indent),
            Style::Double => self.double(text),
            Style::Lines => self.lines(text, indent),
        }
        Ok(())
    }

    /// What follows a line break, which is none that lines end with, stands at the indent.
    fn single(&mut self, text: &str, indent: usize) {
        self.text.push('\'');
        let mut broken = false;
        for letter in text.chars() {
            let breaks = style::is_break(letter);
            if broken && !breaks {
                self.text.push_str(&" ".repeat(indent));
            }
            broken = breaks;
            self.text.push(letter);
            if letter == '\'' {
                self.text.push(letter);
            }
        }
        self.text.push('\'');
    }

    fn double(&mut self, text: &str) {
        self.text.push('"');
        for letter in text.chars() {
            let escape = match letter {
                '\0' => "\\0".into(),
                '\u{7}' => "\\a".into(),
                '\u{8}' => "\\b".into(),
                '\t' => "\\t".into(),
                '\n' => "\\n".into(),
                '\u{b}' => "\\v".into(),
                '\u{c}' => "\\f".into(),
                '\r' => "\\r".into(),
                '\u{1b}' => "\\e".into(),
                '"' => "\\\"".into(),
                '\\' => "\\\\".into(),
                '\u{2028}' => "\\L".into(),
                '\u{2029}' => "\\P".into(),
                letter if style::is_printable(letter) => {
                    self.text.push(letter);
                    continue;
                }
                letter => match u32::from(letter) {
                    code @ ..=0xff => format!("\\x{code:02X}"),
                    code @ ..=0xffff => format!("\\u{code:04X}"),
                    code => format!("\\U{code:08X}"),
                },
            };
            self.text.push_str(&escape);
        }
        self.text.push('"');
    }

    fn lines(&mut self, text: &str, indent: usize) {
        self.text.push('|');
        if text.starts_with([' ', '\n']) {
            self.text.push_str(&STEP.to_string());
        }
        if !text.ends_with('\n') {
            self.text.push('-');
        } else if text == "\n" || text.ends_with("\n\n") {
            self.text.push('+');
        }
        self.text.push('\n');
        for line in text.split_inclusive('\n') {
            if line != "\n" {
                self.text.push_str(&" ".repeat(indent));
            }
            self.text.push_str(line);
        }
    }
}

fn is_collection(value: &Value) -> bool {
    match value {
        Value::Array(items) => !items.is_empty(),
        Value::Set(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        _ => false,
    }
}

/// Writes a number: whole ones of 64 bits by their digits, others as far as they can be told from their neighbours.
fn written(value: &Value) -> Result<String> {
    let Value::Number(number) = value else {
        bail!("a number is missing");
    };
    let decimal = number.format_decimal();
    if decimal.parse::<i64>().is_ok() || decimal.parse::<u64>().is_ok() {
        return Ok(decimal);
    }
    Ok(write_float(nearest(value)?))
}
