use std::path::PathBuf;

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use model::Name;
use model::limits::PAYLOAD_BYTES_MAX;
use recorder::{Event, Report};

use super::Global;
use crate::argument::{OnTrail, Once};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::show;
use crate::subject::Artifact;
use crate::upload::{self, Source};

/// Records evidence about an artifact, or about a trail. A report over 4 MB is uploaded first.
#[derive(Debug, Args)]
pub(crate) struct Attest {
    /// The type of evidence: `junit`, `sarif`, `pull-request` or `generic`.
    #[arg(value_name = "TYPE")]
    attestation_type: Name,
    /// The report; `-` reads standard input.
    file: PathBuf,
    #[command(flatten)]
    on: OnTrail,
    /// The artifact that it is about: a fingerprint, or a file or directory [default: it is about the trail].
    #[arg(long)]
    artifact: Option<Artifact>,
    /// What it is called [default: `unit-tests` for JUnit, `security-scan` for SARIF, `pull-request`].
    #[arg(long)]
    name: Option<Name>,
    #[command(flatten)]
    once: Once,
}

impl Attest {
    pub(crate) fn run(self, global: &Global) -> Result<Exit> {
        let name = match self.name {
            Some(name) => name,
            None => default_name(&self.attestation_type)?,
        };
        let fingerprint = self
            .artifact
            .as_ref()
            .map(Artifact::fingerprint)
            .transpose()?;
        let client = global.client()?;
        let source = Source::open(&self.file)?;
        let report = if source.size()? > PAYLOAD_BYTES_MAX as u64 {
            Report::Upload(upload::send(&client, Some(&self.on.flow), &source)?)
        } else {
            report(source.read()?)
        };
        let event = Event::Attestation(recorder::Attest {
            fingerprint,
            flow: self.on.flow,
            name: name.clone(),
            report,
            trail: self.on.trail,
            attestation_type: self.attestation_type.clone(),
        });
        let answer = client.record(&event, &self.once.key()?)?;
        let what = format!("{} {name}", self.attestation_type);
        global
            .output()
            .answer(&answer, |page| show::recorded(page, &what, &answer))?;
        Ok(Exit::Done)
    }
}

/// What evidence of a type is called where nobody says: as the policies that come with Trailmark expect it.
fn default_name(attestation_type: &Name) -> Result<Name> {
    let name = match attestation_type.as_str() {
        "junit" => "unit-tests",
        "sarif" => "security-scan",
        "pull-request" => "pull-request",
        other => {
            let failure =
                Failure::usage(format!("evidence of type `{other}` has no name of its own"));
            return Err(failure.with_hint("name it: `--name`").into());
        }
    };
    Ok(name.parse()?)
}

/// Sends text as it is, and anything else in base64.
fn report(bytes: Vec<u8>) -> Report {
    match String::from_utf8(bytes) {
        Ok(text) => Report::Text(text),
        Err(error) => Report::Base64(STANDARD.encode(error.as_bytes())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_sent_byte_for_byte() {
        assert!(matches!(report(b"<a/>".to_vec()), Report::Text(text) if text == "<a/>"));
        let latin = b"<a b='\xe9'/>".to_vec();
        assert!(
            matches!(report(latin.clone()), Report::Base64(text) if STANDARD.decode(&text).unwrap() == latin)
        );
    }

    #[test]
    fn only_what_policies_know_by_name_has_one() {
        assert_eq!(
            default_name(&"junit".parse().unwrap()).unwrap().as_str(),
            "unit-tests"
        );
        assert!(default_name(&"generic".parse().unwrap()).is_err());
    }
}
