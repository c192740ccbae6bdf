//! Times as people and other systems write them: RFC 3339 text for milliseconds since 1970-01-01 UTC.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Writes a time, in UTC.
#[must_use]
pub fn format(ms: u64) -> String {
    let nanoseconds = i128::from(ms) * 1_000_000;
    OffsetDateTime::from_unix_timestamp_nanos(nanoseconds)
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_else(|| format!("{ms} ms"))
}

/// Reads a time, with any offset; nothing before 1970 and nothing that is not RFC 3339.
#[must_use]
pub fn parse(text: &str) -> Option<u64> {
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    u64::try_from(time.unix_timestamp_nanos().div_euclid(1_000_000)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_reads_back_and_offsets_are_understood() {
        let text = "2026-11-19T02:30:00.125Z";
        assert_eq!(format(parse(text).unwrap()), text);
        assert_eq!(parse("2026-11-19T03:30:00.125+01:00"), parse(text));
        assert_eq!(parse("yesterday"), None);
        assert_eq!(parse("1969-12-31T23:59:59Z"), None);
    }
}
