//! The journal's secrets, beside its data: one file each, readable by their owner alone.
//!
//! | file | what it is |
//! |---|---|
//! | `log` | the seed of the key that signs checkpoints |
//! | `log.vkey` | that key's public form, with the journal's id: for verifiers |
//! | `permit` | the seed of the key that signs permits |
//! | `permit.pub` | that key's public form: for deploy steps |
//! | `log.next`, `permit.next` | the seed of a key that is to take that one's place, or did and dying kept it from being told here |
//! | `alias` | hides people's aliases |
//! | `cache` | authenticates compiled policies |

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use journal::key::{KeyChain, LogKey, PermitKey, PublicKey, Seed};
use journal::kind::Purpose;
use journal::note::Vkey;
use model::{JournalId, Name};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::secret;

const FOLDER: &str = "keys";

/// All secrets of a journal, and its id.
pub(in crate::command) struct Keys {
    pub(in crate::command) journal: JournalId,
    pub(in crate::command) log: Seed,
    pub(in crate::command) permit: Seed,
    pub(in crate::command) alias: [u8; 32],
    pub(in crate::command) cache: [u8; 32],
    /// Made to take the places of `log` and `permit`. Whether they did, the journal says.
    next: Next,
}

#[derive(Default)]
struct Next {
    log: Option<Seed>,
    permit: Option<Seed>,
}

impl Keys {
    /// Makes the secrets of a new journal, and its id: the organisation's name and some digits of chance.
    pub(in crate::command) fn make(name: &Name) -> Result<Self> {
        let id = format!("trailmark/{name}-{}", hex::encode(secret::random::<4>()?));
        Ok(Self {
            journal: id
                .parse()
                .with_context(|| format!("`{name}` is too long for the name of a journal"))?,
            log: secret::random()?,
            permit: secret::random()?,
            alias: secret::random()?,
            cache: secret::random()?,
            next: Next::default(),
        })
    }

