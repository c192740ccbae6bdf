//! The journal's secrets, beside its data: one file each, readable by their owner alone.
//!
//! | file | what it is |
//! |---|---|
//! | `log` | the seed of the key that signs checkpoints |
//! | `log.vkey` | that key's public form, with the journal's id: for verifiers |
//! | `permit` | the seed of the key that signs permits |
//! | `permit.pub` | that key's public form: for deploy steps |
//! | `alias` | hides people's aliases |
//! | `cache` | authenticates compiled policies |

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use journal::key::{LogKey, PermitKey, Seed};
use journal::note::Vkey;
use model::{JournalId, Name};

use crate::secret;

const FOLDER: &str = "keys";

/// All secrets of a journal, and its id.
pub(super) struct Keys {
    pub(super) journal: JournalId,
    pub(super) log: Seed,
    pub(super) permit: Seed,
    pub(super) alias: [u8; 32],
    pub(super) cache: [u8; 32],
}

impl Keys {
    /// Makes the secrets of a new journal, and its id: the organisation's name and some digits of chance.
    pub(super) fn make(name: &Name) -> Result<Self> {
        let id = format!("trailmark/{name}-{}", hex::encode(secret::random::<4>()?));
        Ok(Self {
            journal: id
                .parse()
                .with_context(|| format!("`{name}` is too long for the name of a journal"))?,
            log: secret::random()?,
            permit: secret::random()?,
            alias: secret::random()?,
            cache: secret::random()?,
        })
    }

    /// Reads the secrets of a data folder; nothing where it has none.
    pub(super) fn load(data: &Path) -> Result<Option<Self>> {
        let folder = data.join(FOLDER);
        let path = folder.join("log.vkey");
        let vkey = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(error).with_context(|| format!("could not read `{}`", path.display()));
            }
        };
        let vkey: Vkey = vkey.trim().parse()?;
        let secret = |name: &str| secret::read(&folder.join(name));
        let keys = Self {
            journal: vkey.name().parse()?,
            log: secret("log")?,
            permit: secret("permit")?,
            alias: secret("alias")?,
            cache: secret("cache")?,
        };
        if *keys.log_key().vkey() != vkey {
            bail!("`{}` is not of the key beside it", path.display());
        }
        Ok(Some(keys))
    }

    /// Writes the secrets: all, or none. Dying on the way leaves a folder that the next attempt makes anew.
    pub(super) fn save(&self, data: &Path) -> Result<()> {
        let (folder, part) = (data.join(FOLDER), data.join(format!("{FOLDER}.part")));
        let written = (|| {
            secret::make_folder(data)?;
            if part.exists() {
                fs::remove_dir_all(&part)?;
            }
            secret::make_folder(&part)?;
            for (name, text) in self.files() {
                secret::write_new(&part.join(name), &text)?;
            }
            fs::rename(&part, &folder)?;
            secret::sync_folder(data)
        })();
        written.with_context(|| format!("could not write the keys to `{}`", folder.display()))
    }

    pub(super) fn log_key(&self) -> LogKey {
        LogKey::new(&self.journal, &self.log)
    }

    pub(super) fn permit_key(&self) -> PermitKey {
        PermitKey::new(&self.permit)
    }

    fn files(&self) -> [(&'static str, String); 6] {
        [
            ("log", hex::encode(self.log)),
            ("log.vkey", self.log_key().vkey().to_string()),
            ("permit", hex::encode(self.permit)),
            ("permit.pub", self.permit_key().public().to_string()),
            ("alias", hex::encode(self.alias)),
            ("cache", hex::encode(self.cache)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> Name {
        "acme".parse().unwrap()
    }

    #[test]
    fn keys_read_back_and_are_nobody_elses_to_read() {
        let data = tempfile::tempdir().unwrap();
        assert!(Keys::load(data.path()).unwrap().is_none());
        let keys = Keys::make(&name()).unwrap();
        assert!(keys.journal.as_str().starts_with("trailmark/acme-"));
        keys.save(data.path()).unwrap();
        let loaded = Keys::load(data.path()).unwrap().unwrap();
        assert_eq!(loaded.files(), keys.files());
        #[cfg(unix)]
        for file in fs::read_dir(data.path().join(FOLDER)).unwrap() {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = file.unwrap().metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0);
        }
    }

    #[test]
    fn an_attempt_that_died_is_made_anew_and_a_good_one_is_never_overwritten() {
        let data = tempfile::tempdir().unwrap();
        fs::create_dir(data.path().join("keys.part")).unwrap();
        fs::write(data.path().join("keys.part/log"), "half").unwrap();
        let keys = Keys::make(&name()).unwrap();
        keys.save(data.path()).unwrap();
        assert!(Keys::make(&name()).unwrap().save(data.path()).is_err());
        let kept = Keys::load(data.path()).unwrap().unwrap();
        assert_eq!(kept.files(), keys.files());
    }

    #[test]
    fn keys_that_do_not_belong_together_are_refused() {
        let data = tempfile::tempdir().unwrap();
        Keys::make(&name()).unwrap().save(data.path()).unwrap();
        fs::write(data.path().join("keys/log"), "00".repeat(32)).unwrap();
        assert!(Keys::load(data.path()).is_err());
        fs::write(data.path().join("keys/log"), "not a key").unwrap();
        let error = Keys::load(data.path()).err().unwrap().to_string();
        assert!(!error.contains("not a key"), "{error}");
    }
}
