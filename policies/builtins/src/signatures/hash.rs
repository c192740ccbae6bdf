use sha2::{Digest, Sha256, Sha384, Sha512};

use crate::crypto::{code_sha256, code_sha384, code_sha512};

/// A hash function of the second family.
#[derive(Clone, Copy)]
pub(crate) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// Gives the digest of what the parts are together.
    pub fn digest(self, parts: &[&[u8]]) -> Vec<u8> {
        match self {
            Self::Sha256 => digest::<Sha256>(parts),
            Self::Sha384 => digest::<Sha384>(parts),
            Self::Sha512 => digest::<Sha512>(parts),
        }
    }

    /// Computes the code of a message under a key.
    pub fn code(self, message: &[u8], key: &[u8]) -> anyhow::Result<Vec<u8>> {
        match self {
            Self::Sha256 => code_sha256(message, key),
            Self::Sha384 => code_sha384(message, key),
            Self::Sha512 => code_sha512(message, key),
        }
    }

    pub fn bytes(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// Gives what stands before a digest in a signature of RSASSA-PKCS1-v1_5 (RFC 8017, 9.2): the DER of its name.
    pub fn prefix(self) -> [u8; 19] {
        let (name, length) = match self {
            Self::Sha256 => (1, 32),
            Self::Sha384 => (2, 48),
            Self::Sha512 => (3, 64),
        };
        [
            0x30,
            17 + length,
            0x30,
            0x0d,
            0x06,
            0x09,
            0x60,
            0x86,
            0x48,
            0x01,
            0x65,
            0x03,
            0x04,
            0x02,
            name,
            0x05,
            0x00,
            0x04,
            length,
        ]
    }
}

fn digest<D: Digest>(parts: &[&[u8]]) -> Vec<u8> {
    let mut digest = D::new();
    for part in parts {
        digest.update(part);
    }
    digest.finalize().to_vec()
}