    /// Reads the secrets of a data folder; nothing where it has none.
    pub(in crate::command) fn load(data: &Path) -> Result<Option<Self>> {
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
            next: Next {
                log: secret::read_if_any(&next(&folder, Purpose::Log))?,
                permit: secret::read_if_any(&next(&folder, Purpose::Permit))?,
            },
        };
        let log_keys = [Some(keys.log), keys.next.log];
        let is_of = |seed: &Seed| *LogKey::new(&keys.journal, seed).vkey() == vkey;
        if !log_keys.iter().flatten().any(is_of) {
            bail!("`{}` is not of the key beside it", path.display());
        }
        Ok(Some(keys))
    }

    /// Writes the secrets: all, or none. Dying on the way leaves a folder that the next attempt makes anew.
    pub(in crate::command) fn save(&self, data: &Path) -> Result<()> {
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

    pub(in crate::command) fn log_key(&self) -> LogKey {
        LogKey::new(&self.journal, &self.log)
    }

    pub(in crate::command) fn permit_key(&self) -> PermitKey {
        PermitKey::new(&self.permit)
    }

    /// Returns the seed that was made to take the log key's place, if any.
    pub(in crate::command) const fn next_log(&self) -> Option<&Seed> {
        self.next.log.as_ref()
    }

    /// Makes the seed of a key that is to take another's place, durably, before the journal hears of it; or takes up one
    /// of which the journal never heard.
    pub(in crate::command) fn begin(&mut self, data: &Path, purpose: Purpose) -> Result<Seed> {
        if let Some(seed) = *self.place(purpose).1 {
            return Ok(seed);
        }
        let seed = secret::random()?;
        let path = next(&data.join(FOLDER), purpose);
        secret::replace(&path, &hex::encode(seed))
            .with_context(|| format!("could not write `{}`", path.display()))?;
        *self.place(purpose).1 = Some(seed);
        Ok(seed)
    }

    /// Lets those keys take their places that took them in the journal.
    pub(in crate::command) fn settle(&mut self, data: &Path, chain: &KeyChain) -> Result<()> {
        let folder = data.join(FOLDER);
        let newest = [
            (Purpose::Log, chain.log().public()),
            (Purpose::Permit, chain.permit()),
        ];
        for (purpose, newest) in newest {
            let journal = self.journal.clone();
            let public = |seed: &Seed| public(&journal, purpose, seed).0;
            let (current, made) = self.place(purpose);
            if public(current) == *newest {
                continue;
            }
            let Some(seed) = made.filter(|seed| public(seed) == *newest) else {
                let path = folder.join(name(purpose));
                return Err(Failure::new(
                    Exit::Failed,
                    format!("`{}` is not the journal's newest key", path.display()),
                )
                .with_hint("put back the keys that belong to it")
                .into());
            };
            (*current, *made) = (seed, None);
            promote(&folder, purpose, &self::public(&journal, purpose, &seed).1)
                .with_context(|| format!("could not write the keys to `{}`", folder.display()))?;
        }
        Ok(())
    }

    fn place(&mut self, purpose: Purpose) -> (&mut Seed, &mut Option<Seed>) {
        match purpose {
            Purpose::Log => (&mut self.log, &mut self.next.log),
            Purpose::Permit => (&mut self.permit, &mut self.next.permit),
        }
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

/// Returns a seed's public key, and the text that tells it.
fn public(journal: &JournalId, purpose: Purpose, seed: &Seed) -> (PublicKey, String) {
    match purpose {
        Purpose::Log => {
            let key = LogKey::new(journal, seed);
            (*key.vkey().public(), key.vkey().to_string())
        }
        Purpose::Permit => {
            let key = PermitKey::new(seed).public();
            (key, key.to_string())
        }
    }
}

const fn name(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Log => "log",
        Purpose::Permit => "permit",
    }
}

fn next(folder: &Path, purpose: Purpose) -> PathBuf {
    folder.join(name(purpose)).with_extension("next")
}

/// Puts a new key's files in the places of the old one's. Dying on the way leaves the new seed where it is found again.
fn promote(folder: &Path, purpose: Purpose, public: &str) -> io::Result<()> {
    let path = folder.join(name(purpose));
    let public_extension = match purpose {
        Purpose::Log => "vkey",
        Purpose::Permit => "pub",
    };
    secret::replace(&path.with_extension(public_extension), public)?;
    fs::rename(next(folder, purpose), &path)?;
    secret::sync_folder(folder)
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

    fn chain(keys: &Keys) -> KeyChain {
        let genesis = journal::kind::Genesis {
            format: 1,
            log_key: keys.log_key().vkey().clone(),
            name: "Acme".to_owned(),
            people_by_key: false,
            permit_key: keys.permit_key().public(),
            solo: true,
        };
        KeyChain::begin(&keys.journal, genesis).unwrap()
    }

    #[test]
    fn a_new_key_takes_its_place_once_the_journal_says_so_wherever_it_was_cut_off() {
        for purpose in [Purpose::Log, Purpose::Permit] {
            // What of the files was changed before dying: nothing, the public one, both.
            for changed in 0..3 {
                let data = tempfile::tempdir().unwrap();
                let mut keys = Keys::make(&name()).unwrap();
                keys.save(data.path()).unwrap();
                let mut chain = chain(&keys);
                let new = keys.begin(data.path(), purpose).unwrap();

                // The journal never heard of it: the old key stays, and the new one is taken up again.
                let mut loaded = Keys::load(data.path()).unwrap().unwrap();
                loaded.settle(data.path(), &chain).unwrap();
                assert_eq!(loaded.files(), keys.files());
                assert_eq!(loaded.begin(data.path(), purpose).unwrap(), new);

                let (key, text) = public(&keys.journal, purpose, &new);
                let rotated = match purpose {
                    Purpose::Log => keys.log_key().vouch(&keys.journal, key),
                    Purpose::Permit => keys.permit_key().vouch(&keys.journal, key),
                };
                chain.rotate(&rotated).unwrap();
                let folder = data.path().join(FOLDER);
                match changed {
                    0 => {}
                    1 => {
                        let before = fs::read(folder.join(super::name(purpose))).unwrap();
                        promote(&folder, purpose, &text).unwrap();
                        fs::write(next(&folder, purpose), hex::encode(new)).unwrap();
                        fs::write(folder.join(super::name(purpose)), before).unwrap();
                    }
                    _ => promote(&folder, purpose, &text).unwrap(),
                }
                for _ in 0..2 {
                    let mut loaded = Keys::load(data.path()).unwrap().unwrap();
                    loaded.settle(data.path(), &chain).unwrap();
                    assert_eq!(*loaded.place(purpose).0, new);
                    assert!(!next(&folder, purpose).exists());
                }
                // Of six files none is left over, and a journal that does not know the new key is not taken for it.
                assert_eq!(fs::read_dir(&folder).unwrap().count(), 6);
                let mut loaded = Keys::load(data.path()).unwrap().unwrap();
                assert!(loaded.settle(data.path(), &self::chain(&keys)).is_err());
            }
        }
    }
}
