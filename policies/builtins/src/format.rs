//! `sprintf` as Go has it, and numbers as texts.

use anyhow::{Context, bail, ensure};
use regorus::Value;

use crate::Result;
use crate::arguments::{integer, text};

/// An argument: numbers and strings are themselves, everything else its text.
enum Argument {
    Integer(String),
    Float(f64),
    Text(String),
}

impl Argument {
    fn of(value: &Value) -> Self {
        match value {
            Value::Number(number) if number.is_integer() => Self::Integer(number.format_decimal()),
            Value::Number(number) => Self::Float(number.as_f64().unwrap_or_default()),
            Value::String(text) => Self::Text(text.to_string()),
            Value::Set(items) if items.is_empty() => Self::Text("set()".into()),
            other => Self::Text(written(other)),
        }
    }

    /// What stands where a verb does not fit its argument.
    fn described(&self) -> String {
        match self {
            Self::Integer(digits) => format!("int64={digits}"),
            Self::Float(number) => format!("float64={}", shortest(*number)),
            Self::Text(text) => format!("string={text}"),
        }
    }
}

/// Writes a value as Rego has it.
fn written(value: &Value) -> String {
    let list = |values: Vec<String>| values.join(", ");
    match value {
        Value::Array(items) => format!("[{}]", list(items.iter().map(written).collect())),
        Value::Set(items) if items.is_empty() => "set()".into(),
        Value::Set(items) => format!("{{{}}}", list(items.iter_sorted().map(written).collect())),
        Value::Object(fields) => {
            let fields = fields
                .iter_sorted()
                .map(|(key, value)| format!("{}: {}", written(key), written(value)));
            format!("{{{}}}", list(fields.collect()))
        }
        other => other.to_string(),
    }
}

pub(crate) fn sprintf(arguments: &[Value]) -> Result {
    let layout = text(arguments, 0)?;
    let Some(Value::Array(values)) = arguments.get(1) else {
        bail!("operand 2 must be an array");
    };
    let values: Vec<Argument> = values.iter().map(Argument::of).collect();
    let mut written = String::with_capacity(layout.len());
    let mut next = 0;
    let mut rest = layout;
    while let Some(at) = rest.find('%') {
        written.push_str(&rest[..at]);
        let (verb, after) = Verb::read(&rest[at + 1..]);
        rest = after;
        match verb.letter {
            None => written.push_str("%!(NOVERB)"),
            Some('%') => written.push('%'),
            Some(letter) => {
                match values.get(next) {
                    Some(value) => written.push_str(&verb.write(letter, value)),
                    None => written.push_str(&format!("%!{letter}(MISSING)")),
                }
                next += 1;
            }
        }
    }
    written.push_str(rest);
    if next < values.len() {
        let extra: Vec<String> = values[next..].iter().map(Argument::described).collect();
        written.push_str(&format!("%!(EXTRA {})", extra.join(", ")));
    }
    Ok(written.into())
}

/// A verb with its flags.
#[derive(Default)]
struct Verb {
    letter: Option<char>,
    left: bool,
    plus: bool,
    space: bool,
    zero: bool,
    sharp: bool,
    width: usize,
    precision: Option<usize>,
}

/// Beyond this Go takes no width either.
const WIDTH_MAX: usize = 1_000_000;

impl Verb {
    fn read(text: &str) -> (Self, &str) {
        let mut verb = Self::default();
        let mut rest = text;
        while let Some(flag) = rest.chars().next() {
            match flag {
                '-' => verb.left = true,
                '+' => verb.plus = true,
                ' ' => verb.space = true,
                '0' => verb.zero = true,
                '#' => verb.sharp = true,
                _ => break,
            }
            rest = &rest[1..];
        }
        (verb.width, rest) = number(rest);
        if let Some(after) = rest.strip_prefix('.') {
            let (precision, after) = number(after);
            verb.precision = Some(precision);
            rest = after;
        }
        verb.letter = rest.chars().next();
        let length = verb.letter.map_or(0, char::len_utf8);
        (verb, &rest[length..])
    }

    fn write(&self, letter: char, value: &Argument) -> String {
        let body = match (letter, value) {
            ('v' | 'd', Argument::Integer(digits)) => self.integer(digits, 10),
            ('b', Argument::Integer(digits)) => self.integer(digits, 2),
            ('o', Argument::Integer(digits)) => self.integer(digits, 8),
            ('x' | 'X', Argument::Integer(digits)) => {
                let hexadecimal = self.integer(digits, 16);
                if letter == 'X' {
                    hexadecimal.to_uppercase()
                } else {
                    hexadecimal
                }
            }
            ('c', Argument::Integer(digits)) => {
                let code = digits.parse().ok().and_then(char::from_u32);
                code.unwrap_or(char::REPLACEMENT_CHARACTER).to_string()
            }
            ('v', Argument::Float(number)) => self.signed(shortest(*number)),
            ('e' | 'E' | 'f' | 'F' | 'g' | 'G', Argument::Float(number)) => {
                self.signed(self.float(letter, *number))
            }
            ('v' | 's', Argument::Text(text)) => match self.precision {
                Some(precision) => text.chars().take(precision).collect(),
                None => text.clone(),
            },
            ('q', Argument::Text(text)) => quoted(text),
            ('x', Argument::Text(text)) => data_encoding::HEXLOWER.encode(text.as_bytes()),
            ('X', Argument::Text(text)) => data_encoding::HEXUPPER.encode(text.as_bytes()),
            (letter, value) => return format!("%!{letter}({})", value.described()),
        };
        self.padded(body, matches!(value, Argument::Text(_)))
    }

