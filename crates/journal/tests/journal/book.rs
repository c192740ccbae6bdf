use std::collections::BTreeMap;

use journal::bundle::{Claims, Consistency, HeadsClaim, Writer};
use journal::key::{LogKey, PermitKey};
use journal::kind::{Genesis, Heads};
use journal::map::Map;
use journal::note::Checkpoint;
use journal::tree::{Frontier, Group, Hash, consistency_proof, empty_root, inclusion_proof};
use journal::{Draft, Head, link};
use model::kind::Fields;
use model::{By, Entry, EntryHash, JournalId, Payload, Role, StreamName};
use serde_json::{Value, json};

pub const START_MS: u64 = 1_700_000_000_000;

/// A journal in memory, to be exported, and to be forged by whoever holds its key.
#[derive(Clone)]
pub struct Book {
    pub journal: JournalId,
    pub seed: [u8; 32],
    pub entries: Vec<(Entry, Vec<Payload>)>,
    heads: BTreeMap<StreamName, Head>,
    pub now_ms: u64,
}

pub fn stream(name: &str) -> StreamName {
    name.parse().unwrap()
}

impl Book {
    /// Begins a journal with its genesis.
    pub fn new() -> Self {
        let mut book = Self {
            journal: "trailmark/acme".parse().unwrap(),
            seed: [7; 32],
            entries: Vec::new(),
            heads: BTreeMap::new(),
            now_ms: START_MS,
        };
        let genesis = Genesis {
            format: 1,
            log_key: book.log_key().vkey().clone(),
            name: "Acme".to_owned(),
            people_by_key: true,
            permit_key: PermitKey::new(&[8; 32]).public(),
            solo: true,
        };
        book.record_fields(&genesis, &["admin"]);
        book
    }

    /// A journal with something of everything: 12 entries in 6 streams, two of them `heads`.
    pub fn small() -> Self {
        let mut book = Self::new();
        book.record(
            "flow-defined",
            &["flow/pay", "admin"],
            json!({"flow":"pay"}),
            vec![],
        );
        book.record(
            "trail-begun",
            &["trail/pay/t1", "trails/pay"],
            json!({"trail":"t1"}),
            vec![],
        );
        let people = book.payload(
            Role::People,
            "application/json",
            b"{\"name\":\"A. Author\"}",
        );
        book.record(
            "artifact-recorded",
            &["artifact/aa", "trail/pay/t1"],
            json!({"name":"pay"}),
            vec![people],
        );
        let raw = book.payload(Role::Raw, "application/xml", b"<testsuite tests=\"2\"/>");
        let facts = book.payload(Role::Facts, "application/json", b"{\"tests\":2}");
        book.record(
            "attestation",
            &["artifact/aa", "trail/pay/t1"],
            json!({"type":"junit"}),
            vec![raw, facts],
        );
        book.record_heads();
        for name in ["sast", "sca", "review"] {
            book.record(
                "attestation",
                &["artifact/aa", "trail/pay/t1"],
                json!({"type":name}),
                vec![],
            );
        }
        book.record(
            "deployment-reported",
            &["environment/prod", "artifact/aa"],
            json!({"to":"prod"}),
            vec![],
        );
        book.record_heads();
        book.record(
            "a-kind-of-the-future",
            &["environment/prod"],
            json!({"x":[1,2]}),
            vec![],
        );
        book
    }

    pub fn log_key(&self) -> LogKey {
        LogKey::new(&self.journal, &self.seed)
    }

    pub fn payload(&self, role: Role, media_type: &str, bytes: &[u8]) -> Payload {
        let salt = [u8::try_from(self.entries.len()).unwrap_or(255) ^ bytes[1]; 32];
        Payload {
            role,
            media_type: media_type.to_owned(),
            schema: None,
            salt,
            bytes: bytes.to_vec(),
        }
    }

    /// Links an entry after the heads, without recording it.
    pub fn draft(
        &self,
        kind: &str,
        streams: &[&str],
        fields: Value,
        payloads: &[Payload],
    ) -> Entry {
        let draft = Draft {
            by: By::recorder(),
            claimed_ms: None,
            fields: serde_json::value::to_raw_value(&fields).unwrap(),
            kind: kind.parse().unwrap(),
            streams: streams.iter().map(|name| stream(name)).collect(),
            payloads: payloads.to_vec(),
            idempotency: None,
            expected: Vec::new(),
            large: Vec::new(),
        };
        let heads: Vec<_> = draft
            .streams
            .iter()
            .map(|name| self.heads.get(name).copied())
            .collect();
        link(&self.journal, &draft, &heads, self.now_ms).unwrap()
    }

    pub fn record(
        &mut self,
        kind: &str,
        streams: &[&str],
        fields: Value,
        payloads: Vec<Payload>,
    ) -> EntryHash {
        self.now_ms += 1_000;
        let entry = self.draft(kind, streams, fields, &payloads);
        self.push(entry, payloads)
    }

    pub fn record_fields<F: Fields>(&mut self, fields: &F, streams: &[&str]) -> EntryHash {
        self.record(
            F::KIND,
            streams,
            serde_json::to_value(fields).unwrap(),
            vec![],
        )
    }

    /// Records the heads of all streams.
    pub fn record_heads(&mut self) -> EntryHash {
        let mut map = self.map();
        let heads = Heads {
            root: map.root(),
            size: self.entries.len() as u64,
            streams: map.streams(),
        };
        self.record_fields(&heads, &["heads"])
    }

