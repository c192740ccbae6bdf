use model::limits::{HEADER_BYTES_MAX, INTEGER_MAX, LINKS_MAX, PAYLOADS_MAX};
use model::{
    EntryHash, Header, JournalId, KeyId, Name, PayloadDigest, PayloadRef, PersonId, Role,
    StreamName, canonical,
};

/// What verification needs of a header.
pub(super) struct Glance<'a> {
    pub(super) journal: &'a str,
    pub(super) kind: &'a str,
    pub(super) links: Vec<LinkGlance<'a>>,
    pub(super) payloads: Vec<PayloadGlance>,
    pub(super) recorded_ms: u64,
}

#[derive(Clone, Copy)]
pub(super) struct LinkGlance<'a> {
    pub(super) previous: Option<EntryHash>,
    pub(super) seq: u64,
    pub(super) stream: &'a str,
}

#[derive(Clone, Copy)]
pub(super) struct PayloadGlance {
    pub(super) digest: PayloadDigest,
    pub(super) size: u64,
}

impl<'a> Glance<'a> {
    /// Takes what is needed from a header.
    pub(super) fn of(header: &'a Header) -> Self {
        let links = header.links.iter().map(|link| LinkGlance {
            previous: link.previous,
            seq: link.seq,
            stream: link.stream.as_str(),
        });
        let payloads = header.payloads.iter().map(|payload| PayloadGlance {
            digest: payload.digest,
            size: payload.size,
        });
        Self {
            journal: header.journal.as_str(),
            kind: header.kind.as_str(),
            links: links.collect(),
            payloads: payloads.collect(),
            recorded_ms: header.recorded_ms,
        }
    }

    /// Reads an ordinary header in one pass, without copying it.
    ///
    /// `None` says nothing: the entry may be good or bad, and [`model::Entry::parse`] tells. Whatever is accepted here
    /// is accepted there, with the same meaning.
    pub(super) fn read(header: &'a [u8]) -> Option<Self> {
        if header.len() > HEADER_BYTES_MAX {
            return None;
        }
        let mut scan = Scan { rest: header };
        scan.by()?;
        if scan.literal(b",\"claimed_ms\":").is_some() {
            scan.integer()?;
        }
        scan.literal(b",\"fields\":")?;
        scan.value()?;
        scan.literal(b",\"format\":1,\"journal\":\"")?;
        let journal = scan.valid(JournalId::is_valid)?;
        scan.literal(b",\"kind\":\"")?;
        let kind = scan.valid(Name::is_valid)?;
        scan.literal(b",\"links\":[")?;
        let links = scan.links()?;
        let mut payloads = Vec::new();
        if scan.literal(b",\"payloads\":[").is_some() {
            payloads = scan.payloads()?;
        }
        scan.literal(b",\"recorded_ms\":")?;
        let recorded_ms = scan.integer()?;
        scan.literal(b"}")?;
        scan.rest.is_empty().then_some(Self {
            journal,
            kind,
            links,
            payloads,
            recorded_ms,
        })
    }
}

struct Scan<'a> {
    rest: &'a [u8],
}

impl<'a> Scan<'a> {
    fn literal(&mut self, literal: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(literal)?;
        Some(())
    }

    /// Reads a string's content, whose opening quote is read already; plain ASCII only.
    fn text(&mut self) -> Option<&'a str> {
        let end = self.rest.iter().position(|byte| *byte == b'"')?;
        let (text, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest.get(1..)?;
        let plain = text
            .iter()
            .all(|byte| matches!(byte, b' '..=b'~') && *byte != b'\\');
        if plain {
            std::str::from_utf8(text).ok()
        } else {
            None
        }
    }

