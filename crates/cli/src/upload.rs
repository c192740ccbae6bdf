//! A report, or a policy, that is too large for a request: announced, sent, and named by what records it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use model::{Fingerprint, Name};
use recorder::AnnounceUpload;
use serde::Deserialize;

use crate::client::Client;

/// Where it comes from.
pub(crate) enum Source {
    File(PathBuf),
    /// Standard input, read: it cannot be read twice.
    Bytes(Vec<u8>),
}

/// What an announcement is answered with.
#[derive(Deserialize)]
struct Announced {
    upload: String,
    url: String,
    headers: BTreeMap<String, String>,
}

impl Source {
    /// Takes a file; `-` is standard input.
    pub(crate) fn open(file: &Path) -> Result<Self> {
        if file != Path::new("-") {
            return Ok(Self::File(file.to_owned()));
        }
        let mut bytes = Vec::new();
        std::io::stdin()
            .read_to_end(&mut bytes)
            .context("could not read standard input")?;
        Ok(Self::Bytes(bytes))
    }

    pub(crate) fn size(&self) -> Result<u64> {
        match self {
            Self::File(file) => {
                let found = std::fs::metadata(file).with_context(|| unreadable(file))?;
                Ok(found.len())
            }
            Self::Bytes(bytes) => Ok(bytes.len() as u64),
        }
    }

    /// Reads all of it: of one that goes with its event.
    pub(crate) fn read(self) -> Result<Vec<u8>> {
        match self {
            Self::File(file) => std::fs::read(&file).with_context(|| unreadable(&file)),
            Self::Bytes(bytes) => Ok(bytes),
        }
    }

    fn reader(&self) -> Result<Box<dyn Read>> {
        Ok(match self {
            Self::File(file) => Box::new(File::open(file).with_context(|| unreadable(file))?),
            Self::Bytes(bytes) => Box::new(Cursor::new(bytes.clone())),
        })
    }

    fn sha256(&self) -> Result<Fingerprint> {
        let hashed = evidence::fingerprint::of_reader(self.reader()?);
        hashed.context("could not read what is uploaded")
    }
}

/// Uploads a report for a flow, or a policy's code for none, and returns the name by which it is recorded.
pub(crate) fn send(client: &Client, flow: Option<&Name>, source: &Source) -> Result<String> {
    let size = source.size()?;
    let wanted = AnnounceUpload {
        flow: flow.cloned(),
        sha256: source.sha256()?,
        size,
    };
    let answer = client.post("/v1/uploads", &wanted)?;
    let announced: Announced =
        serde_json::from_value(answer).context("the recorder's answer is no announcement")?;
    client.put(&announced.url, &announced.headers, &|| {
        Ok((size, source.reader()?))
    })?;
    Ok(announced.upload)
}

fn unreadable(file: &Path) -> String {
    format!("could not read `{}`", file.display())
}
