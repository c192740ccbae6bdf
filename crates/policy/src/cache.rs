//! Compiled components on disk: `HMAC-SHA-256 ‖ code`, in a file whose name says from what and by what it was made.

mod trusted;

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::PathBuf;

use hmac::{Hmac, KeyInit as _, Mac as _};
use model::Fingerprint;
use sha2::{Digest as _, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

use self::trusted::Authentic;
use crate::{METERING, SandboxError};

/// Bytes of the HMAC before the code.
const MAC_BYTES: usize = 32;

/// A folder of compiled policies.
#[derive(Clone)]
pub struct Cache {
    /// The folder; it is created when absent.
    pub folder: PathBuf,
    /// The key that authenticates every file. It does not lie in the folder: who has it can make this process run code.
    pub key: [u8; 32],
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "cache in {}", self.folder.display())
    }
}

impl Cache {
    pub(crate) fn create_folder(&self) -> Result<(), SandboxError> {
        let failed = |source| SandboxError::Cache {
            path: self.folder.display().to_string(),
            source,
        };
        fs::create_dir_all(&self.folder).map_err(failed)
    }

    /// Names the code of a component in this engine; `made_of` is the digest of what it was made of.
    pub(crate) fn name(engine: &Engine, made_of: &Fingerprint) -> String {
        let mut settings = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut settings);
        let mut hasher = Sha256::new();
        hasher.update(made_of.as_bytes());
        hasher.update(crate::RUNTIME.as_bytes());
        hasher.update([0]);
        hasher.update(METERING.as_bytes());
        hasher.update(settings.finish().to_be_bytes());
        format!("{}.policy", hex::encode(hasher.finalize()))
    }

    /// Loads compiled code. Whatever is missing, damaged or not ours is as if it were absent.
    pub(crate) fn load(&self, engine: &Engine, name: &str) -> Option<Component> {
        let file = fs::read(self.folder.join(name)).ok()?;
        let (mac, code) = file.split_at_checked(MAC_BYTES)?;
        if self.mac(name, code)?.verify_slice(mac).is_err() {
            tracing::warn!(
                name,
                "a file of the policy cache is damaged or not ours; it is made anew"
            );
            return None;
        }
        trusted::load(engine, &Authentic(code)).ok()
    }

    /// Keeps compiled code. That it could not be kept costs time at the next start and nothing else.
    pub(crate) fn keep(&self, name: &str, component: &Component) {
        if let Err(error) = self.write(name, component) {
            tracing::warn!(name, %error, "could not keep a compiled policy");
        }
    }

    fn write(&self, name: &str, component: &Component) -> std::io::Result<()> {
        let code = component.serialize().map_err(std::io::Error::other)?;
        let mac = self
            .mac(name, &code)
            .ok_or_else(|| std::io::Error::other("the key does not fit"))?;
        let mut file = mac.finalize().into_bytes().to_vec();
        file.extend_from_slice(&code);
        // Two processes may write the same file; each renames a whole one of its own.
        let part = self
            .folder
            .join(format!("{name}.{}.part", std::process::id()));
        fs::write(&part, file).and_then(|()| fs::rename(&part, self.folder.join(name)))
    }

    fn mac(&self, name: &str, code: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).ok()?;
        mac.update(name.as_bytes());
        mac.update(&[0]);
        mac.update(code);
        Some(mac)
    }
}