    pub fn push(&mut self, entry: Entry, payloads: Vec<Payload>) -> EntryHash {
        for link in &entry.header().links {
            let head = Head {
                seq: link.seq,
                hash: entry.hash(),
                recorded_ms: entry.header().recorded_ms,
            };
            self.heads.insert(link.stream.clone(), head);
        }
        let hash = entry.hash();
        self.entries.push((entry, payloads));
        hash
    }

    /// Forgets where a stream ends, as a forger would.
    pub fn rewind(&mut self, name: &str, head: Option<Head>) {
        match head {
            Some(head) => self.heads.insert(stream(name), head),
            None => self.heads.remove(&stream(name)),
        };
    }

    pub fn head(&self, name: &str) -> Head {
        self.heads[&stream(name)]
    }

    pub fn map(&self) -> Map {
        self.heads
            .iter()
            .map(|(stream, head)| (stream, head.seq, head.hash))
            .collect()
    }

    pub fn group(&self) -> Group {
        let hashes: Vec<_> = self.entries.iter().map(|(entry, _)| entry.hash()).collect();
        Frontier::new().append_group(&hashes)
    }

    pub fn checkpoint(&self) -> String {
        let checkpoint = Checkpoint {
            origin: self.journal.clone(),
            size: self.entries.len() as u64,
            root: if self.entries.is_empty() {
                empty_root()
            } else {
                self.group().root()
            },
        };
        checkpoint.sign(&self.log_key()).unwrap()
    }

    /// Exports the whole journal.
    pub fn export(&self) -> Vec<u8> {
        let mut writer = Writer::journal(Vec::new(), &self.journal, &self.checkpoint()).unwrap();
        for (index, (entry, payloads)) in (0..).zip(&self.entries) {
            writer.entry(index, entry, given(payloads)).unwrap();
        }
        writer.finish().unwrap()
    }

    /// Exports the entries that lie in the claimed ranges.
    pub fn export_streams(&self, claims: &Claims) -> Vec<u8> {
        let mut writer =
            Writer::streams(Vec::new(), &self.journal, &self.checkpoint(), claims).unwrap();
        let group = self.group();
        for (index, (entry, payloads)) in (0..).zip(&self.entries) {
            let claimed = entry.header().links.iter().any(|link| {
                claims
                    .ranges
                    .get(&link.stream)
                    .is_some_and(|(from, to)| (*from..=*to).contains(&link.seq))
            });
            if claimed {
                let proof = group.proof(index).unwrap();
                writer
                    .proved_entry(index, entry, &proof, given(payloads))
                    .unwrap();
            }
        }
        writer.finish().unwrap()
    }

    /// Claims the genesis and these ranges, without showing that they are complete.
    pub fn claims(&self, ranges: &[(&str, u64, u64)]) -> Claims {
        let genesis = ("admin", 0, 0);
        let ranges = [&genesis].into_iter().chain(ranges);
        Claims {
            ranges: ranges
                .map(|(name, from, to)| (stream(name), (*from, *to)))
                .collect(),
            ..Claims::default()
        }
    }

    /// Adds what the `heads` entry at `index` says of streams, some of which may not exist.
    pub fn with_heads(&self, mut claims: Claims, index: u64, names: &[&str]) -> Claims {
        let place = usize::try_from(index).unwrap();
        let seq = self.entries[place]
            .0
            .header()
            .link(&StreamName::heads())
            .unwrap()
            .seq;
        let mut heads = BTreeMap::new();
        for (entry, _) in &self.entries[..place] {
            for link in &entry.header().links {
                heads.insert(link.stream.clone(), (link.seq, entry.hash()));
            }
        }
        let mut map: Map = heads
            .iter()
            .map(|(stream, (seq, hash))| (stream, *seq, *hash))
            .collect();
        claims.ranges.insert(StreamName::heads(), (seq, seq));
        claims.heads = Some(HeadsClaim {
            index,
            proofs: names
                .iter()
                .map(|name| (stream(name), map.prove(&stream(name))))
                .collect(),
        });
        claims
    }

    pub fn consistency(&self, size: u64) -> Consistency {
        Consistency {
            size,
            proof: consistency_proof(&self.group(), size, self.entries.len() as u64).unwrap(),
        }
    }

    pub fn proof(&self, index: u64) -> Vec<Hash> {
        inclusion_proof(&self.group(), index, self.entries.len() as u64).unwrap()
    }
}

fn given(payloads: &[Payload]) -> impl Iterator<Item = Option<(&[u8; 32], &[u8])>> {
    payloads
        .iter()
        .map(|payload| Some((&payload.salt, payload.bytes.as_slice())))
}

/// Writes the last line anew, as whoever damages a bundle on purpose would.
pub fn resealed(bundle: &[u8]) -> Vec<u8> {
    use sha2::Digest as _;
    let text = std::str::from_utf8(bundle).unwrap();
    let body = &text[..text.rfind("end ").unwrap()];
    let mut hasher = sha2::Sha256::new();
    for line in body.split_inclusive('\n') {
        // What has a hash of its own is left out, as `docs/bundle.md` says.
        let named = line.starts_with("e ") || line.starts_with("p ");
        let third_space = line.match_indices(' ').nth(2).filter(|_| named);
        hasher.update(&line[..third_space.map_or(line.len(), |(at, _)| at + 1)]);
    }
    let digest = hex::encode(hasher.finalize());
    format!("{body}end {} {digest}\n", body.lines().count()).into_bytes()
}
