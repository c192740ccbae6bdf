//! Reads times that were written by a layout.

use anyhow::{Result, bail, ensure};

use super::civil::{Zone, days_before, days_in_month, is_leap};
use super::layout::{self, Chunk, Fill, MONTHS, Offset, WEEKDAYS};

/// What was read so far.
#[derive(Default)]
struct Time {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanosecond: i64,
    afternoon: Option<bool>,
    offset: Option<i64>,
}

/// Reads a time, in nanoseconds since 1970-01-01 UTC. What the layout leaves out is that of 0000-01-01 00:00 UTC; a
/// zone given only by its name is taken for UTC, since names are not unique.
pub(super) fn read(layout: &str, text: &str) -> Result<i128> {
    let mut time = Time::default();
    let mut value = text;
    let mut rest = layout;
    loop {
        let (before, chunk, after) = layout::next(rest);
        value = literal(value, before)?;
        let Some(chunk) = chunk else {
            ensure!(value.is_empty(), "`{value}` is left over");
            return time.finish();
        };
        value = time.take(chunk, value, after)?;
        rest = after;
    }
}

/// Skips what a layout has literally; any number of spaces counts as one.
fn literal<'a>(mut value: &'a str, mut expected: &str) -> Result<&'a str> {
    while let Some(next) = expected.chars().next() {
        if next == ' ' {
            ensure!(
                value.is_empty() || value.starts_with(' '),
                "a space is missing before `{value}`"
            );
            expected = expected.trim_start_matches(' ');
            value = value.trim_start_matches(' ');
        } else {
            let Some(rest) = value.strip_prefix(next) else {
                bail!("`{expected}` is missing before `{value}`");
            };
            expected = &expected[next.len_utf8()..];
            value = rest;
        }
    }
    Ok(value)
}

