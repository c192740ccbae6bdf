use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;
use journal::Receipt;
use journal::note::Vkey;
use journal::receipt::Standing;
use journal::verify::{self, Complete, Pin, Report};
use model::EntryHash;
use recorder::timestamp;
use serde_json::Value;

use super::Global;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Page, printable};

/// Verifies a bundle or a receipt, and says what that proves.
///
/// It needs the bytes alone, no recorder and no network. Exits with 4 when something is wrong, and names the first entry that is.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The bundle, as `trailmark export` writes it.
    #[arg(required_unless_present = "receipt")]
    file: Option<PathBuf>,
    /// The journal's log key, from somewhere else than the bundle: `name+id+base64`.
    #[arg(long, env = "TRAILMARK_LOG_KEY", value_name = "VKEY")]
    key: Option<Vkey>,
    /// A checkpoint that was kept: the bundle's log must begin with it.
    #[arg(long, value_name = "FILE", conflicts_with = "receipt")]
    checkpoint: Option<PathBuf>,
    /// Verifies a receipt instead: that its entry is in the log, or is promised to be.
    #[arg(long, value_name = "FILE", conflicts_with = "file", requires = "key")]
    receipt: Option<PathBuf>,
    /// The entry that the receipt must be of [default: the one it names].
    #[arg(long, requires = "receipt")]
    entry: Option<EntryHash>,
}

impl Verify {
    pub(crate) fn run(self, global: &Global) -> Result<Exit> {
        match (&self.file, &self.receipt, &self.key) {
            (_, Some(receipt), Some(key)) => self.verify_receipt(global, receipt, key),
            (Some(file), ..) => {
                let bundle = open(file)?;
                let report = verify::verify(bundle, &self.pin()?).map_err(wrong)?;
                global
                    .output()
                    .answer(&report, |page| shown(page, &report))?;
                Ok(Exit::Done)
            }
            _ => Err(Failure::usage("there is nothing to verify").into()),
        }
    }

    fn pin(&self) -> Result<Pin> {
        let checkpoint = self.checkpoint.as_ref().map(|path| {
            std::fs::read_to_string(path)
                .with_context(|| format!("could not read `{}`", path.display()))
        });
        Ok(Pin {
            checkpoint: checkpoint.transpose()?,
            log_key: self.key.clone(),
        })
    }

    fn verify_receipt(&self, global: &Global, path: &Path, key: &Vkey) -> Result<Exit> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("could not read `{}`", path.display()))?;
        let receipt = read_receipt(&text)?;
        let entry = self.entry.unwrap_or(*receipt.entry());
        let standing = receipt.verify(&entry, key).map_err(|error| {
            Failure::new(Exit::Unverified, "the receipt does not hold").because(error)
        })?;
        global.output().answer(&receipt, |page| {
            let good = page.style.good("verified");
            match standing {
                Standing::Proved { index, checkpoint } => {
                    page.line(format!("{good}  entry {entry} is in the log"));
                    page.fields([
                        ("index", index.to_string()),
                        ("of", format!("{} entries", checkpoint.size)),
                    ]);
                }
                Standing::Promised { latest_ms } => {
                    let latest = timestamp::format(latest_ms);
                    page.line(format!("{good}  entry {entry} is promised by {latest}"));
                    page.line("it is not yet proved to be in the log: ask again after that time");
                }
            }
        })?;
        Ok(Exit::Done)
    }
}

/// Opens a bundle to read.
pub(crate) fn open(path: &Path) -> Result<BufReader<File>> {
    let file = File::open(path).with_context(|| format!("could not read `{}`", path.display()))?;
    Ok(BufReader::with_capacity(1 << 16, file))
}

/// A bundle in which something is wrong.
pub(crate) fn wrong(fault: verify::Fault) -> Failure {
    let place = fault.place.clone();
    Failure::new(Exit::Unverified, format!("verification failed at {place}")).because(fault.wrong)
}

/// Reads a receipt, or the answer that it came with.
fn read_receipt(text: &str) -> Result<Receipt> {
    let mut value: Value = serde_json::from_str(text)
        .map_err(|error| Failure::new(Exit::Unverified, "the file is no receipt").because(error))?;
    if let Some(inner) = value.get_mut("receipt") {
        value = inner.take();
    }
    Ok(serde_json::from_value(value)
        .map_err(|error| Failure::new(Exit::Unverified, "the file is no receipt").because(error))?)
}

/// Says what was proved, in the words of the design: included, complete, unique.
pub(super) fn shown(page: &mut Page, report: &Report) {
    let good = page.style.good("verified");
    page.line(format!("{good}  {}", printable(report.journal.as_str())));
    let complete = match &report.complete {
        Complete::Journal { streams } => format!("all {streams} streams"),
        Complete::Streams(ranges) if ranges.is_empty() => "nothing is shown to be".to_owned(),
        Complete::Streams(ranges) => format!("{} streams, up to their ends", ranges.len()),
    };
    let unique = if report.unique {
        "every header of the log was checked"
    } else {
        "not shown: the bundle does not hold every entry"
    };
    let payloads = match report.payloads_absent {
        0 => report.payloads.to_string(),
        absent => format!(
            "{}, and {absent} that are not in the bundle",
            report.payloads
        ),
    };
    page.fields([
        (
            "log",
            format!("{} entries, root {}", report.size, report.root),
        ),
        ("included", format!("{} entries", report.included)),
        ("complete", complete),
        ("unique", unique.to_owned()),
        ("payloads", payloads),
        ("log key", report.log_key.to_string()),
        ("permit key", report.permit_key.to_string()),
    ]);
    if let Some(size) = report.consistent_with {
        page.line(format!(
            "the log begins with the {size} entries of the checkpoint"
        ));
    }
    for lost in &report.recovered {
        page.line(format!(
            "the journal admits to a loss: entries {} to {}, {}",
            lost.lost_from,
            lost.lost_to,
            printable(&lost.reason)
        ));
    }
    if !report.pinned {
        page.line("the log key is the bundle's own word: compare it, or pass it with `--key`");
    }
}
