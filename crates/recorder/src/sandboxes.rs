//! Where policies run: what is compiled, where it is kept, and by whom it may be made.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_trait::async_trait;
use model::{Fingerprint, Root};
use policy::{Cache, Config, Place, PolicySource, Prepared, Processor, PublishError, Sandbox};
use store::Cause;

use crate::error::RecorderError;

/// Where images (compiled policies) lie that travel from the process that publishes to those that decide. It need not be
/// trusted: each image is authenticated.
#[async_trait]
pub trait Images: Send + Sync {
    /// Returns an image; nothing where there is none of that name.
    async fn get(&self, name: &str) -> Result<Option<Vec<u8>>, Cause>;

    /// Keeps an image. The same name is put again only with an image of the same policy.
    async fn put(&self, name: &str, image: Vec<u8>) -> Result<(), Cause>;
}

/// Whether policies are compiled where no image of them is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compiling {
    /// They are, and the image is kept.
    Allowed,
    /// They are not: what has no image is not decided.
    Never,
}

/// Where policies run: a sandbox for each version of the engine, and what was made ready in them.
pub struct Policies {
    cache: Option<Cache>,
    code_bytes_max: Option<u64>,
    compiling: Compiling,
    images: Option<(Arc<dyn Images>, Arc<Shelf>)>,
    processor: Processor,
    stock_engine: Arc<[u8]>,
    stock_digest: OnceLock<Root>,
    sandboxes: Mutex<HashMap<Root, Sandbox>>,
    prepared: Mutex<HashMap<Made, Prepared>>,
}

/// What an image is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Made {
    /// The policy's own bytes.
    pub(crate) policy: Root,
    /// The engine's, where it is a source.
    pub(crate) engine: Option<Root>,
}

impl Policies {
    /// Sets up a place to run policies, which compiles them itself and keeps them at most for itself.
    ///
    /// # Errors
    /// When this machine cannot run the sandbox.
    pub fn new(stock_engine: Arc<[u8]>, cache: Option<Cache>) -> Result<Self, RecorderError> {
        Self {
            cache,
            ..Self::when_needed(stock_engine)
        }
        .set_up()
    }

    /// Sets up a place to run policies once one is to run: for a process that runs none. Setting it up takes most of a start.
    #[must_use]
    pub fn when_needed(stock_engine: Arc<[u8]>) -> Self {
        Self {
            cache: None,
            code_bytes_max: None,
            compiling: Compiling::Allowed,
            images: None,
            processor: Processor::Own,
            stock_digest: OnceLock::new(),
            stock_engine,
            sandboxes: Mutex::default(),
            prepared: Mutex::default(),
        }
    }

    /// Sets up a place to run policies whose images are shared with other machines of this architecture. Who has the key
    /// can make this process run code. One that only decides sets it up at once, one that publishes when it first does.
    ///
    /// # Errors
    /// When this machine cannot run the sandbox.
    pub fn with_images(
        stock_engine: Arc<[u8]>,
        images: Arc<dyn Images>,
        key: [u8; 32],
        compiling: Compiling,
    ) -> Result<Self, RecorderError> {
        let shelf = Arc::new(Shelf::default());
        let policies = Self {
            cache: Some(Cache::new(shelf.clone(), key)),
            compiling,
            images: Some((images, shelf)),
            processor: Processor::Any,
            ..Self::when_needed(stock_engine)
        };
        match compiling {
            Compiling::Allowed => Ok(policies),
            Compiling::Never => policies.set_up(),
        }
    }

    /// Refuses components with more code than so many bytes: where nobody can wait until it is compiled.
    #[must_use]
    pub fn compiling_at_most(self, code_bytes: Option<u64>) -> Self {
        Self {
            code_bytes_max: code_bytes,
            ..self
        }
    }

    fn set_up(self) -> Result<Self, RecorderError> {
        self.sandbox(&self.stock_engine)?;
        Ok(self)
    }

    /// Returns an engine's digest; that of the stock engine, megabytes of it, is known.
    fn digest_of(&self, engine: &Arc<[u8]>) -> Root {
        if Arc::ptr_eq(engine, &self.stock_engine) {
            return self.stock_digest();
        }
        component_digest(engine)
    }

    /// Makes a policy ready: as it was made ready before, from its image, or else from its bytes, where it may be compiled.
    pub(crate) async fn ready(
        &self,
        made: Made,
        bytes: impl Future<Output = Result<(Arc<[u8]>, PolicySource), RecorderError>>,
    ) -> Result<Prepared, RecorderError> {
        if let Some(found) = lock(&self.prepared).get(&made) {
            return Ok(found.clone());
        }
        if let Some(prepared) = self.load_image(&made).await? {
            lock(&self.prepared).insert(made, prepared.clone());
            return Ok(prepared);
        }
        if self.compiling == Compiling::Never {
            return Err(PublishError::ImageMissing.into());
        }
        let (engine, source) = bytes.await?;
        let prepared = blocking(|| self.prepare(&engine, &source))?;
        self.keep_image(&made).await?;
        Ok(prepared)
    }

