//! Signed notes (C2SP signed-note) with Ed25519, and the checkpoints (C2SP tlog-checkpoint) that they carry.
//!
//! A note is a text, an empty line, and signature lines `— <key name> <base64 of key id ‖ signature>`. A key's id is
//! the first four bytes of `SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key)`. The name of a log's key is the journal's id,
//! which is also the origin of its checkpoints.

mod checkpoint;
mod vkey;

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::key::{LogKey, Signature};

pub use checkpoint::Checkpoint;
pub use vkey::Vkey;

/// A note longer than this is nothing of ours.
const NOTE_BYTES_MAX: usize = 64 * 1024;
/// More signatures than a log with its witnesses has.
const SIGNATURES_MAX: usize = 32;

/// A text with the signatures that it came with. Only [`Note::open`] says whether one of them holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

/// One signature line of a note.
#[derive(Debug, Clone, PartialEq, Eq)]
struct NoteSignature {
    name: String,
    /// The key id and the signature, as the line holds them.
    bytes: Vec<u8>,
}

/// Why a note is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// The text is not of a note's form.
    #[error("the note is malformed: {0}")]
    Form(&'static str),
    /// No signature is by the key.
    #[error("the note has no signature by `{0}`")]
    Unsigned(String),
    /// A signature that names the key is not its.
    #[error("the note's signature by `{0}` is wrong")]
    Signature(String),
    /// The text is no checkpoint.
    #[error("the checkpoint is malformed: {0}")]
    Checkpoint(&'static str),
    /// The checkpoint is another log's.
    #[error("the checkpoint is of `{found}`, not of `{expected}`")]
    Origin {
        /// Whose it should be.
        expected: String,
        /// Whose it is.
        found: String,
    },
}

impl Note {
    /// Signs a text, which consists of whole lines.
    ///
    /// # Errors
    /// When the text is empty, does not end with a line feed, or holds another control character.
    pub fn sign(text: String, key: &LogKey) -> Result<Self, NoteError> {
        let signature = key.sign(text.as_bytes());
        Self::signed_with(text, key.vkey(), signature)
    }

    /// Adds a signature by one more key.
    pub fn add_signature(&mut self, key: &LogKey) {
        let signature = key.sign(self.text.as_bytes());
        self.put(key.vkey(), signature);
    }

    /// Puts a signature to a text, without asking whether it holds.
    fn signed_with(text: String, key: &Vkey, signature: Signature) -> Result<Self, NoteError> {
        check_text(&text)?;
        let mut note = Self {
            text,
            signatures: Vec::new(),
        };
        note.put(key, signature);
        Ok(note)
    }

    fn put(&mut self, key: &Vkey, signature: Signature) {
        self.signatures.push(NoteSignature {
            name: key.name().to_owned(),
            bytes: [key.id().as_slice(), &signature.0].concat(),
        });
    }

    /// Checks that the note is signed by a key, and returns its text.
    ///
    /// # Errors
    /// When the key's signature is missing or wrong. Signatures by other keys prove nothing and do no harm.
    pub fn open(&self, key: &Vkey) -> Result<&str, NoteError> {
        let id = key.id();
        let mut signatures = self
            .signatures
            .iter()
            .filter(|signature| signature.name == key.name() && signature.bytes.starts_with(&id))
            .peekable();
        if signatures.peek().is_none() {
            return Err(NoteError::Unsigned(key.to_string()));
        }
        let all_hold = signatures.all(|signature| {
            signature
                .bytes
                .get(id.len()..)
                .and_then(|bytes| <&[u8; 64]>::try_from(bytes).ok())
                .is_some_and(|bytes| key.public().verifies(self.text.as_bytes(), bytes))
        });
        if all_hold {
            Ok(&self.text)
        } else {
            Err(NoteError::Signature(key.to_string()))
        }
    }

    /// Returns the text without asking who signed it.
    #[must_use]
    pub fn unverified_text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Note {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}", self.text)?;
        for signature in &self.signatures {
            writeln!(
                out,
                "— {} {}",
                signature.name,
                STANDARD.encode(&signature.bytes)
            )?;
        }
        Ok(())
    }
}

impl FromStr for Note {
    type Err = NoteError;

    fn from_str(note: &str) -> Result<Self, NoteError> {
        if note.len() > NOTE_BYTES_MAX {
            return Err(NoteError::Form("it is over 64 KiB"));
        }
        let (text, lines) = note
            .rsplit_once("\n\n")
            .ok_or(NoteError::Form("no empty line before the signatures"))?;
        let text = format!("{text}\n");
        check_text(&text)?;
        let lines = lines
            .strip_suffix('\n')
            .ok_or(NoteError::Form("the last line is not ended"))?;
        let signatures = lines
            .split('\n')
            .map(NoteSignature::parse)
            .collect::<Result<Vec<_>, _>>()?;
        if signatures.len() > SIGNATURES_MAX {
            return Err(NoteError::Form("too many signatures"));
        }
        Ok(Self { text, signatures })
    }
}