impl Time {
    fn take<'a>(&mut self, chunk: Chunk, value: &'a str, after: &str) -> Result<&'a str> {
        match chunk {
            Chunk::LongYear => {
                ensure!(starts_with_digit(value), "`{value}` has no year");
                let (digits, rest) = split(value, 4)?;
                self.year = digits.parse()?;
                Ok(rest)
            }
            Chunk::ShortYear => {
                let (digits, rest) = split(value, 2)?;
                let year: i64 = digits.parse()?;
                self.year = year + if year >= 69 { 1900 } else { 2000 };
                Ok(rest)
            }
            Chunk::LongMonth => self.month_named(value, usize::MAX),
            Chunk::ShortMonth => self.month_named(value, 3),
            Chunk::LongWeekday => Ok(name(value, &WEEKDAYS, usize::MAX)?.1),
            Chunk::ShortWeekday => Ok(name(value, &WEEKDAYS, 3)?.1),
            Chunk::Month(fill) => {
                let (month, rest) = number(value, fill)?;
                ensure!((1..=12).contains(&month), "`{month}` is no month");
                self.month = Some(month);
                Ok(rest)
            }
            Chunk::Day(fill) => {
                let value = match fill {
                    Fill::Space => value.strip_prefix(' ').unwrap_or(value),
                    _ => value,
                };
                let (day, rest) = number(value, fill)?;
                self.day = Some(day);
                Ok(rest)
            }
            Chunk::DayOfYear(fill) => self.take_day_of_year(value, fill),
            Chunk::Hour => self.take_hour(value, Fill::None, 23),
            Chunk::Hour12(fill) => self.take_hour(value, fill, 12),
            Chunk::Minute(fill) => {
                let (minute, rest) = number(value, fill)?;
                ensure!(minute < 60, "`{minute}` is no minute");
                self.minute = minute;
                Ok(rest)
            }
            Chunk::Second(fill) => self.take_second(value, fill, after),
            Chunk::Noon { upper } => {
                let (half, rest) = split(value, 2)?;
                self.afternoon = Some(match (half, upper) {
                    ("PM", true) | ("pm", false) => true,
                    ("AM", true) | ("am", false) => false,
                    _ => bail!("`{half}` is no half of the day"),
                });
                Ok(rest)
            }
            Chunk::ZoneName => self.take_zone(value),
            Chunk::Offset(form) => self.take_offset(value, form),
            Chunk::Fraction {
                digits,
                exact: true,
            } => {
                let (fraction, rest) = split(value, digits + 1)?;
                self.nanosecond = nanoseconds(fraction)?;
                Ok(rest)
            }
            Chunk::Fraction { exact: false, .. } => self.take_fraction(value),
        }
    }

    fn month_named<'a>(&mut self, value: &'a str, length: usize) -> Result<&'a str> {
        let (index, rest) = name(value, &MONTHS, length)?;
        self.month = Some(i64::try_from(index)? + 1);
        Ok(rest)
    }

    fn take_day_of_year<'a>(&mut self, mut value: &'a str, fill: Fill) -> Result<&'a str> {
        if fill == Fill::Space {
            for _ in 0..2 {
                value = value.strip_prefix(' ').unwrap_or(value);
            }
        }
        let count = value.bytes().take(3).take_while(u8::is_ascii_digit).count();
        ensure!(
            count > 0 && (fill != Fill::Zero || count == 3),
            "`{value}` has no day of the year"
        );
        self.day_of_year = Some(value[..count].parse()?);
        Ok(&value[count..])
    }

    fn take_hour<'a>(&mut self, value: &'a str, fill: Fill, max: i64) -> Result<&'a str> {
        let (hour, rest) = number(value, fill)?;
        ensure!(hour <= max, "`{hour}` is no hour");
        self.hour = hour;
        Ok(rest)
    }

    fn take_second<'a>(&mut self, value: &'a str, fill: Fill, after: &str) -> Result<&'a str> {
        let (second, rest) = number(value, fill)?;
        ensure!(second < 60, "`{second}` is no second");
        self.second = second;
        // A fraction may follow although the layout does not mention it.
        if let (_, Some(Chunk::Fraction { .. }), _) = layout::next(after) {
            return Ok(rest);
        }
        self.take_fraction(rest)
    }

    /// Takes a fraction of a second, if there is one.
    fn take_fraction<'a>(&mut self, value: &'a str) -> Result<&'a str> {
        let Some(digits) = value.strip_prefix(['.', ',']) else {
            return Ok(value);
        };
        let count = digits.bytes().take_while(u8::is_ascii_digit).count();
        if count == 0 {
            return Ok(value);
        }
        let (fraction, rest) = value.split_at(count + 1);
        self.nanosecond = nanoseconds(fraction)?;
        Ok(rest)
    }

    fn take_offset<'a>(&mut self, value: &'a str, form: Offset) -> Result<&'a str> {
        if form.z
            && form.parts < 3
            && let Some(rest) = value.strip_prefix('Z')
        {
            self.offset = Some(0);
            return Ok(rest);
        }
        let step = if form.colons { 3 } else { 2 };
        let parts = usize::from(form.parts);
        let (text, rest) = split(value, 1 + step * parts - usize::from(form.colons))?;
        let mut seconds = 0;
        for (part, max) in [24, 60, 60].into_iter().take(parts).enumerate() {
            let at = 1 + part * step;
            ensure!(
                part == 0 || !form.colons || text.as_bytes().get(at - 1) == Some(&b':'),
                "`{text}` is no offset"
            );
            let Some(digits) = text.get(at..at + 2) else {
                bail!("`{text}` is no offset");
            };
            let (amount, _) = number(digits, Fill::Zero)?;
            ensure!(amount <= max, "`{text}` is no offset");
            seconds += amount * [3600, 60, 1][part];
        }
        self.offset = Some(match &text[..1] {
            "+" => seconds,
            "-" => -seconds,
            _ => bail!("`{text}` is no offset"),
        });
        Ok(rest)
    }

    fn take_zone<'a>(&mut self, value: &'a str) -> Result<&'a str> {
        let length = zone_length(value);
        ensure!(length > 0, "`{value}` begins with no time zone");
        if value.starts_with("UTC") {
            self.offset = Some(0);
            return Ok(&value[3..]);
        }
        Ok(&value[length..])
    }

    fn finish(mut self) -> Result<i128> {
        match self.afternoon {
            Some(true) if self.hour < 12 => self.hour += 12,
            Some(false) if self.hour == 12 => self.hour = 0,
            _ => {}
        }
        let (month, day) = match self.day_of_year {
            Some(day) => self.from_day_of_year(day)?,
            None => (self.month.unwrap_or(1), self.day.unwrap_or(1)),
        };
        ensure!(
            (1..=days_in_month(self.year, month)).contains(&day),
            "`{day}` is no day of that month"
        );
        let second = self.hour * 3600 + self.minute * 60 + self.second;
        let ns = Zone::Utc.at((self.year, month, day), second, self.nanosecond)?;
        Ok(ns - i128::from(self.offset.unwrap_or(0)) * 1_000_000_000)
    }

    fn from_day_of_year(&self, of_year: i64) -> Result<(i64, i64)> {
        let days = if is_leap(self.year) { 366 } else { 365 };
        ensure!(
            (1..=days).contains(&of_year),
            "`{of_year}` is no day of the year"
        );
        let month = (1..=12)
            .rev()
            .find(|month| days_before(self.year, *month) < of_year)
            .unwrap_or(1);
        let day = of_year - days_before(self.year, month);
        ensure!(
            self.month.is_none_or(|other| other == month)
                && self.day.is_none_or(|other| other == day),
            "the day of the year is another day"
        );
        Ok((month, day))
    }
}

