//! Dates of the Gregorian calendar, and zones.

use anyhow::{Context, Result, anyhow, bail};
use jiff::Timestamp;
use jiff::tz::TimeZone;

const NS_IN_SECOND: i128 = 1_000_000_000;
const SECONDS_IN_DAY: i64 = 86_400;
/// Beyond this no date is one that nanoseconds in 64 bits can hold.
const DAYS_MAX: i64 = 1_000_000_000;

/// A moment, seen in a zone.
#[derive(Clone)]
pub(super) struct Moment {
    pub ns: i128,
    pub zone: Zone,
}

#[derive(Clone)]
pub(super) enum Zone {
    Utc,
    Named(TimeZone),
}

impl Zone {
    pub fn named(name: &str) -> Result<Self> {
        match name {
            "" | "UTC" => Ok(Self::Utc),
            "Local" => bail!("a policy is nowhere: name the time zone"),
            name => {
                let known = jiff::tz::db()
                    .available()
                    .any(|available| available.as_str() == name);
                if !known {
                    bail!("there is no time zone `{name}`");
                }
                let zone = TimeZone::get(name).map_err(|error| anyhow!("{error}"))?;
                Ok(Self::Named(zone))
            }
        }
    }

    /// Gives the offset from UTC in seconds and its name.
    fn offset(&self, unix: i64) -> (i64, String) {
        let utc = || (0, "UTC".to_owned());
        match self {
            Self::Utc => utc(),
            Self::Named(zone) => Timestamp::from_second(unix).map_or_else(
                |_| utc(),
                |at| {
                    let info = zone.to_offset_info(at);
                    (
                        i64::from(info.offset().seconds()),
                        info.abbreviation().to_owned(),
                    )
                },
            ),
        }
    }

    /// Gives the nanoseconds of a date, whose month and day may be any numbers, and a time of day in this zone.
    pub fn at(&self, date: (i64, i64, i64), second_of_day: i64, nanosecond: i64) -> Result<i128> {
        let days = days(date).context("time outside of valid range")?;
        let local = days * SECONDS_IN_DAY + second_of_day;
        // As Go has it: the offset now, or the one at the time that it leads to.
        let (guess, _) = self.offset(local);
        let (offset, _) = self.offset(local - guess);
        Ok(i128::from(local - offset) * NS_IN_SECOND + i128::from(nanosecond))
    }
}

impl Moment {
    fn unix(&self) -> i64 {
        i64::try_from(self.ns.div_euclid(NS_IN_SECOND)).unwrap_or_default()
    }

    /// Gives the offset from UTC in seconds and its name.
    pub fn offset(&self) -> (i64, String) {
        self.zone.offset(self.unix())
    }

    fn local(&self) -> i64 {
        self.unix() + self.offset().0
    }

    pub fn nanosecond(&self) -> i64 {
        i64::try_from(self.ns.rem_euclid(NS_IN_SECOND)).unwrap_or_default()
    }

    pub fn second_of_day(&self) -> i64 {
        self.local().rem_euclid(SECONDS_IN_DAY)
    }

    pub fn clock(&self) -> (i64, i64, i64) {
        let second = self.second_of_day();
        (second / 3600, second / 60 % 60, second % 60)
    }

    pub fn date(&self) -> (i64, i64, i64) {
        date(self.local().div_euclid(SECONDS_IN_DAY))
    }

    /// Gives the day of the week, Sunday being 0.
    pub fn weekday(&self) -> usize {
        // 1970-01-01 was a Thursday.
        usize::try_from((self.local().div_euclid(SECONDS_IN_DAY) + 4).rem_euclid(7))
            .unwrap_or_default()
    }

    /// Gives the day of the year, the first being 1.
    pub fn day_of_year(&self) -> i64 {
        let (year, month, day) = self.date();
        days_before(year, month) + day
    }
}

pub(super) fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

pub(super) fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Counts the days of a year before a month.
pub(super) fn days_before(year: i64, month: i64) -> i64 {
    (1..month).map(|month| days_in_month(year, month)).sum()
}

/// Counts the days from 1970-01-01 to a date whose month and day may be any numbers.
fn days((year, month, day): (i64, i64, i64)) -> Option<i64> {
    let month = month.checked_sub(1)?;
    let year = year.checked_add(month.div_euclid(12))?;
    let month = month.rem_euclid(12) + 1;
    if year.abs() > DAYS_MAX / 366 || day.abs() > DAYS_MAX {
        return None;
    }
    let before = year - 1;
    let leap_days = before.div_euclid(4) - before.div_euclid(100) + before.div_euclid(400);
    let since_year_1 = before * 365 + leap_days + days_before(year, month) + day - 1;
    // 1970-01-01 is 719,162 days after 0001-01-01.
    Some(since_year_1 - 719_162)
}

/// Gives the date that is so many days after 1970-01-01.
fn date(days: i64) -> (i64, i64, i64) {
    let since_year_1 = days + 719_162;
    let mut year = since_year_1.div_euclid(366) + 1;
    while self::days((year + 1, 1, 1)).is_some_and(|next| next <= days) {
        year += 1;
    }
    let mut left = days - self::days((year, 1, 1)).unwrap_or_default();
    let mut month = 1;
    while left >= days_in_month(year, month) {
        left -= days_in_month(year, month);
        month += 1;
    }
    (year, month, left + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_becomes_days_and_the_days_the_date() {
        assert_eq!(days((1970, 1, 1)), Some(0));
        assert_eq!(days((2000, 3, 1)), Some(11_017));
        for day in (-200_000..200_000).step_by(13) {
            assert_eq!(days(date(day)), Some(day));
        }
    }
}
