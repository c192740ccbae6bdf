use anyhow::bail;
use regorus::Value;

use crate::Result;
use crate::arguments::{object, text};
use crate::text::nibble;

/// From 1582-10-15, where a UUID's time begins, to 1970-01-01, in steps of 100 ns.
const BEGINNING: i64 = 0x01B2_1DD2_1381_4000;

/// Takes a UUID apart.
pub(crate) fn parse(arguments: &[Value]) -> Result {
    let bytes = read(text(arguments, 0)?)?;
    let version = bytes[6] >> 4;
    let variant = match bytes[8] {
        0x00..=0x7f => "Reserved",
        0x80..=0xbf => "RFC4122",
        0xc0..=0xdf => "Microsoft",
        0xe0..=0xff => "Future",
    };
    let mut fields = vec![
        ("version", Value::from(u64::from(version))),
        ("variant", variant.into()),
    ];
    if matches!(version, 1 | 2) {
        let node: Vec<String> = bytes[10..]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let address = match bytes[10] & 3 {
            3 => "local:multicast",
            1 => "global:multicast",
            2 => "local:unicast",
            _ => "global:unicast",
        };
        let clock = u64::from(bytes[8] & 0x3f) << 8 | u64::from(bytes[9]);
        fields.extend([
            ("nodeid", node.join("-").into()),
            ("macvariables", address.into()),
            ("clocksequence", clock.into()),
            ("time", time(&bytes).into()),
        ]);
    }
    if version == 2 {
        let domain = match bytes[9] {
            0 => "Person".to_owned(),
            1 => "Group".to_owned(),
            2 => "Org".to_owned(),
            other => format!("Domain{other}"),
        };
        let id = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        fields.extend([("id", id.into()), ("domain", domain.into())]);
    }
    Ok(object(fields))
}

/// Gives nanoseconds since 1970-01-01.
fn time(bytes: &[u8; 16]) -> i64 {
    let low = i64::from(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
    let middle = i64::from(u16::from_be_bytes([bytes[4], bytes[5]]));
    let high = i64::from(u16::from_be_bytes([bytes[6], bytes[7]]) & 0x0fff);
    (low | middle << 32 | high << 48)
        .wrapping_sub(BEGINNING)
        .wrapping_mul(100)
}

/// Reads the forms that there are: with hyphens, as an address, in braces, and without anything.
fn read(text: &str) -> anyhow::Result<[u8; 16]> {
    let plain = match text.len() {
        45 if text
            .get(..9)
            .is_some_and(|start| start.eq_ignore_ascii_case("urn:uuid:")) =>
        {
            text.get(9..)
        }
        38 => text.get(1..37),
        36 | 32 => Some(text),
        _ => None,
    };
    let Some(plain) = plain else {
        bail!("`{text}` is no UUID");
    };
    let digits = plain.as_bytes();
    let hyphens = digits.len() == 36;
    if hyphens && [8, 13, 18, 23].iter().any(|at| digits[*at] != b'-') {
        bail!("`{text}` is no UUID");
    }
    let nibbles: Option<Vec<u8>> = digits
        .iter()
        .enumerate()
        .filter(|(at, _)| !(hyphens && matches!(at, 8 | 13 | 18 | 23)))
        .map(|(_, digit)| nibble(*digit))
        .collect();
    let mut bytes = [0; 16];
    match nibbles {
        Some(nibbles) if nibbles.len() == 32 => {
            for (byte, pair) in bytes.iter_mut().zip(nibbles.chunks(2)) {
                *byte = pair[0] << 4 | pair[1];
            }
            Ok(bytes)
        }
        _ => bail!("`{text}` is no UUID"),
    }
}
