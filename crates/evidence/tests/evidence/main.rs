//! What comes of real and of hostile reports, through the public interface only.

#[cfg(test)]
#[cfg(unix)]
mod fingerprint;
#[cfg(test)]
mod generic;
#[cfg(test)]
mod junit;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod provenance;
#[cfg(test)]
mod pull_request;
#[cfg(test)]
mod sarif;

#[cfg(test)]
mod reading {
    use std::error::Error;

    use std::io::Read;

    use evidence::{EvidenceError, Extracted, PersonId, extract, extract_stream};

    /// Alice and Bob are registered, Alice under two aliases; nobody else is.
    pub fn people(alias: &str) -> Option<PersonId> {
        let id = match alias {
            "github:alice" | "email:alice@example.com" => "person-00000000000000aa",
            "github:bob" => "person-00000000000000bb",
            _ => return None,
        };
        Some(id.parse().unwrap())
    }

    /// Reads a report that must be readable, and returns its outcome and facts as text.
    pub fn facts(attestation_type: &str, raw: impl AsRef<[u8]>) -> String {
        let extracted = extract(attestation_type, raw.as_ref(), &people).unwrap();
        assert_eq!(streamed(attestation_type, raw.as_ref()).unwrap(), extracted);
        model::canonical::check(&extracted.facts).unwrap();
        format!(
            "{:?} {}",
            extracted.outcome,
            String::from_utf8(extracted.facts).unwrap()
        )
    }

    /// Reads a report that must be refused, and returns the error with its causes.
    pub fn refusal(attestation_type: &str, raw: impl AsRef<[u8]>) -> String {
        streamed(attestation_type, raw.as_ref()).unwrap_err();
        chain(extract(attestation_type, raw.as_ref(), &people).unwrap_err())
    }

    /// Reads a report as it comes, a few bytes at a time.
    pub fn streamed(attestation_type: &str, raw: &[u8]) -> Result<Extracted, EvidenceError> {
        extract_stream(attestation_type, &mut Trickle(raw), &people)
    }

    struct Trickle<'a>(&'a [u8]);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let few = buffer.len().min(1 + self.0.len() % 7);
            self.0.read(&mut buffer[..few])
        }
    }

    pub fn chain(error: EvidenceError) -> String {
        let hint = error
            .hint()
            .map(|hint| format!(" [{hint}]"))
            .unwrap_or_default();
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        text + &hint
    }
}
