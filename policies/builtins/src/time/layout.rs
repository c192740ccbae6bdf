//! Go's layouts: a reference time, 2006-01-02 15:04:05 -0700 MST, written as one wants others written.

use super::civil::Moment;

pub(super) const RFC3339: &str = "2006-01-02T15:04:05Z07:00";
pub(super) const RFC3339_NANO: &str = "2006-01-02T15:04:05.999999999Z07:00";

pub(super) const WEEKDAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];
pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Gives the layout that has a name, or what was given.
pub(super) fn named(layout: &str) -> &str {
    match layout {
        "ANSIC" => "Mon Jan _2 15:04:05 2006",
        "UnixDate" => "Mon Jan _2 15:04:05 MST 2006",
        "RubyDate" => "Mon Jan 02 15:04:05 -0700 2006",
        "RFC822" => "02 Jan 06 15:04 MST",
        "RFC822Z" => "02 Jan 06 15:04 -0700",
        "RFC850" => "Monday, 02-Jan-06 15:04:05 MST",
        "RFC1123" => "Mon, 02 Jan 2006 15:04:05 MST",
        "RFC1123Z" => "Mon, 02 Jan 2006 15:04:05 -0700",
        "RFC3339" => RFC3339,
        "RFC3339Nano" => RFC3339_NANO,
        other => other,
    }
}

/// How a number is filled up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fill {
    None,
    Zero,
    Space,
}

/// How an offset is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Offset {
    /// Whether UTC is `Z`.
    pub z: bool,
    pub colons: bool,
    /// 1: hours, 2: minutes too, 3: seconds too.
    pub parts: u8,
}

/// A part of a layout that stands for a part of a time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Chunk {
    LongMonth,
    ShortMonth,
    Month(Fill),
    LongWeekday,
    ShortWeekday,
    Day(Fill),
    DayOfYear(Fill),
    Hour,
    Hour12(Fill),
    Minute(Fill),
    Second(Fill),
    LongYear,
    ShortYear,
    Noon {
        upper: bool,
    },
    ZoneName,
    Offset(Offset),
    /// So many digits of the second's fraction, after a point or comma.
    Fraction {
        digits: usize,
        exact: bool,
    },
}

const fn offset(z: bool, colons: bool, parts: u8) -> Chunk {
    Chunk::Offset(Offset { z, colons, parts })
}

/// What is looked for at each place, the longer before what it begins with.
const CHUNKS: [(&str, Chunk); 33] = [
    ("January", Chunk::LongMonth),
    ("Jan", Chunk::ShortMonth),
    ("Monday", Chunk::LongWeekday),
    ("Mon", Chunk::ShortWeekday),
    ("MST", Chunk::ZoneName),
    ("01", Chunk::Month(Fill::Zero)),
    ("02", Chunk::Day(Fill::Zero)),
    ("03", Chunk::Hour12(Fill::Zero)),
    ("04", Chunk::Minute(Fill::Zero)),
    ("05", Chunk::Second(Fill::Zero)),
    ("06", Chunk::ShortYear),
    ("002", Chunk::DayOfYear(Fill::Zero)),
    ("15", Chunk::Hour),
    ("1", Chunk::Month(Fill::None)),
    ("2006", Chunk::LongYear),
    ("2", Chunk::Day(Fill::None)),
    ("__2", Chunk::DayOfYear(Fill::Space)),
    ("_2", Chunk::Day(Fill::Space)),
    ("3", Chunk::Hour12(Fill::None)),
    ("4", Chunk::Minute(Fill::None)),
    ("5", Chunk::Second(Fill::None)),
    ("PM", Chunk::Noon { upper: true }),
    ("pm", Chunk::Noon { upper: false }),
    ("-070000", offset(false, false, 3)),
    ("-07:00:00", offset(false, true, 3)),
    ("-0700", offset(false, false, 2)),
    ("-07:00", offset(false, true, 2)),
    ("-07", offset(false, false, 1)),
    ("Z070000", offset(true, false, 3)),
    ("Z07:00:00", offset(true, true, 3)),
    ("Z0700", offset(true, false, 2)),
    ("Z07:00", offset(true, true, 2)),
    ("Z07", offset(true, false, 1)),
];