    fn valid(&mut self, is_valid: fn(&str) -> bool) -> Option<&'a str> {
        self.text().filter(|text| is_valid(text))
    }

    fn one_of(&mut self, words: &[&str]) -> Option<()> {
        let text = self.text()?;
        words.contains(&text).then_some(())
    }

    fn integer(&mut self) -> Option<u64> {
        let end = self.rest.iter().position(|byte| !byte.is_ascii_digit())?;
        let (digits, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        let shortest = digits == b"0" || (!digits.is_empty() && !digits.starts_with(b"0"));
        let value = digits.iter().try_fold(0_u64, |value, digit| {
            value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
        })?;
        (shortest && value <= INTEGER_MAX).then_some(value)
    }

    fn by(&mut self) -> Option<()> {
        self.literal(b"{\"by\":{\"how\":\"")?;
        self.one_of(&["recorder", "api-key", "oidc", "signature"])?;
        if self.literal(b",\"key\":\"").is_some() {
            self.valid(KeyId::is_valid)?;
        }
        if self.literal(b",\"person\":\"").is_some() {
            self.valid(PersonId::is_valid)?;
        }
        self.literal(b"}")
    }

    /// Reads a value in any canonical form.
    fn value(&mut self) -> Option<()> {
        let length = canonical::check_prefix(self.rest, 1).ok()?;
        self.rest = self.rest.get(length..)?;
        Some(())
    }

    /// Reads a list's members, whose opening bracket is read already.
    fn list<T>(&mut self, most: usize, member: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let mut members = Vec::with_capacity(4);
        members.push(member(self)?);
        while self.literal(b",").is_some() {
            members.push(member(self)?);
        }
        self.literal(b"]")?;
        (members.len() <= most).then_some(members)
    }

    fn links(&mut self) -> Option<Vec<LinkGlance<'a>>> {
        let links = self.list(LINKS_MAX, Self::link)?;
        let twice = |(place, link): (usize, &LinkGlance<'_>)| {
            links
                .iter()
                .take(place)
                .any(|other| other.stream == link.stream)
        };
        (!links.iter().enumerate().any(twice)).then_some(links)
    }

    fn link(&mut self) -> Option<LinkGlance<'a>> {
        self.literal(b"{")?;
        let mut previous = None;
        if self.literal(b"\"previous\":\"").is_some() {
            previous = Some(self.text()?.parse().ok()?);
            self.literal(b",")?;
        }
        self.literal(b"\"seq\":")?;
        let seq = self.integer()?;
        self.literal(b",\"stream\":\"")?;
        let stream = self.valid(StreamName::is_valid)?;
        self.literal(b"}")?;
        ((seq == 0) == previous.is_none()).then_some(LinkGlance {
            previous,
            seq,
            stream,
        })
    }

    fn payloads(&mut self) -> Option<Vec<PayloadGlance>> {
        self.list(PAYLOADS_MAX, |scan| {
            scan.literal(b"{\"digest\":\"")?;
            let digest = scan.text()?.parse().ok()?;
            scan.literal(b",\"media_type\":\"")?;
            scan.text()?;
            scan.literal(b",\"role\":\"")?;
            let role = match scan.text()? {
                "raw" => Role::Raw,
                "facts" => Role::Facts,
                "rule" => Role::Rule,
                "people" => Role::People,
                _ => return None,
            };
            if scan.literal(b",\"schema\":\"").is_some() {
                scan.valid(Name::is_valid)?;
            }
            scan.literal(b",\"size\":")?;
            let size = scan.integer()?;
            scan.literal(b"}")?;
            PayloadRef::may_have(role, size).then_some(PayloadGlance { digest, size })
        })
    }
}

#[cfg(test)]
mod tests {
    use model::{Entry, FORMAT};
    use proptest::prelude::*;

    use super::*;

