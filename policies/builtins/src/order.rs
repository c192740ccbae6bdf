//! Comparisons of any values: null, booleans, numbers, texts, arrays, sets and objects stand in this order.

use std::cmp::Ordering;

use anyhow::bail;
use regorus::Value;

use crate::Result;

pub(crate) fn lt(arguments: &[Value]) -> Result {
    ordered(arguments, Ordering::is_lt)
}

pub(crate) fn le(arguments: &[Value]) -> Result {
    ordered(arguments, Ordering::is_le)
}

pub(crate) fn gt(arguments: &[Value]) -> Result {
    ordered(arguments, Ordering::is_gt)
}

pub(crate) fn ge(arguments: &[Value]) -> Result {
    ordered(arguments, Ordering::is_ge)
}

fn ordered(arguments: &[Value], is_so: fn(Ordering) -> bool) -> Result {
    let [left, right] = arguments else {
        bail!("a comparison is of two values");
    };
    Ok(is_so(left.cmp(right)).into())
}