fn starts_with_digit(value: &str) -> bool {
    value.starts_with(|c: char| c.is_ascii_digit())
}

fn split(value: &str, length: usize) -> Result<(&str, &str)> {
    match value.split_at_checked(length) {
        Some(parts) => Ok(parts),
        None => bail!("`{value}` is too short"),
    }
}

/// Reads a number of one or two digits.
fn number(value: &str, fill: Fill) -> Result<(i64, &str)> {
    let count = value.bytes().take(2).take_while(u8::is_ascii_digit).count();
    ensure!(
        count == 2 || (count == 1 && fill != Fill::Zero),
        "`{value}` begins with no number"
    );
    Ok((value[..count].parse()?, &value[count..]))
}

/// Reads a name of which the first letters may be enough, in any case.
fn name<'a>(value: &'a str, names: &[&str], length: usize) -> Result<(usize, &'a str)> {
    for (index, name) in names.iter().enumerate() {
        let name = &name[..name.len().min(length)];
        if let Some((start, rest)) = value.split_at_checked(name.len())
            && start.eq_ignore_ascii_case(name)
        {
            return Ok((index, rest));
        }
    }
    bail!("`{value}` begins with no name")
}

/// Reads a point and digits.
fn nanoseconds(fraction: &str) -> Result<i64> {
    let Some(digits) = fraction.strip_prefix(['.', ',']) else {
        bail!("`{fraction}` is no fraction of a second");
    };
    ensure!(
        !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()),
        "`{fraction}` is no fraction of a second"
    );
    let nine: String = digits
        .chars()
        .chain(std::iter::repeat('0'))
        .take(9)
        .collect();
    Ok(nine.parse()?)
}

/// Says how much of a value is the name of a time zone.
fn zone_length(value: &str) -> usize {
    if value.starts_with("ChST") || value.starts_with("MeST") {
        return 4;
    }
    if let Some(offset) = value.strip_prefix("GMT") {
        return 3 + signed_length(offset);
    }
    if value.starts_with(['+', '-']) {
        return signed_length(value);
    }
    let upper = value
        .bytes()
        .take(6)
        .take_while(u8::is_ascii_uppercase)
        .count();
    match upper {
        5 if value.as_bytes()[4] == b'T' => 5,
        4 if value.as_bytes()[3] == b'T' || value.starts_with("WITA") => 4,
        3 => 3,
        _ => 0,
    }
}

/// Says how long a sign and hours of at most 23 are.
fn signed_length(value: &str) -> usize {
    let Some(digits) = value.strip_prefix(['+', '-']) else {
        return 0;
    };
    let count = digits.bytes().take_while(u8::is_ascii_digit).count();
    match digits[..count].parse::<u64>() {
        Ok(0..=23) => count + 1,
        _ => 0,
    }
}