    const HEADERS: [&str; 3] = [
        r#"{"by":{"how":"recorder"},"fields":{},"format":1,"journal":"trailmark/a","kind":"k","links":[{"seq":0,"stream":"admin"}],"recorded_ms":1}"#,
        r#"{"by":{"how":"api-key","key":"key-0123456789abcdef","person":"person-0123456789abcdef"},"claimed_ms":0,"fields":{"a":[{"b":"\n"}],"c":null},"format":1,"journal":"trailmark/a","kind":"k","links":[{"seq":0,"stream":"a/b"},{"previous":"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef","seq":9007199254740991,"stream":"c"}],"payloads":[{"digest":"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef","media_type":"text/plain","role":"raw","size":5},{"digest":"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef","media_type":"a/b","role":"facts","schema":"s.v1","size":0}],"recorded_ms":9007199254740991}"#,
        r#"{"by":{"how":"oidc"},"fields":"x\",\"format\":1,\"journal\":\"","format":1,"journal":"trailmark/a","kind":"k","links":[{"seq":0,"stream":"a/b"}],"recorded_ms":0}"#,
    ];

    /// Checks that what is accepted at a glance is an entry, and says the same.
    fn agrees(header: &[u8]) -> Result<bool, TestCaseError> {
        let Some(glance) = Glance::read(header) else {
            return Ok(false);
        };
        let entry = Entry::parse(header);
        prop_assert!(entry.is_ok(), "no entry: `{}`", header.escape_ascii());
        let entry = entry.unwrap();
        let full = Glance::of(entry.header());
        prop_assert_eq!((glance.journal, glance.kind), (full.journal, full.kind));
        prop_assert_eq!(glance.recorded_ms, full.recorded_ms);
        let links = |glance: &Glance<'_>| -> Vec<_> {
            let links = glance.links.iter();
            links
                .map(|link| (link.previous, link.seq, link.stream.to_owned()))
                .collect()
        };
        prop_assert_eq!(links(&glance), links(&full));
        let payloads = |glance: &Glance<'_>| -> Vec<_> {
            glance
                .payloads
                .iter()
                .map(|payload| (payload.digest, payload.size))
                .collect()
        };
        prop_assert_eq!(payloads(&glance), payloads(&full));
        prop_assert_eq!(entry.header().format, FORMAT);
        Ok(true)
    }

    #[test]
    fn ordinary_headers_are_read_at_a_glance() {
        for header in HEADERS {
            assert!(agrees(header.as_bytes()).unwrap(), "not read: {header}");
        }
    }

    #[test]
    fn what_is_nested_too_deeply_in_a_header_is_not_read() {
        let at = |depth: usize| {
            let fields = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
            let header = HEADERS[0].replace("{},\"format", &format!("{fields},\"format"));
            (
                Glance::read(header.as_bytes()).is_some(),
                Entry::parse(header.as_bytes()).is_ok(),
            )
        };
        assert_eq!(at(31), (true, true));
        assert_eq!(at(32), (false, false));
    }

    #[test]
    fn every_small_change_is_read_as_an_entry_or_not_at_all() {
        for header in HEADERS {
            for at in 0..header.len() {
                for byte in b"\"\\{}[]:,0129afz./- \x00\x7f\xff" {
                    let mut changed = header.as_bytes().to_vec();
                    changed[at] = *byte;
                    agrees(&changed).unwrap();
                    changed.insert(at, *byte);
                    agrees(&changed).unwrap();
                    changed.remove(at);
                    changed.remove(at);
                    agrees(&changed).unwrap();
                }
            }
        }
    }

    proptest! {
        #[test]
        fn parts_of_headers_in_any_order_are_read_as_an_entry_or_not_at_all(
            which in 0..3_usize, from in any::<prop::sample::Index>(), length in 0..90_usize, to in any::<prop::sample::Index>(),
        ) {
            let header = HEADERS[which].as_bytes();
            let from = from.index(header.len());
            let part = &header[from..(from + length).min(header.len())];
            let to = to.index(header.len());
            let mut changed = header.to_vec();
            changed.splice(to..to, part.iter().copied());
            agrees(&changed)?;
            let end = (to + part.len()).min(header.len());
            let mut changed = header.to_vec();
            changed.splice(to..end, part.iter().copied());
            agrees(&changed)?;
        }
    }
}
