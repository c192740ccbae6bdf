//! What the keyword `format` demands of strings. An unknown format demands nothing.

use regex::Regex;

use crate::{time, uri};

const TIMES: [&str; 5] = [
    "15:04:05",
    "15:04:05Z07:00",
    "2006-01-02",
    "2006-01-02T15:04:05Z07:00",
    "2006-01-02T15:04:05.999999999Z07:00",
];

pub(super) fn is(format: &str, text: &str) -> bool {
    match format {
        "date" => time::readable("2006-01-02", text),
        "time" => TIMES[..2].iter().any(|layout| time::readable(layout, text)),
        "date-time" => TIMES.iter().any(|layout| time::readable(layout, text)),
        "hostname" => text.len() < 256 && text.split('.').all(is_label),
        "email" | "idn-email" => is_email(text),
        "ipv4" => text.contains('.') && text.parse::<std::net::IpAddr>().is_ok(),
        "ipv6" => text.contains(':') && text.parse::<std::net::IpAddr>().is_ok(),
        "uri" | "iri" => !text.contains('\\') && uri::is_absolute(text),
        "uri-reference" | "iri-reference" => !text.contains('\\') && uri::is_readable(text),
        "uuid" => is_uuid(text),
        "regex" => text.is_empty() || Regex::new(text).is_ok(),
        "json-pointer" => is_pointer(text),
        "relative-json-pointer" => {
            let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
            let digits = &text[..text.len() - rest.len()];
            !digits.is_empty()
                && (digits == "0" || !digits.starts_with('0'))
                && (rest == "#" || is_pointer(rest))
        }
        _ => true,
    }
}

fn is_label(label: &str) -> bool {
    let inner = label.strip_prefix('-').is_none() && label.strip_suffix('-').is_none();
    inner
        && (1..=63).contains(&label.len())
        && label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn is_email(text: &str) -> bool {
    let address = match text.split_once('<') {
        Some((_, rest)) => match rest.strip_suffix('>') {
            Some(address) => address,
            None => return false,
        },
        None => text,
    };
    let atom = |part: &str| {
        part.split('.').all(|atom| {
            !atom.is_empty()
                && atom.chars().all(|c| {
                    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || !c.is_ascii()
                })
        })
    };
    address
        .rsplit_once('@')
        .is_some_and(|(local, domain)| atom(local) && atom(domain))
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn is_pointer(text: &str) -> bool {
    let escapes = |token: &str| {
        token
            .split('~')
            .skip(1)
            .all(|rest| rest.starts_with(['0', '1']))
    };
    text.is_empty() || (text.starts_with('/') && text.split('/').all(escapes))
}
