//! The proof vectors of the transparency logs' community, where they lie beside the checkout.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use journal::tree::{Hash, verify_consistency, verify_inclusion};
use model::EntryHash;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

fn vectors(sort: &str) -> Vec<(PathBuf, Value)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data/merkle/testdata")
        .join(sort);
    if !root.exists() {
        println!("skipped: no proof vectors at `{}`", root.display());
        return Vec::new();
    }
    let mut folders = vec![root];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
                found.push((path, value));
            }
        }
    }
    assert!(found.len() > 50, "only {} vectors", found.len());
    found
}

fn hash(value: &Value) -> Option<Hash> {
    let bytes = STANDARD.decode(value.as_str()?).ok()?;
    bytes.try_into().ok().map(Hash)
}

/// Some vectors have words where a root should stand: each word stands for a root of its own.
fn root(value: &Value) -> Option<Hash> {
    hash(value).or_else(|| Some(Hash(Sha256::digest(value.as_str()?).into())))
}

fn proof(value: &Value) -> Option<Vec<Hash>> {
    value
        .as_array()
        .map_or(Some(Vec::new()), |hashes| hashes.iter().map(hash).collect())
}

#[test]
fn inclusion_is_proved_exactly_where_the_vectors_say_so() {
    for (path, vector) in vectors("inclusion") {
        let holds = || {
            let leaf = EntryHash(hash(&vector["leafHash"])?.0);
            let (index, size) = (vector["leafIdx"].as_u64()?, vector["treeSize"].as_u64()?);
            let root = hash(&vector["root"])?;
            verify_inclusion(&leaf, index, size, &proof(&vector["proof"])?, &root).ok()
        };
        assert_eq!(
            holds().is_none(),
            vector["wantErr"] == true,
            "{}",
            path.display()
        );
    }
}

#[test]
fn consistency_is_proved_exactly_where_the_vectors_say_so() {
    for (path, vector) in vectors("consistency") {
        let holds = || {
            let (old, new) = (vector["size1"].as_u64()?, vector["size2"].as_u64()?);
            let (old_root, root) = (root(&vector["root1"])?, root(&vector["root2"])?);
            verify_consistency(old, new, &proof(&vector["proof"])?, &old_root, &root).ok()
        };
        assert_eq!(
            holds().is_none(),
            vector["wantErr"] == true,
            "{}",
            path.display()
        );
    }
}