    async fn load_image(&self, made: &Made) -> Result<Option<Prepared>, RecorderError> {
        let Some((images, shelf)) = &self.images else {
            return Ok(None);
        };
        let sandbox = self.sandbox(&self.stock_engine)?;
        let (policy, engine) = (
            Fingerprint(made.policy.0),
            made.engine.map(|digest| Fingerprint(digest.0)),
        );
        let name = sandbox.image_name(&policy, engine.as_ref());
        let Some(image) = images.get(&name).await.map_err(RecorderError::Images)? else {
            return Ok(None);
        };
        shelf.lock().insert(name.clone(), image);
        let loaded = blocking(|| sandbox.load(policy, engine));
        shelf.lock().remove(&name);
        match loaded {
            Ok(prepared) => Ok(Some(prepared)),
            Err(PublishError::ImageMissing) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Passes on the image that compiling left on the shelf.
    async fn keep_image(&self, made: &Made) -> Result<(), RecorderError> {
        let Some((images, shelf)) = &self.images else {
            return Ok(());
        };
        let engine = made.engine.map(|digest| Fingerprint(digest.0));
        let sandbox = self.sandbox(&self.stock_engine)?;
        let name = sandbox.image_name(&Fingerprint(made.policy.0), engine.as_ref());
        let image = std::mem::take(&mut *shelf.lock()).remove(&name);
        match image {
            Some(image) => images
                .put(&name, image)
                .await
                .map_err(RecorderError::Images),
            None => Ok(()),
        }
    }

    /// Makes a policy ready from its bytes, with the engine given or, for a component, with any. It may take seconds.
    pub(crate) fn prepare(
        &self,
        engine: &Arc<[u8]>,
        source: &PolicySource,
    ) -> Result<Prepared, RecorderError> {
        let made = self.made(engine, source);
        if let Some(found) = lock(&self.prepared).get(&made) {
            return Ok(found.clone());
        }
        let prepared = self.sandbox(engine)?.prepare(source)?;
        lock(&self.prepared).insert(made, prepared.clone());
        Ok(prepared)
    }

    fn made(&self, engine: &Arc<[u8]>, source: &PolicySource) -> Made {
        Made {
            policy: Root(*source.digest().as_bytes()),
            engine: matches!(source, PolicySource::Rego(_)).then(|| self.digest_of(engine)),
        }
    }

    /// Says what a new policy is made of.
    pub(crate) fn made_with_stock(&self, source: &PolicySource) -> Made {
        self.made(&self.stock_engine, source)
    }

    /// Returns the engine that new policies are published with.
    pub(crate) fn stock_engine(&self) -> Arc<[u8]> {
        self.stock_engine.clone()
    }

    pub(crate) fn stock_digest(&self) -> Root {
        let digest = || component_digest(&self.stock_engine);
        *self.stock_digest.get_or_init(digest)
    }

    /// Makes a policy ready that is in no journal, with the stock engine where it is a source.
    ///
    /// # Errors
    /// When it is no policy.
    pub fn candidate(&self, source: &PolicySource) -> Result<Prepared, RecorderError> {
        self.prepare(&self.stock_engine, source)
    }

    /// Makes a policy ready that is not published.
    pub(crate) fn prepare_stock(&self, source: &PolicySource) -> Result<Prepared, RecorderError> {
        if self.compiling == Compiling::Never {
            return Err(RecorderError::Invalid(
                "policies of one's own are not compiled here: `trailmark policy test` runs them"
                    .to_owned(),
            ));
        }
        self.prepare(&self.stock_engine, source)
    }

    fn sandbox(&self, engine: &Arc<[u8]>) -> Result<Sandbox, RecorderError> {
        let digest = self.digest_of(engine);
        if let Some(found) = lock(&self.sandboxes).get(&digest) {
            return Ok(found.clone());
        }
        let sandbox = Sandbox::new(Config {
            cache: self.cache.clone(),
            code_bytes_max: self.code_bytes_max,
            engine: Some(engine.clone()),
            processor: self.processor,
            before_engine: None,
        })?;
        lock(&self.sandboxes).insert(digest, sandbox.clone());
        Ok(sandbox)
    }
}

/// Where images lie on their way between the sandbox, which does not wait, and where they are kept.
#[derive(Default)]
struct Shelf(Mutex<HashMap<String, Vec<u8>>>);

impl Shelf {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Vec<u8>>> {
        lock(&self.0)
    }
}

impl Place for Shelf {
    fn get(&self, name: &str) -> Option<Vec<u8>> {
        self.lock().get(name).cloned()
    }

    fn put(&self, name: &str, bytes: Vec<u8>) -> io::Result<()> {
        self.lock().insert(name.to_owned(), bytes);
        Ok(())
    }
}

fn component_digest(bytes: &Arc<[u8]>) -> Root {
    Root(*PolicySource::Component(bytes.clone()).digest().as_bytes())
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs what may take long without holding up other requests, where the runtime has more than one thread.
pub(crate) fn blocking<T>(work: impl FnOnce() -> T) -> T {
    let many = tokio::runtime::Handle::try_current()
        .is_ok_and(|handle| handle.runtime_flavor() == tokio::runtime::RuntimeFlavor::MultiThread);
    if many {
        tokio::task::block_in_place(work)
    } else {
        work()
    }
}
