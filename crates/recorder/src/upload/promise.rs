//! The name of an upload, which is all that is kept of its announcement.

use model::{Fingerprint, Name};
use store::bulk::Upload;
use subtle::ConstantTimeEq as _;

use super::UploadError;
use crate::recorder::keyed_digest;

/// What an upload's name says: `<sha-256>~<size>~<until>~<key>~<flow>~<signature>`, all of it safe in a URL. A policy's code has
/// no flow: nothing stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Promise {
    pub(super) upload: Upload,
    pub(super) flow: Option<Name>,
    pub(super) until_ms: u64,
}

impl Promise {
    pub(super) fn write(&self, key: &[u8; 32]) -> String {
        let Upload { sha256, size, .. } = &self.upload;
        let said = format!(
            "{}~{size}~{}~{}~{}",
            hex::encode(sha256),
            self.until_ms,
            self.upload.key,
            self.flow.as_ref().map_or("", Name::as_str)
        );
        let signature = hex::encode(keyed_digest(key, &said));
        format!("{said}~{signature}")
    }

    pub(super) fn read(name: &str, key: &[u8; 32]) -> Result<Self, UploadError> {
        let (said, signature) = name.rsplit_once('~').ok_or(UploadError::Unknown)?;
        let mut found = [0; 32];
        hex::decode_to_slice(signature, &mut found).map_err(|_| UploadError::Unknown)?;
        if !bool::from(keyed_digest(key, said).ct_eq(&found)) {
            return Err(UploadError::Unknown);
        }
        Self::parse(said).ok_or(UploadError::Unknown)
    }

    fn parse(said: &str) -> Option<Self> {
        let mut words = said.split('~');
        let sha256: Fingerprint = words.next()?.parse().ok()?;
        let size = words.next()?.parse().ok()?;
        let until_ms = words.next()?.parse().ok()?;
        let key = words.next()?.parse().ok()?;
        let flow = match words.next()? {
            "" => None,
            flow => Some(flow.parse().ok()?),
        };
        let sha256 = *sha256.as_bytes();
        Some(Self {
            upload: Upload { key, sha256, size },
            flow,
            until_ms,
        })
    }
}

/// Says what an upload holds, by its name alone: whether that is so, nobody has checked.
pub(crate) fn held_by(name: &str) -> Option<String> {
    let (said, _) = name.rsplit_once('~')?;
    let Upload { sha256, size, .. } = Promise::parse(said)?.upload;
    Some(format!("{}~{size}", hex::encode(sha256)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn promise() -> Promise {
        Promise {
            upload: Upload {
                key: "key-0123456789abcdef".parse().unwrap(),
                sha256: [7; 32],
                size: 5_000_000,
            },
            flow: Some("shop.front_end-1".parse().unwrap()),
            until_ms: 1_700_000_000_000,
        }
    }

    #[test]
    fn the_name_of_a_policys_code_reads_back_without_a_flow() {
        let promise = Promise {
            flow: None,
            ..promise()
        };
        let name = promise.write(&[1; 32]);
        assert_eq!(Promise::read(&name, &[1; 32]).unwrap(), promise);
    }

    #[test]
    fn the_name_of_an_upload_reads_back_and_no_other_does() {
        let name = promise().write(&[1; 32]);
        assert_eq!(Promise::read(&name, &[1; 32]).unwrap(), promise());
        assert!(matches!(
            Promise::read(&name, &[2; 32]),
            Err(UploadError::Unknown)
        ));
        for at in 0..name.len() {
            let mut changed = name.clone().into_bytes();
            changed[at] = if changed[at] == b'1' { b'2' } else { b'1' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(Promise::read(&changed, &[1; 32]).is_err(), "{changed}");
        }
        assert!(Promise::read("", &[1; 32]).is_err());
    }

    #[test]
    fn what_an_upload_holds_is_the_same_whenever_it_is_announced() {
        let (one, mut later) = (promise(), promise());
        later.until_ms += 1;
        assert_ne!(one.write(&[1; 32]), later.write(&[1; 32]));
        assert_eq!(
            held_by(&one.write(&[1; 32])),
            held_by(&later.write(&[1; 32]))
        );
        assert_eq!(held_by("anything"), None);
    }
}
