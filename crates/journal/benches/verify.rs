//! Verification of a whole journal, in entries and bytes per second, beside its floor: bare SHA-256 of the same bytes.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a benchmark stops where it fails"
)]

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
    let mut entries = vec![genesis(&id, &key)];
    let mut map = Map::new();
    let mut heads_head = None;
    for number in 1..ENTRIES {
        let entry = if number % 10_000 == 0 {
            let heads = Heads {
                root: map.root(),
                size: number,
                streams: map.streams(),
            };
            let streams = vec![StreamName::heads()];
            let fields = heads.encode().expect("fields");
            let entry = linked(&id, Heads::KIND, streams, fields, &[heads_head]);
            heads_head = Some(head(&entry, 0));
            entry
        } else {
            attestation(&id, number, entries.last())
        };
        for link in &entry.header().links {
            map.set(Leaf::new(&link.stream, link.seq, entry.hash()));
        }
        if number == 1 {
            map.set(Leaf::new(&StreamName::admin(), 0, entries[0].hash()));
        }
        entries.push(entry);
    }
    let mut frontier = Frontier::new();
    for entry in &entries {
        frontier.append(&entry.hash());
    }
    let checkpoint = Checkpoint::of(&id, &frontier).sign(&key).expect("a note");
    let mut writer = Writer::journal(Vec::new(), &id, &checkpoint).expect("memory");
    for (index, entry) in (0..).zip(&entries) {
        writer.entry(index, entry, []).expect("memory");
    }
    (entries, writer.finish().expect("memory"))
}

fn genesis(id: &JournalId, key: &LogKey) -> Entry {
    let genesis = Genesis {
        format: 1,
        log_key: key.vkey().clone(),
        name: "Bench".to_owned(),
        people_by_key: false,
        permit_key: PermitKey::new(&[2; 32]).public(),
        solo: true,
    };
    let fields = genesis.encode().expect("fields");
    linked(
        id,
        Genesis::KIND,
        vec![StreamName::admin()],
        fields,
        &[None],
    )
}

fn attestation(id: &JournalId, number: u64, before: Option<&Entry>) -> Entry {
    let fingerprint = hex::encode(Sha256::digest((number / 10).to_be_bytes()));
    let streams = vec![
        format!("artifact/{fingerprint}").parse().expect("a stream"),
        format!("trail/payments/{}", number / 10)
            .parse()
            .expect("a stream"),
    ];
    let fields = format!(
        r#"{{"fingerprint":"{fingerprint}","flow":"payments","name":"check-{number}","outcome":"passed","subject":"artifact","trail":"{}","type":"junit"}}"#,
        number / 10
    );
    let follows = |entry: &&Entry| {
        number % 10 != 0 && number > 1 && entry.header().link(&streams[0]).is_some()
    };
    let heads = match before.filter(follows) {
        Some(before) => streams
            .iter()
            .map(|stream| {
                Some(head(
                    before,
                    before.header().link(stream).expect("a link").seq,
                ))
            })
            .collect(),
        None => vec![None, None],
    };
    linked(
        id,
        "attestation",
        streams,
        RawValue::from_string(fields).expect("JSON"),
        &heads,
    )
}

const fn head(entry: &Entry, seq: u64) -> Head {
    Head {
        seq,
        hash: entry.hash(),
        recorded_ms: 1_700_000_000_000,
    }
}

fn linked(
    id: &JournalId,
    kind: &str,
    streams: Vec<StreamName>,
    fields: Box<RawValue>,
    heads: &[Option<Head>],
) -> Entry {
    let draft = Draft {
        by: By::recorder(),
        claimed_ms: Some(1_699_999_999_000),
        fields,
        kind: kind.parse().expect("a kind"),
        streams,
        payloads: Vec::new(),
        idempotency: None,
        expected: Vec::new(),
    };
    link(id, &draft, heads, 1_700_000_000_000).expect("an entry")
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
