//! Addresses (RFC 3986), read as Go's `net/url` does.

use anyhow::{bail, ensure};
use regorus::Value;

use crate::Result;
use crate::arguments::{object, text};
use crate::text::nibble;

pub(crate) fn is_valid(arguments: &[Value]) -> Result {
    let valid = text(arguments, 0).is_ok_and(|text| !text.is_empty() && read(text).is_ok());
    Ok(valid.into())
}

pub(crate) fn parse(arguments: &[Value]) -> Result {
    read(text(arguments, 0)?)
}

/// Says whether a text is an address.
pub(crate) fn is_readable(text: &str) -> bool {
    read(text).is_ok()
}

/// Says whether a text is an address with a scheme.
pub(crate) fn is_absolute(text: &str) -> bool {
    read(text).is_ok_and(|address| address["scheme"] != Value::Undefined)
}

fn read(whole: &str) -> Result {
    ensure!(
        !whole.bytes().any(|byte| byte < 0x20 || byte == 0x7f),
        "an address has no control characters"
    );
    let mut fields: Vec<(&str, Value)> = Vec::new();
    let mut field = |name, value: &str| {
        if !value.is_empty() {
            fields.push((name, value.into()));
        }
    };
    let (rest, fragment) = whole.split_once('#').unwrap_or((whole, ""));
    field("fragment", &unescape(fragment, Part::Other)?);
    if rest == "*" {
        field("path", "*");
        field("raw_path", "*");
        return Ok(object(fields));
    }
    let (scheme, rest) = scheme(rest)?;
    field("scheme", &scheme);
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    field("raw_query", query);
    if !rest.starts_with('/') {
        if !scheme.is_empty() {
            return Ok(object(fields));
        }
        let first = rest.split('/').next().unwrap_or_default();
        ensure!(
            !first.contains(':'),
            "the first segment of a path has no colon"
        );
    }
    let mut path = rest;
    let authority = rest.strip_prefix("//");
    if let Some(authority) = authority.filter(|_| !scheme.is_empty() || !rest.starts_with("///")) {
        let end = authority.find('/').unwrap_or(authority.len());
        path = &authority[end..];
        let (hostname, port) = host(&authority[..end])?;
        field("hostname", &hostname);
        field("port", &port);
    }
    let plain = unescape(path, Part::Other)?;
    field("path", &plain);
    let raw = if escaped(&plain) == path {
        &plain
    } else {
        path
    };
    field("raw_path", raw);
    Ok(object(fields))
}

fn scheme(text: &str) -> anyhow::Result<(String, &str)> {
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => bail!("the scheme is missing"),
            b':' => return Ok((text[..at].to_ascii_lowercase(), &text[at + 1..])),
            _ => break,
        }
    }
    Ok((String::new(), text))
}

fn host(authority: &str) -> anyhow::Result<(String, String)> {
    let host = match authority.rsplit_once('@') {
        Some((user, host)) => {
            let plain =
                |byte: u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte);
            ensure!(user.bytes().all(plain), "the user is not plain");
            unescape(user, Part::Other)?;
            host
        }
        None => authority,
    };
    if let Some(inner) = host.strip_prefix('[') {
        let Some((address, port)) = inner.rsplit_once(']') else {
            bail!("a bracket is missing");
        };
        let (address_only, zone) = address.split_once("%25").unwrap_or((address, ""));
        ensure!(
            address_only.parse::<std::net::Ipv6Addr>().is_ok(),
            "what is in brackets is no address"
        );
        let zone = unescape(zone, Part::Other)?;
        let hostname = if zone.is_empty() {
            address_only.to_owned()
        } else {
            format!("{address_only}%{zone}")
        };
        return Ok((hostname, read_port(port)?));
    }
    let (name, port) = match host.rfind(':') {
        Some(at) => (&host[..at], &host[at..]),
        None => (host, ""),
    };
    ensure!(!name.contains(':'), "a host has one colon at most");
    Ok((unescape(name, Part::Host)?, read_port(port)?))
}

fn read_port(port: &str) -> anyhow::Result<String> {
    match port.strip_prefix(':') {
        None if port.is_empty() => Ok(String::new()),
        Some(digits) if digits.bytes().all(|digit| digit.is_ascii_digit()) => Ok(digits.into()),
        _ => bail!("`{port}` is no port"),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Host,
    Other,
}

fn unescape(text: &str, part: Part) -> anyhow::Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let (Some(high), Some(low)) =
                (rest.next().and_then(nibble), rest.next().and_then(nibble))
            else {
                bail!("an escape is none");
            };
            let byte = high << 4 | low;
            ensure!(
                part == Part::Other || byte >= 0x80,
                "a host has no such escape"
            );
            bytes.push(byte);
        } else {
            let outside = byte < 0x80
                && !(byte.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:[]<>\"".contains(&byte));
            ensure!(
                part == Part::Other || !outside,
                "a host has no such character"
            );
            bytes.push(byte);
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Escapes a path in the one way that needs no mention.
fn escaped(path: &str) -> String {
    let mut escaped = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~$&+,/:;=@!'()*".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}
