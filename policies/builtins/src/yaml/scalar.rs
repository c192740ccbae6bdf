//! What texts without quotes mean.

use anyhow::{Context, Result, bail};
use regorus::Value;

use super::tree::Scalar;
use crate::base64;

/// Below this every whole number is one of 64 bits, and is written as one.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// What a scalar is.
#[derive(Clone, PartialEq)]
pub(super) enum Meaning {
    Null,
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    Text(String),
}

impl Meaning {
    pub fn of(scalar: &Scalar) -> Result<Self> {
        let text = || Self::Text(scalar.text.clone());
        let tag = match &scalar.tag {
            None if scalar.plain => return Ok(Self::plain(&scalar.text)),
            None => return Ok(text()),
            Some(tag) => tag.as_str(),
        };
        let found = Self::plain(&scalar.text);
        Ok(match (tag, found) {
            ("!!binary", _) => {
                let bytes = base64::plain(&scalar.text).context("`!!binary` is not base64")?;
                Self::Text(String::from_utf8(bytes).context("`!!binary` is not UTF-8")?)
            }
            ("!!timestamp", _) => bail!("a time by its tag is not read: write a text"),
            ("!!null", found @ Self::Null) => found,
            ("!!bool", found @ Self::Bool(_)) => found,
            ("!!int", found @ (Self::Signed(_) | Self::Unsigned(_))) => found,
            ("!!float", found @ Self::Float(_)) => found,
            ("!!float", Self::Signed(number)) => Self::Float(number as f64),
            ("!!null" | "!!bool" | "!!int" | "!!float", _) => {
                bail!("`{}` is no {tag}", scalar.text)
            }
            _ => text(),
        })
    }

    /// Reads a text that stands without quotes.
    pub fn plain(text: &str) -> Self {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => Self::Null,
            "true" | "True" | "TRUE" => Self::Bool(true),
            "false" | "False" | "FALSE" => Self::Bool(false),
            ".nan" | ".NaN" | ".NAN" => Self::Float(f64::NAN),
            ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Self::Float(f64::INFINITY),
            "-.inf" | "-.Inf" | "-.INF" => Self::Float(f64::NEG_INFINITY),
            text => Self::number(text).unwrap_or_else(|| Self::Text(text.to_owned())),
        }
    }

    fn number(text: &str) -> Option<Self> {
        match text.as_bytes().first()? {
            b'.' => float(text).map(Self::Float),
            b'+' | b'-' | b'0'..=b'9' => {
                let text = text.replace('_', "");
                integer(&text)
                    .or_else(|| {
                        is_float(&text)
                            .then(|| float(&text))
                            .flatten()
                            .map(Self::Float)
                    })
                    .or_else(|| old_integer(&text))
            }
            _ => None,
        }
    }

    /// Gives the value; what is no number in JSON is an error.
    pub fn value(self) -> Result<Value> {
        Ok(match self {
            Self::Null => Value::Null,
            Self::Bool(value) => value.into(),
            Self::Signed(number) => number.into(),
            Self::Unsigned(number) => number.into(),
            Self::Float(number) if !number.is_finite() => bail!("JSON has no such number"),
            Self::Float(number) if number.fract() == 0.0 && number.abs() < WHOLE_MAX => {
                (number as i64).into()
            }
            Self::Float(number) => number.into(),
            Self::Text(text) => text.into(),
        })
    }

    /// Gives the text that this is as a key, unless it is none.
    pub fn key(self) -> Option<String> {
        Some(match self {
            Self::Null => return None,
            Self::Bool(value) => value.to_string(),
            Self::Signed(number) => number.to_string(),
            Self::Unsigned(number) => number.to_string(),
            Self::Float(number) => {
                let number = number as f32;
                written(number.to_string(), &format!("{number:e}"))
            }
            Self::Text(text) => text,
        })
    }
}

/// Reads an integer as Go writes them: decimal, or with a base before it; a zero before it is the base 8.
fn integer(text: &str) -> Option<Meaning> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'+' | b'-' => text.split_at(1),
        _ => ("", text),
    };
    let prefixes = [
        ("0x", 16),
        ("0X", 16),
        ("0b", 2),
        ("0B", 2),
        ("0o", 8),
        ("0O", 8),
    ];
    let prefixed = prefixes
        .iter()
        .find_map(|(prefix, base)| Some((digits.strip_prefix(prefix)?, *base)));
    let (digits, base) = match prefixed {
        Some(found) => found,
        None if digits.len() > 1 && digits.starts_with('0') => (&digits[1..], 8),
        None => (digits, 10),
    };
    whole(sign, digits, base)
}

/// Reads what has its sign behind its base.
fn old_integer(text: &str) -> Option<Meaning> {
    let bases = [
        ("0b", "", 2),
        ("-0b", "-", 2),
        ("0o", "", 8),
        ("-0o", "-", 8),
    ];
    let (digits, sign, base) = bases
        .iter()
        .find_map(|(prefix, sign, base)| Some((text.strip_prefix(prefix)?, *sign, *base)))?;
    match (sign, digits.as_bytes().first()?) {
        ("", b'+' | b'-') => whole(&digits[..1], &digits[1..], base),
        _ => whole(sign, digits, base),
    }
}

fn whole(sign: &str, digits: &str, base: u32) -> Option<Meaning> {
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(base)) {
        return None;
    }
    let number = i128::from_str_radix(digits, base).ok()?;
    let number = if sign == "-" { -number } else { number };
    match i64::try_from(number) {
        Ok(number) => Some(Meaning::Signed(number)),
        Err(_) if sign.is_empty() => u64::try_from(number).ok().map(Meaning::Unsigned),
        Err(_) => None,
    }
}

/// Says whether a text is a number as YAML writes them.
fn is_float(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (number, exponent) = match text.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, Some(exponent)),
        None => (text, None),
    };
    let digits = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit());
    let (before, after) = number.split_once('.').unwrap_or((number, ""));
    let exponent = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    digits(before) && digits(after) && !(before.is_empty() && after.is_empty()) && exponent
}

fn float(text: &str) -> Option<f64> {
    if !is_float(text) {
        return None;
    }
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// Writes a number with as many digits as it needs, as Go's `g` does.
pub(super) fn write_float(number: f64) -> String {
    written(number.to_string(), &format!("{number:e}"))
}

/// Chooses between a number's digits and those with an exponent, `1.5e3`.
fn written(number: String, scientific: &str) -> String {
    match number.as_str() {
        "NaN" => return ".nan".into(),
        "inf" => return ".inf".into(),
        "-inf" => return "-.inf".into(),
        _ => {}
    }
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    match exponent.parse::<i32>() {
        Ok(-4..6) | Err(_) => number,
        Ok(exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{mantissa}e{sign}{:02}", exponent.abs())
        }
    }
}
