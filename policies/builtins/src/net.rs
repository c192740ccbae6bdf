//! Networks of addresses (CIDR).

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anyhow::{Context, bail};
use regorus::Value;

use crate::Result;
use crate::arguments::text;

/// A network: its first address, as a number, and how many of the bits are the network's.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Network {
    first: u128,
    prefix: u8,
    bits: u8,
}

impl Network {
    fn read(text: &str) -> anyhow::Result<Self> {
        let (address, prefix) = text
            .split_once('/')
            .with_context(|| format!("`{text}` is no network"))?;
        let digits = prefix.bytes().all(|digit| digit.is_ascii_digit());
        let prefix = prefix.parse::<u8>().ok().filter(|_| digits);
        let address: IpAddr = address
            .parse()
            .with_context(|| format!("`{text}` is no network"))?;
        let (address, bits) = number(address);
        let prefix = prefix
            .filter(|prefix| *prefix <= bits)
            .with_context(|| format!("`{text}` is no network"))?;
        Ok(Self::of(address, prefix, bits))
    }

    /// Makes the network that an address is in.
    fn of(address: u128, prefix: u8, bits: u8) -> Self {
        let first = address & !hosts(prefix, bits);
        Self {
            first,
            prefix,
            bits,
        }
    }

    fn last(self) -> u128 {
        self.first | hosts(self.prefix, self.bits)
    }

    fn has(self, address: u128, bits: u8) -> bool {
        // An address of the older kind may stand within one of the newer.
        let address = match (self.bits, bits) {
            (32, 128) if address >> 32 == 0xffff => address & 0xffff_ffff,
            (mine, other) if mine == other => address,
            _ => return false,
        };
        (self.first..=self.last()).contains(&address)
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}/{}", address(self.first, self.bits), self.prefix)
    }
}

/// The bits that are not the network's.
fn hosts(prefix: u8, bits: u8) -> u128 {
    match bits - prefix {
        128 => u128::MAX,
        length => (1 << length) - 1,
    }
}

fn number(address: IpAddr) -> (u128, u8) {
    match address {
        IpAddr::V4(address) => (u128::from(u32::from(address)), 32),
        IpAddr::V6(address) => (u128::from(address), 128),
    }
}

fn address(number: u128, bits: u8) -> String {
    match u32::try_from(number) {
        Ok(number) if bits == 32 => Ipv4Addr::from(number).to_string(),
        _ => {
            let address = Ipv6Addr::from(number);
            address
                .to_ipv4_mapped()
                .map_or_else(|| address.to_string(), |mapped| mapped.to_string())
        }
    }
}

pub(crate) fn is_valid(arguments: &[Value]) -> Result {
    Ok(text(arguments, 0)
        .is_ok_and(|text| Network::read(text).is_ok())
        .into())
}

pub(crate) fn contains(arguments: &[Value]) -> Result {
    has(text(arguments, 0)?, text(arguments, 1)?).map(Value::from)
}

fn has(network: &str, other: &str) -> anyhow::Result<bool> {
    let network = Network::read(network)?;
    if let Ok(address) = other.parse() {
        let (address, bits) = number(address);
        return Ok(network.has(address, bits));
    }
    let other = Network::read(other)?;
    Ok(network.has(other.first, other.bits) && network.has(other.last(), other.bits))
}

pub(crate) fn intersects(arguments: &[Value]) -> Result {
    let (a, b) = (
        Network::read(text(arguments, 0)?)?,
        Network::read(text(arguments, 1)?)?,
    );
    Ok((a.has(b.first, b.bits) || b.has(a.first, a.bits)).into())
}

/// Lists every address of a network.
pub(crate) fn expand(arguments: &[Value]) -> Result {
    let network = Network::read(text(arguments, 0)?)?;
    let addresses: BTreeSet<Value> = (network.first..=network.last())
        .map(|number| Value::from(address(number, network.bits)))
        .collect();
    Ok(addresses.into())
}

