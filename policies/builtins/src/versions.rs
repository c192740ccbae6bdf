//! Semantic versions; a `v` before one is allowed.

use regorus::Value;
use semver::Version;

use crate::Result;
use crate::arguments::text;

fn read(text: &str) -> anyhow::Result<Version> {
    Ok(Version::parse(text.strip_prefix('v').unwrap_or(text))?)
}

pub(crate) fn is_valid(arguments: &[Value]) -> Result {
    Ok(text(arguments, 0)
        .is_ok_and(|text| read(text).is_ok())
        .into())
}

pub(crate) fn compare(arguments: &[Value]) -> Result {
    let (one, other) = (read(text(arguments, 0)?)?, read(text(arguments, 1)?)?);
    // What was built does not count.
    Ok((one.cmp_precedence(&other) as i32).into())
}