impl NoteSignature {
    fn parse(line: &str) -> Result<Self, NoteError> {
        let wrong = NoteError::Form("a line is no signature");
        let (name, encoded) = line
            .strip_prefix("— ")
            .and_then(|rest| rest.split_once(' '))
            .ok_or(wrong.clone())?;
        let bytes = STANDARD.decode(encoded).map_err(|_| wrong.clone())?;
        if bytes.len() <= 4 || !vkey::is_key_name(name) {
            return Err(wrong);
        }
        Ok(Self {
            name: name.to_owned(),
            bytes,
        })
    }
}

fn check_text(text: &str) -> Result<(), NoteError> {
    if !text.ends_with('\n') {
        return Err(NoteError::Form("the text does not end with a line feed"));
    }
    if text.bytes().any(|byte| byte < 0x20 && byte != b'\n') {
        return Err(NoteError::Form("the text holds a control character"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of Go's `golang.org/x/mod/sumdb/note`, from which the C2SP specification grew.
    const KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const NOTE: &str = "If you think cryptography is the answer to your problem,\n\
        then you don't know what your problem is.\n\n\
        — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    fn log_key(journal: &str, seed: u8) -> LogKey {
        LogKey::new(&journal.parse().unwrap(), &[seed; 32])
    }

    #[test]
    fn a_note_that_another_implementation_signed_is_read_and_written_to_the_byte() {
        let note: Note = NOTE.parse().unwrap();
        assert_eq!(
            note.open(&KEY.parse().unwrap()).unwrap(),
            NOTE.split("\n—").next().unwrap()
        );
        assert_eq!(note.to_string(), NOTE);
    }

    #[test]
    fn a_changed_note_is_refused() {
        let key: Vkey = KEY.parse().unwrap();
        for at in 0..NOTE.len() {
            let mut bytes = NOTE.as_bytes().to_vec();
            bytes[at] ^= 1;
            let opened = String::from_utf8(bytes)
                .ok()
                .and_then(|text| text.parse::<Note>().ok())
                .and_then(|note| note.open(&key).ok().map(str::to_owned));
            assert_eq!(opened, None, "byte {at}");
        }
    }

    #[test]
    fn each_of_several_signers_is_found_and_a_stranger_is_not() {
        let [first, second, stranger] = [1, 2, 3].map(|seed| log_key("trailmark/acme", seed));
        let mut note = Note::sign("a text\n".to_owned(), &first).unwrap();
        note.add_signature(&second);
        let read: Note = note.to_string().parse().unwrap();
        assert_eq!(read, note);
        assert_eq!(read.open(first.vkey()).unwrap(), "a text\n");
        assert_eq!(read.open(second.vkey()).unwrap(), "a text\n");
        assert!(matches!(
            read.open(stranger.vkey()),
            Err(NoteError::Unsigned(_))
        ));
    }

    #[test]
    fn a_note_has_one_spelling() {
        let good = Note::sign("a text\n".to_owned(), &log_key("trailmark/acme", 1))
            .unwrap()
            .to_string();
        for bad in [
            good.trim_end().to_owned(),
            format!("{good}\n"),
            good.replace("\n\n", "\n"),
            good.replace("— ", "- "),
            good.replace("— ", "—  "),
            good.replace('\n', "\r\n"),
            good.replace("a text", "a\ttext"),
            "a text\n\n".to_owned(),
            format!("a text\n\n{}", "— a AAAAAAAA\n".repeat(33)),
            format!("{}\n\n— a AAAAAAAA\n", "x".repeat(70_000)),
        ] {
            assert!(bad.parse::<Note>().is_err(), "accepted `{bad}`");
        }
        assert!(Note::sign("no line feed".to_owned(), &log_key("trailmark/acme", 1)).is_err());
    }

    #[test]
    fn a_verifier_key_has_one_spelling_and_the_id_that_belongs_to_it() {
        for bad in [
            "",
            "PeterNeumann",
            "PeterNeumann+c74f20a3",
            "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "PeterNeumann+c74f20a3+AhpC2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq",
        ] {
            assert!(bad.parse::<Vkey>().is_err(), "accepted `{bad}`");
        }
    }

    #[test]
    fn a_checkpoint_is_its_logs_own_and_has_three_lines() {
        let key = log_key("trailmark/acme", 1);
        let checkpoint = Checkpoint {
            origin: "trailmark/acme".parse().unwrap(),
            size: 20,
            root: model::Root([3; 32]),
        };
        let note = checkpoint.sign(&key).unwrap();
        assert_eq!(Checkpoint::open(&note, key.vkey()).unwrap(), checkpoint);
        let other = Checkpoint {
            origin: "trailmark/other".parse().unwrap(),
            ..checkpoint.clone()
        };
        let note = other.sign(&key).unwrap();
        assert!(matches!(
            Checkpoint::open(&note, key.vkey()),
            Err(NoteError::Origin { .. })
        ));
        let text = checkpoint.to_string();
        for bad in [
            text.replace("20", "020"),
            text.replace("20", "+20"),
            text.replace("20", "-1"),
            text.replace("20", "99999999999999999999"),
            text.replace('=', ""),
            text.replace("trailmark/", ""),
            format!("{text}an extension\n"),
            text.trim_end().to_owned(),
        ] {
            assert!(bad.parse::<Checkpoint>().is_err(), "accepted `{bad}`");
        }
    }
}