pub(crate) fn contains_matches(arguments: &[Value]) -> Result {
    let [networks, others] = arguments else {
        bail!("two operands are needed");
    };
    let others = matched(others)?;
    let mut pairs = BTreeSet::new();
    for (key, network) in matched(networks)? {
        for (other_key, other) in &others {
            if has(&network, other)? {
                pairs.insert(Value::from(vec![key.clone(), other_key.clone()]));
            }
        }
    }
    Ok(pairs.into())
}

/// Lists networks with what names them: themselves, their place or their key.
fn matched(operand: &Value) -> anyhow::Result<Vec<(Value, String)>> {
    let network = |value: &Value| match value {
        Value::String(text) => Ok(text.to_string()),
        Value::Array(items) => match items.first() {
            Some(Value::String(text)) => Ok(text.to_string()),
            _ => bail!("an element is neither a string nor an array that begins with one"),
        },
        _ => bail!("an element is neither a string nor an array that begins with one"),
    };
    match operand {
        Value::String(text) => Ok(vec![(operand.clone(), text.to_string())]),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(at, item)| Ok((Value::from(at), network(item)?)))
            .collect(),
        Value::Set(items) => items
            .iter()
            .map(|item| Ok((item.clone(), network(item)?)))
            .collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| Ok((key.clone(), network(value)?)))
            .collect(),
        _ => bail!("an operand is neither a string nor a collection of them"),
    }
}

/// Joins networks that overlap or touch into as few as can be.
pub(crate) fn merge(arguments: &[Value]) -> Result {
    let networks: Vec<Network> = match arguments {
        [Value::Array(items)] => items.iter().map(mergeable).collect::<anyhow::Result<_>>()?,
        [Value::Set(items)] => items.iter().map(mergeable).collect::<anyhow::Result<_>>()?,
        _ => bail!("operand 1 must be an array or a set"),
    };
    let mut merged = BTreeSet::new();
    for bits in [32, 128] {
        let mut ranges: Vec<(u128, u128)> = networks
            .iter()
            .filter(|network| network.bits == bits)
            .map(|network| (network.first, network.last()))
            .collect();
        ranges.sort_unstable();
        let mut joined: Vec<(u128, u128)> = Vec::new();
        for (first, last) in ranges {
            match joined.last_mut() {
                Some(before) if first <= before.1.saturating_add(1) => {
                    before.1 = before.1.max(last)
                }
                _ => joined.push((first, last)),
            }
        }
        for (first, last) in joined {
            cover(first, last, bits, &mut merged);
        }
    }
    Ok(merged.into())
}

/// An address alone means the network of its class, as it was before there were prefixes.
fn mergeable(value: &Value) -> anyhow::Result<Network> {
    let Value::String(text) = value else {
        bail!("an element is not a string");
    };
    match text.parse() {
        Ok(IpAddr::V4(address)) => {
            let prefix = match address.octets()[0] {
                0..=127 => 8,
                128..=191 => 16,
                192..=255 => 24,
            };
            Ok(Network::of(u128::from(u32::from(address)), prefix, 32))
        }
        Ok(IpAddr::V6(_)) => bail!("`{text}` needs the length of its prefix"),
        Err(_) => Network::read(text),
    }
}

/// Covers a range with as few networks as can be.
fn cover(first: u128, last: u128, bits: u8, networks: &mut BTreeSet<Value>) {
    let mut next = Some(first);
    while let Some(first) = next.filter(|next| *next <= last) {
        let mut prefix = bits;
        while prefix > 0 {
            let wider = Network::of(first, prefix - 1, bits);
            if wider.first != first || wider.last() > last {
                break;
            }
            prefix -= 1;
        }
        let network = Network::of(first, prefix, bits);
        networks.insert(Value::from(network.to_string()));
        next = network.last().checked_add(1);
    }
}
