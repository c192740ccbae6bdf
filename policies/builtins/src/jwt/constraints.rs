use anyhow::{Context, Result, bail};
use regorus::Value;

use super::token::Header;
use crate::arguments::nearest;
use crate::keys::{self, Key, Material};

const NS_IN_SECOND: f64 = 1e9;

/// What a token must be to be taken.
pub(super) struct Constraints {
    pub keys: Vec<Key>,
    algorithm: String,
    issuer: String,
    audience: String,
    /// The time at which it must be valid.
    seconds: f64,
}

impl Constraints {
    /// Reads constraints; one that is not known is an error. They have keys or a secret; where they have no time, it is
    /// that of the decision.
    pub fn read(constraints: Option<&Value>) -> Result<Self> {
        let Some(Value::Object(fields)) = constraints else {
            bail!("operand 2 must be an object");
        };
        let mut found: [Option<&str>; 5] = [None; 5];
        let mut ns = None;
        for (name, value) in fields.iter() {
            let name = name
                .as_string()
                .context("a constraint's name is a string")?;
            let places = ["cert", "secret", "alg", "iss", "aud"];
            match (places.iter().position(|place| *place == &**name), value) {
                (Some(place), Value::String(text)) => found[place] = Some(text),
                (None, Value::Number(_)) if &**name == "time" => ns = Some(nearest(value)?),
                (None, _) if &**name != "time" => bail!("the constraint `{name}` is not known"),
                _ => bail!("the constraint `{name}` is of another type"),
            }
        }
        let [keys, secret, algorithm, issuer, audience] = found;
        let keys = match (keys, secret.unwrap_or_default()) {
            (Some(keys), "") => keys::read(keys)?,
            (None, secret) if !secret.is_empty() => {
                vec![Key::alone(Material::Secret(secret.as_bytes().to_vec()))]
            }
            (None, _) => bail!("there is neither a key nor a secret to check with"),
            (Some(_), _) => bail!("there are both a key and a secret to check with"),
        };
        let ns = match ns {
            Some(ns) if ns < 0.0 => bail!("`time` must not be negative"),
            Some(ns) => ns,
            None => crate::time::now_f64(),
        };
        Ok(Self {
            keys,
            algorithm: algorithm.unwrap_or_default().to_owned(),
            issuer: issuer.unwrap_or_default().to_owned(),
            audience: audience.unwrap_or_default().to_owned(),
            seconds: ns / NS_IN_SECOND,
        })
    }

    pub fn allow_header(&self, header: &Header) -> bool {
        header.is_valid() && (self.algorithm.is_empty() || self.algorithm == header.algorithm)
    }

    /// Says whether claims are what they must be. Claims of another type are an error.
    pub fn allow_claims(&self, claims: &Value) -> Result<bool> {
        let issuer = self.issuer.is_empty()
            || match &claims["iss"] {
                Value::Undefined => false,
                Value::String(issuer) => **issuer == *self.issuer,
                _ => bail!("`iss` must be a string"),
            };
        let is_ours =
            |value: &Value| matches!(value, Value::String(text) if **text == *self.audience);
        let audience = match &claims["aud"] {
            Value::Undefined => self.audience.is_empty(),
            Value::Array(audiences) => audiences.iter().any(is_ours),
            audience => is_ours(audience),
        };
        if !issuer || !audience {
            return Ok(false);
        }
        let expired = seconds(claims, "exp")?.is_some_and(|end| self.seconds >= end);
        Ok(!expired && seconds(claims, "nbf")?.is_none_or(|begin| self.seconds >= begin))
    }
}

fn seconds(claims: &Value, name: &str) -> Result<Option<f64>> {
    match &claims[name] {
        Value::Undefined => Ok(None),
        number @ Value::Number(_) => Ok(Some(nearest(number)?)),
        _ => bail!("`{name}` must be a number"),
    }
}