/// Finds the first chunk of a layout: what is before it, the chunk, and what is after it.
pub(super) fn next(layout: &str) -> (&str, Option<Chunk>, &str) {
    for (at, _) in layout.char_indices() {
        let rest = &layout[at..];
        if let Some((chunk, length)) = fraction(rest) {
            return (&layout[..at], Some(chunk), &rest[length..]);
        }
        // An underscore before a year is only an underscore.
        if rest.starts_with("_2006") {
            continue;
        }
        let found = CHUNKS.iter().find(|(text, chunk)| {
            let short = matches!(chunk, Chunk::ShortMonth | Chunk::ShortWeekday);
            rest.strip_prefix(text).is_some_and(|after| {
                !(short && after.starts_with(|c: char| c.is_ascii_lowercase()))
            })
        });
        if let Some((text, chunk)) = found {
            return (&layout[..at], Some(*chunk), &rest[text.len()..]);
        }
    }
    (layout, None, "")
}

fn fraction(rest: &str) -> Option<(Chunk, usize)> {
    let digits = rest.strip_prefix(['.', ','])?;
    let digit = digits
        .chars()
        .next()
        .filter(|digit| matches!(digit, '0' | '9'))?;
    let count = digits.len() - digits.trim_start_matches(digit).len();
    if digits[count..].starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let chunk = Chunk::Fraction {
        digits: count,
        exact: digit == '0',
    };
    Some((chunk, count + 1))
}

/// Writes a moment.
pub(super) fn write(layout: &str, moment: &Moment) -> String {
    let (year, month, day) = moment.date();
    let (hour, minute, second) = moment.clock();
    let mut text = String::new();
    let mut rest = layout;
    loop {
        let (before, chunk, after) = next(rest);
        text.push_str(before);
        let Some(chunk) = chunk else {
            return text;
        };
        let index = |number: i64| usize::try_from(number - 1).unwrap_or_default();
        match chunk {
            Chunk::LongMonth => text.push_str(MONTHS[index(month)]),
            Chunk::ShortMonth => text.push_str(&MONTHS[index(month)][..3]),
            Chunk::Month(fill) => number(&mut text, month, 2, fill),
            Chunk::LongWeekday => text.push_str(WEEKDAYS[moment.weekday()]),
            Chunk::ShortWeekday => text.push_str(&WEEKDAYS[moment.weekday()][..3]),
            Chunk::Day(fill) => number(&mut text, day, 2, fill),
            Chunk::DayOfYear(fill) => number(&mut text, moment.day_of_year(), 3, fill),
            Chunk::Hour => number(&mut text, hour, 2, Fill::Zero),
            Chunk::Hour12(fill) => number(&mut text, (hour + 11) % 12 + 1, 2, fill),
            Chunk::Minute(fill) => number(&mut text, minute, 2, fill),
            Chunk::Second(fill) => number(&mut text, second, 2, fill),
            Chunk::LongYear => number(&mut text, year, 4, Fill::Zero),
            Chunk::ShortYear => number(&mut text, year % 100, 2, Fill::Zero),
            Chunk::Noon { upper } => text.push_str(match (hour >= 12, upper) {
                (true, true) => "PM",
                (true, false) => "pm",
                (false, true) => "AM",
                (false, false) => "am",
            }),
            Chunk::ZoneName => text.push_str(&moment.offset().1),
            Chunk::Offset(form) => write_offset(&mut text, moment.offset().0, form),
            Chunk::Fraction { digits, exact } => {
                let point = rest[before.len()..].chars().next().unwrap_or('.');
                write_fraction(&mut text, point, moment.nanosecond(), digits, exact);
            }
        }
        rest = after;
    }
}

fn number(text: &mut String, number: i64, width: usize, fill: Fill) {
    text.push_str(&match fill {
        Fill::None => number.to_string(),
        Fill::Zero => format!("{number:0width$}"),
        Fill::Space => format!("{number:width$}"),
    });
}

fn write_offset(text: &mut String, offset: i64, form: Offset) {
    if form.z && offset == 0 {
        text.push('Z');
        return;
    }
    let sign = if offset < 0 { '-' } else { '+' };
    let seconds = offset.abs();
    let parts = [seconds / 3600, seconds / 60 % 60, seconds % 60];
    let parts: Vec<String> = parts[..usize::from(form.parts)]
        .iter()
        .map(|part| format!("{part:02}"))
        .collect();
    text.push(sign);
    text.push_str(&parts.join(if form.colons { ":" } else { "" }));
}

fn write_fraction(text: &mut String, point: char, nanosecond: i64, digits: usize, exact: bool) {
    let all = format!("{nanosecond:09}");
    let mut kept: String = all
        .chars()
        .chain(std::iter::repeat('0'))
        .take(digits)
        .collect();
    if !exact {
        kept.truncate(kept.trim_end_matches('0').len());
        if kept.is_empty() {
            return;
        }
    }
    text.push(point);
    text.push_str(&kept);
}
