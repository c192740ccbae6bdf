//! Verification of a whole journal, in entries and bytes per second, beside its floor: bare SHA-256 of the same bytes.

#![expect(clippy::expect_used, reason = "a benchmark stops where it fails")]

use std::collections::HashMap;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use journal::bundle::Writer;
use journal::key::{LogKey, PermitKey};
use journal::kind::{Genesis, Heads};
use journal::map::{Leaf, Map};
use journal::note::Checkpoint;
use journal::tree::Frontier;
use journal::verify::{Pin, verify};
use journal::{Draft, Head, link};
use model::kind::Fields as _;
use model::{By, Entry, EntryHash, JournalId, StreamName};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

const ENTRIES: u64 = 100_000;

/// A journal of attestations, each in an artifact's and a trail's stream, ten to an artifact, with its `heads` entries.
fn journal() -> (Vec<Entry>, Vec<u8>) {
    let id: JournalId = "trailmark/bench".parse().expect("a journal id");
    let key = LogKey::new(&id, &[1; 32]);
    let mut recorded = Recorded::new(id.clone());
    let genesis = Genesis {
        format: 1,
        log_key: key.vkey().clone(),
        name: "Bench".to_owned(),
        people_by_key: false,
        permit_key: PermitKey::new(&[2; 32]).public(),
        solo: true,
    };
    let fields = genesis.encode().expect("fields");
    recorded.record(Genesis::KIND, vec![StreamName::admin()], fields);
    for number in 1..ENTRIES {
        if number.is_multiple_of(10_000) {
            let heads = Heads {
                root: recorded.map.root(),
                size: number,
                streams: recorded.map.streams(),
            };
            let fields = heads.encode().expect("fields");
            recorded.record(Heads::KIND, vec![StreamName::heads()], fields);
        } else {
            let (streams, fields) = attestation(number);
            recorded.record("attestation", streams, fields);
        }
    }
    let checkpoint = Checkpoint::of(&id, &recorded.frontier);
    let note = checkpoint.sign(&key).expect("a note");
    let mut writer = Writer::journal(Vec::new(), &id, &note).expect("memory");
    for (index, entry) in (0..).zip(&recorded.entries) {
        writer.entry(index, entry, []).expect("memory");
    }
    (recorded.entries, writer.finish().expect("memory"))
}

fn attestation(number: u64) -> (Vec<StreamName>, Box<RawValue>) {
    let artifact = number / 10;
    let fingerprint = hex::encode(Sha256::digest(artifact.to_be_bytes()));
    let streams = vec![
        format!("artifact/{fingerprint}").parse().expect("a stream"),
        format!("trail/payments/{artifact}")
            .parse()
            .expect("a stream"),
    ];
    let fields = format!(
        r#"{{"fingerprint":"{fingerprint}","flow":"payments","name":"check-{number}","outcome":"passed","subject":"artifact","trail":"{artifact}","type":"junit"}}"#
    );
    (streams, RawValue::from_string(fields).expect("JSON"))
}

struct Recorded {
    id: JournalId,
    entries: Vec<Entry>,
    heads: HashMap<StreamName, Head>,
    map: Map,
    frontier: Frontier,
}

impl Recorded {
    fn new(id: JournalId) -> Self {
        Self {
            id,
            entries: Vec::new(),
            heads: HashMap::new(),
            map: Map::new(),
            frontier: Frontier::new(),
        }
    }

    fn record(&mut self, kind: &str, streams: Vec<StreamName>, fields: Box<RawValue>) {
        let heads: Vec<_> = streams
            .iter()
            .map(|stream| self.heads.get(stream).copied())
            .collect();
        let draft = Draft {
            by: By::recorder(),
            claimed_ms: Some(1_699_999_999_000),
            fields,
            kind: kind.parse().expect("a kind"),
            streams,
            payloads: Vec::new(),
            idempotency: None,
            expected: Vec::new(),
            large: Vec::new(),
        };
        let entry = link(&self.id, &draft, &heads, 1_700_000_000_000).expect("an entry");
        for link in &entry.header().links {
            let head = Head {
                seq: link.seq,
                hash: entry.hash(),
                recorded_ms: 1_700_000_000_000,
            };
            self.heads.insert(link.stream.clone(), head);
            self.map
                .set(Leaf::new(&link.stream, link.seq, entry.hash()));
        }
        self.frontier.append(&entry.hash());
        self.entries.push(entry);
    }
}

fn bench(criterion: &mut Criterion) {
    let (entries, bundle) = journal();
    let headers: usize = entries.iter().map(|entry| entry.bytes().len()).sum();
    let mean = headers / entries.len();
    verify(bundle.as_slice(), &Pin::default()).expect("a journal that verifies");

    let mut group = criterion.benchmark_group(format!("100000 entries of {mean} bytes"));
    group.sample_size(20);
    group.throughput(Throughput::Elements(ENTRIES));
    group.bench_function("verify", |bencher| {
        bencher.iter(|| verify(black_box(bundle.as_slice()), &Pin::default()).expect("verified"));
    });
    group.bench_function(BenchmarkId::new("part", "Entry::parse"), |bencher| {
        bencher.iter(|| {
            for entry in &entries {
                black_box(Entry::parse(black_box(entry.bytes())).expect("an entry"));
            }
        });
    });
    group.bench_function(BenchmarkId::new("part", "canonical::check"), |bencher| {
        bencher.iter(|| {
            for entry in &entries {
                model::canonical::check(black_box(entry.bytes())).expect("canonical");
            }
        });
    });
    group.bench_function(BenchmarkId::new("part", "tree"), |bencher| {
        let hashes: Vec<EntryHash> = entries.iter().map(Entry::hash).collect();
        bencher.iter(|| {
            let mut frontier = Frontier::new();
            for hash in &hashes {
                frontier.append(black_box(hash));
            }
            frontier.root()
        });
    });
    group.bench_function(
        BenchmarkId::new("floor", "sha256 of the headers"),
        |bencher| {
            bencher.iter(|| {
                for entry in &entries {
                    black_box(Sha256::digest(black_box(entry.bytes())));
                }
            });
        },
    );
    group.throughput(Throughput::Bytes(bundle.len() as u64));
    group.bench_function(
        BenchmarkId::new("floor", "sha256 of the bundle"),
        |bencher| {
            bencher.iter(|| Sha256::digest(black_box(&bundle)));
        },
    );
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
