//! Compiled components, kept: `HMAC-SHA-256 ‖ code`, under a name that says from what and by what it was made.

mod trusted;

use std::fs;
use std::hash::{Hash as _, Hasher};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use hmac::{Hmac, KeyInit as _, Mac as _};
use model::Fingerprint;
use sha2::{Digest as _, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

use self::trusted::Authentic;
use crate::METERING;

/// Bytes of the HMAC before the code.
const MAC_BYTES: usize = 32;

/// Where compiled policies are kept. It need not be trusted: whoever writes there can make them disappear, or be ignored.
pub trait Place: Send + Sync {
    /// Returns what is kept under a name; nothing where there is nothing, or it cannot be had.
    fn get(&self, name: &str) -> Option<Vec<u8>>;

    /// Keeps bytes under a name.
    ///
    /// # Errors
    /// When they could not be kept: that costs time, and nothing else.
    fn put(&self, name: &str, bytes: Vec<u8>) -> io::Result<()>;
}

/// Compiled policies, kept somewhere.
#[derive(Clone)]
pub struct Cache {
    place: Arc<dyn Place>,
    key: [u8; 32],
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("cache")
    }
}

impl Cache {
    /// Keeps compiled policies in a place. The key authenticates what is found there, so it lies elsewhere: who has it can
    /// make this process run code.
    #[must_use]
    pub fn new(place: Arc<dyn Place>, key: [u8; 32]) -> Self {
        Self { place, key }
    }

    /// Keeps compiled policies in a folder, which is created when absent.
    #[must_use]
    pub fn in_folder(folder: impl Into<PathBuf>, key: [u8; 32]) -> Self {
        Self::new(Arc::new(Folder(folder.into())), key)
    }

    /// Names the code of a component in this engine; `made_of` is the digest of what it was made of.
    pub(crate) fn name(engine: &Engine, made_of: &Fingerprint) -> String {
        let mut hasher = Digest(Sha256::new());
        hasher.write(made_of.as_bytes());
        hasher.write(crate::RUNTIME.as_bytes());
        hasher.write(&[0]);
        hasher.write(METERING.as_bytes());
        engine.precompile_compatibility_hash().hash(&mut hasher);
        format!("{}.policy", hex::encode(hasher.0.finalize()))
    }

    /// Loads compiled code. Whatever is missing, damaged or not ours is as if it were absent.
    pub(crate) fn load(&self, engine: &Engine, name: &str) -> Option<Component> {
        let file = self.place.get(name)?;
        let (mac, code) = file.split_at_checked(MAC_BYTES)?;
        if self.mac(name, code)?.verify_slice(mac).is_err() {
            tracing::warn!(name, "a compiled policy is damaged or not ours");
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

    fn write(&self, name: &str, component: &Component) -> io::Result<()> {
        let code = component.serialize().map_err(io::Error::other)?;
        let mac = self
            .mac(name, &code)
            .ok_or_else(|| io::Error::other("the key does not fit"))?;
        let mut file = mac.finalize().into_bytes().to_vec();
        file.extend_from_slice(&code);
        self.place.put(name, file)
    }

    fn mac(&self, name: &str, code: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).ok()?;
        mac.update(name.as_bytes());
        mac.update(&[0]);
        mac.update(code);
        Some(mac)
    }
}

/// A folder with a file for each.
struct Folder(PathBuf);

impl Place for Folder {
    fn get(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.0.join(name)).ok()
    }

    fn put(&self, name: &str, bytes: Vec<u8>) -> io::Result<()> {
        // Two processes may write the same file; each renames a whole one of its own.
        let Self(folder) = self;
        let part = folder.join(format!("{name}.{}.part", std::process::id()));
        fs::create_dir_all(folder)?;
        fs::write(&part, bytes).and_then(|()| fs::rename(&part, folder.join(name)))
    }
}

/// SHA-256 as a hasher: another program, built from the same source, finds the same name.
struct Digest(Sha256);

impl Hasher for Digest {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Is not asked for: the digest itself is the name.
    fn finish(&self) -> u64 {
        0
    }
}