    fn integer(&self, digits: &str, radix: u32) -> String {
        let (negative, digits) = match digits.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, digits),
        };
        let mut digits = match (radix, digits.parse::<u128>()) {
            (2, Ok(number)) => format!("{number:b}"),
            (8, Ok(number)) => format!("{number:o}"),
            (16, Ok(number)) => format!("{number:x}"),
            _ => digits.to_owned(),
        };
        if let Some(precision) = self.precision {
            digits = format!(
                "{}{digits}",
                "0".repeat(precision.saturating_sub(digits.len()))
            );
        }
        if self.sharp {
            let prefix = match radix {
                2 => "0b",
                8 => "0",
                16 => "0x",
                _ => "",
            };
            digits.insert_str(0, prefix);
        }
        self.signed(if negative {
            format!("-{digits}")
        } else {
            digits
        })
    }

    fn float(&self, letter: char, number: f64) -> String {
        let precision = self.precision.unwrap_or(6).min(1000);
        let text = match (letter, self.precision) {
            ('f' | 'F', _) => format!("{number:.precision$}"),
            ('e' | 'E', _) => exponent(&format!("{number:.precision$e}")),
            (_, None) => shortest(number),
            (_, Some(precision)) => general(number, precision.clamp(1, 1000)),
        };
        if letter.is_uppercase() {
            text.to_uppercase()
        } else {
            text
        }
    }

    fn signed(&self, text: String) -> String {
        match text.starts_with('-') {
            false if self.plus => format!("+{text}"),
            false if self.space => format!(" {text}"),
            _ => text,
        }
    }

    fn padded(&self, body: String, text: bool) -> String {
        let missing = self.width.saturating_sub(body.chars().count());
        if self.left {
            format!("{body}{}", " ".repeat(missing))
        } else if self.zero && !(text || self.precision.is_some() && !body.contains(['.', 'e'])) {
            let sign = usize::from(body.starts_with(['+', '-', ' ']));
            format!("{}{}{}", &body[..sign], "0".repeat(missing), &body[sign..])
        } else {
            format!("{}{body}", " ".repeat(missing))
        }
    }
}

fn number(text: &str) -> (usize, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let number = text[..end].parse().unwrap_or(0);
    (if number > WIDTH_MAX { 0 } else { number }, &text[end..])
}

/// Writes an exponent as Go does: with its sign and at least two digits.
fn exponent(text: &str) -> String {
    let Some((digits, exponent)) = text.split_once('e') else {
        return text.to_owned();
    };
    let (sign, exponent) = match exponent.strip_prefix('-') {
        Some(exponent) => ('-', exponent),
        None => ('+', exponent),
    };
    format!("{digits}e{sign}{exponent:0>2}")
}

/// Writes a number with as few digits as tell it from every other.
fn shortest(number: f64) -> String {
    let scientific = format!("{number:e}");
    let power: i32 = scientific
        .split_once('e')
        .and_then(|(_, power)| power.parse().ok())
        .unwrap_or_default();
    if (-4..21).contains(&power) {
        format!("{number}")
    } else {
        exponent(&scientific)
    }
}

/// Writes a number with so many significant digits at most.
fn general(number: f64, digits: usize) -> String {
    let scientific = format!("{number:.*e}", digits - 1);
    let power: i32 = scientific
        .split_once('e')
        .and_then(|(_, power)| power.parse().ok())
        .unwrap_or_default();
    let trim = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    let last = i32::try_from(digits).unwrap_or(i32::MAX);
    if power < -4 || power >= last {
        let (mantissa, power) = scientific.split_once('e').unwrap_or((&scientific, "0"));
        exponent(&format!("{}e{power}", trim(mantissa)))
    } else {
        let decimals = usize::try_from(last - 1 - power).unwrap_or(0);
        trim(&format!("{number:.decimals$}"))
    }
}

/// Quotes a text as Go does.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{b}' => quoted.push_str("\\v"),
            '\u{c}' => quoted.push_str("\\f"),
            c if u32::from(c) < 0x20 || c == '\u{7f}' => {
                quoted.push_str(&format!("\\x{:02x}", u32::from(c)));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

pub(crate) fn format_int(arguments: &[Value]) -> Result {
    let Some(Value::Number(number)) = arguments.first() else {
        bail!("operand 1 must be a number");
    };
    let radix = u32::try_from(integer(arguments, 1)?)
        .ok()
        .filter(|radix| [2, 8, 10, 16].contains(radix))
        .context("operand 2 must be 2, 8, 10 or 16")?;
    let digits = if number.is_integer() {
        number.format_decimal()
    } else {
        let whole = number.as_f64().unwrap_or_default().trunc();
        let digits = format!("{whole:.0}");
        if digits == "-0" { "0".into() } else { digits }
    };
    Ok(Verb::default().integer(&digits, radix).into())
}

pub(crate) fn to_number(arguments: &[Value]) -> Result {
    match arguments {
        [Value::Null | Value::Bool(false)] => Ok(0.into()),
        [Value::Bool(true)] => Ok(1.into()),
        [number @ Value::Number(_)] => Ok(number.clone()),
        [Value::String(text)] => {
            let plain = text.strip_prefix(['+', '-']).unwrap_or(text);
            let (mantissa, power) = match plain.split_once(['e', 'E']) {
                Some((mantissa, power)) => {
                    (mantissa, power.strip_prefix(['+', '-']).unwrap_or(power))
                }
                None => (plain, "0"),
            };
            let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
            let digits = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit());
            ensure!(
                digits(whole)
                    && digits(fraction)
                    && digits(power)
                    && !power.is_empty()
                    && !(whole.is_empty() && fraction.is_empty()),
                "`{text}` is no number"
            );
            let number = text.strip_prefix('+').unwrap_or(text);
            Value::from_numeric_string(number)
        }
        _ => bail!("operand 1 must be null, a boolean, a number or a string"),
    }
}
