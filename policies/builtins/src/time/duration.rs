//! Durations as Go writes them, with days, weeks and years of 365 days besides.

use anyhow::{Result, bail};

/// Reads a duration such as `1h30m`, in nanoseconds.
pub(super) fn read(text: &str) -> Result<i64> {
    let invalid = || anyhow::anyhow!("`{text}` is no duration");
    let (negative, mut rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        bail!(invalid());
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| !(c.is_ascii_digit() || c == '.'))
            .ok_or_else(invalid)?;
        let (digits, after) = rest.split_at(end);
        let end = after
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(after.len());
        let (unit, after) = unit(after, end).ok_or_else(invalid)?;
        let part = amount(digits, unit).ok_or_else(invalid)?;
        total = total
            .checked_add(part)
            .filter(|total| *total <= 1 << 63)
            .ok_or_else(invalid)?;
        rest = after;
    }
    let total = i128::from(total) * if negative { -1 } else { 1 };
    i64::try_from(total).map_err(|_| invalid())
}

/// Splits the unit off, in nanoseconds. The longer units may stand together without a number between only as Go has it:
/// not at all.
fn unit(text: &str, end: usize) -> Option<(u64, &str)> {
    let (name, rest) = text.split_at(end);
    let second = 1_000_000_000;
    let size = match name {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => second,
        "m" => 60 * second,
        "h" => 3_600 * second,
        "d" => 24 * 3_600 * second,
        "w" => 7 * 24 * 3_600 * second,
        "y" => 365 * 24 * 3_600 * second,
        _ => return None,
    };
    Some((size, rest))
}

fn amount(digits: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let mut amount = match whole {
        "" => 0,
        whole => whole.parse::<u64>().ok()?.checked_mul(unit)?,
    };
    if !fraction.is_empty() {
        // More digits than these change nothing.
        let fraction = &fraction[..fraction.len().min(18)];
        let scale = 10_u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
        let part = u128::from(fraction.parse::<u64>().ok()?) * u128::from(unit) / scale;
        amount = amount.checked_add(u64::try_from(part).ok()?)?;
    }
    Some(amount)
}
