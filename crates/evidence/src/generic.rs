//! `generic.v1`: evidence of any kind, in the reporter's own words.
//!
//! ```json
//! {"outcome": "passed", "data": {"contract": "orders", "partners": 3}}
//! ```
//!
//! The facts are `data` as it is. It holds objects, lists, strings, integers, booleans and nulls; people do not belong in it.

use model::dossier::Outcome;
use model::limits::INTEGER_MAX;
use serde::Deserialize;
use serde_json::{Map, Number, Value};

use crate::extract::Reading;
use crate::limits::{GENERIC_BYTES_MAX, GENERIC_DEPTH_MAX};
use crate::text::shown;
use crate::{EvidenceError, People, strict_json};

/// A generic report that policies could not rely on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GenericError {
    /// A number is not an integer that every reader reads alike.
    #[error("`{number}` in `data` is not an integer from -(2^53 - 1) to 2^53 - 1")]
    Number {
        /// The number.
        number: String,
    },
    /// `data` is nested too deep.
    #[error("`data` is nested deeper than {GENERIC_DEPTH_MAX} levels")]
    TooDeep,
}

impl GenericError {
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Number { .. } => Some("write decimals and larger numbers as strings"),
            Self::TooDeep => None,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with `outcome` and `data`")]
struct Report {
    outcome: Outcome,
    data: Map<String, Value>,
}

pub(crate) fn read(raw: &[u8], _: &dyn People) -> Result<Reading, EvidenceError> {
    if raw.len() > GENERIC_BYTES_MAX {
        return Err(EvidenceError::TooLarge {
            bytes: raw.len(),
            maximum: GENERIC_BYTES_MAX,
        });
    }
    let report: Report = strict_json::from_slice(raw)?;
    for value in report.data.values() {
        check(value, 1)?;
    }
    Reading::new(&report.data, report.outcome)
}

fn check(value: &Value, depth: usize) -> Result<(), GenericError> {
    match value {
        Value::Number(number) if !is_safe_integer(number) => Err(GenericError::Number {
            number: shown(&number.to_string()),
        }),
        Value::Array(_) | Value::Object(_) if depth == GENERIC_DEPTH_MAX => {
            Err(GenericError::TooDeep)
        }
        Value::Array(items) => items.iter().try_for_each(|item| check(item, depth + 1)),
        Value::Object(members) => members
            .values()
            .try_for_each(|member| check(member, depth + 1)),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Number(_) => Ok(()),
    }
}

fn is_safe_integer(number: &Number) -> bool {
    let magnitude = number
        .as_u64()
        .or_else(|| number.as_i64().map(i64::unsigned_abs));
    magnitude.is_some_and(|magnitude| magnitude <= INTEGER_MAX)
}
