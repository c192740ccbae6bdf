//! Times, as OPA has them: nanoseconds since 1970-01-01 UTC, zones from the tz database, layouts as Go writes them.

mod civil;
mod duration;
mod layout;
mod read;

use std::cell::Cell;

use anyhow::{Context, bail};
use regorus::Value;

use crate::Result;
use crate::arguments::{integer, text};
use civil::{Moment, Zone};

const NS_IN_MS: u64 = 1_000_000;

thread_local! {
    static NOW_MS: Cell<u64> = const { Cell::new(0) };
}

/// Sets the time that `time.now_ns` gives on this thread: that of the decision, in milliseconds since 1970-01-01 UTC.
pub fn set_now_ms(now_ms: u64) {
    NOW_MS.set(now_ms);
}

pub(crate) fn now_ns(_: &[Value]) -> Result {
    Ok(NOW_MS.get().saturating_mul(NS_IN_MS).into())
}

/// Gives the decision's time in nanoseconds, as near as such a number comes to it.
pub(crate) fn now_f64() -> f64 {
    NOW_MS.get().saturating_mul(NS_IN_MS) as f64
}

pub(crate) fn parse_ns(arguments: &[Value]) -> Result {
    let layout = layout::named(text(arguments, 0)?);
    nanoseconds(read::read(layout, text(arguments, 1)?)?)
}

/// Says whether a time can be read by a layout.
pub(crate) fn readable(layout: &str, text: &str) -> bool {
    read::read(layout, text).is_ok()
}

pub(crate) fn parse_rfc3339_ns(arguments: &[Value]) -> Result {
    nanoseconds(read::read(layout::RFC3339, text(arguments, 0)?)?)
}

pub(crate) fn parse_duration_ns(arguments: &[Value]) -> Result {
    duration::read(text(arguments, 0)?).map(Value::from)
}

pub(crate) fn format(arguments: &[Value]) -> Result {
    let (moment, layout) = moment(arguments, 0)?;
    let layout = match layout.as_str() {
        "" => layout::RFC3339_NANO,
        named => layout::named(named),
    };
    Ok(layout::write(layout, &moment).into())
}

pub(crate) fn date(arguments: &[Value]) -> Result {
    let (moment, _) = moment(arguments, 0)?;
    let (year, month, day) = moment.date();
    Ok(Value::from(vec![
        year.into(),
        month.into(),
        Value::from(day),
    ]))
}

pub(crate) fn clock(arguments: &[Value]) -> Result {
    let (moment, _) = moment(arguments, 0)?;
    let (hour, minute, second) = moment.clock();
    Ok(Value::from(vec![
        hour.into(),
        minute.into(),
        Value::from(second),
    ]))
}

pub(crate) fn weekday(arguments: &[Value]) -> Result {
    let (moment, _) = moment(arguments, 0)?;
    Ok(layout::WEEKDAYS[moment.weekday()].into())
}

pub(crate) fn add_date(arguments: &[Value]) -> Result {
    let (moment, _) = moment(arguments, 0)?;
    let (years, months, days) = (
        integer(arguments, 1)?,
        integer(arguments, 2)?,
        integer(arguments, 3)?,
    );
    let (year, month, day) = moment.date();
    let outside = || anyhow::anyhow!("time outside of valid range");
    let date = (
        year.checked_add(years).ok_or_else(outside)?,
        month.checked_add(months).ok_or_else(outside)?,
        day.checked_add(days).ok_or_else(outside)?,
    );
    nanoseconds(
        moment
            .zone
            .at(date, moment.second_of_day(), moment.nanosecond())?,
    )
}

/// Gives years, months, days, hours, minutes and seconds between two moments, in the first one's zone.
pub(crate) fn diff(arguments: &[Value]) -> Result {
    let (first, _) = moment(arguments, 0)?;
    let (mut second, _) = moment(arguments, 1)?;
    second.zone = first.zone.clone();
    let (from, to) = if first.ns > second.ns {
        (second, first)
    } else {
        (first, second)
    };
    let ((y1, m1, d1), (y2, m2, d2)) = (from.date(), to.date());
    let ((h1, n1, s1), (h2, n2, s2)) = (from.clock(), to.clock());
    let mut parts = [y2 - y1, m2 - m1, d2 - d1, h2 - h1, n2 - n1, s2 - s1];
    // From the smallest on, what is negative borrows one of the next larger.
    let sizes = [0, 12, civil::days_in_month(y1, m1), 24, 60, 60];
    for at in (1..parts.len()).rev() {
        if parts[at] < 0 {
            parts[at] += sizes[at];
            parts[at - 1] -= 1;
        }
    }
    Ok(parts.map(Value::from).to_vec().into())
}

fn nanoseconds(ns: i128) -> Result {
    match i64::try_from(ns) {
        Ok(ns) => Ok(ns.into()),
        Err(_) => bail!("time outside of valid range"),
    }
}

/// Reads `ns`, `[ns]`, `[ns, zone]` or `[ns, zone, layout]`.
fn moment(arguments: &[Value], at: usize) -> anyhow::Result<(Moment, String)> {
    let operand = arguments.get(at).context("an operand is missing")?;
    let (number, zone, layout) = match operand {
        Value::Array(parts) => {
            let string = |at: usize| match parts.get(at) {
                None => Ok(""),
                Some(Value::String(text)) => Ok(&**text),
                Some(_) => bail!("zone and layout must be strings"),
            };
            let number = parts.first().context("a time is missing")?;
            (number, string(1)?, string(2)?)
        }
        other => (other, "", ""),
    };
    let ns = integer(std::slice::from_ref(number), 0).context("a time must be nanoseconds")?;
    let moment = Moment {
        ns: i128::from(ns),
        zone: Zone::named(zone)?,
    };
    Ok((moment, layout.to_owned()))
}
