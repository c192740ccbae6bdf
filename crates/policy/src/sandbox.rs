use std::sync::{Arc, OnceLock};

use model::Fingerprint;
use sha2::{Digest as _, Sha256};
use wasmtime::Engine;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Linker};

use crate::bindings::engine::EnginePre;
use crate::bindings::policy::PolicyPre;
use crate::cache::Cache;
use crate::image::{self, Loader};
use crate::limits::{POLICY_BYTES_MAX, SOURCE_BYTES_MAX};
use crate::machine::{self, Gate, Processor};
use crate::prepared::{Inner, Prepared, Program};
use crate::source::digest;
use crate::structure;
use crate::wasi;
use crate::{
    Cause, DossierInput, Identity, METERING, Outcome, PolicyForm, PolicySource, PublishError,
    RUNTIME, SandboxError,
};

/// The interface that holds only types, which a component therefore may import.
const TYPES: &str = "trailmark:policy/types@1.";

/// How a sandbox is set up.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Where compiled policies are kept; without it every start compiles anew.
    pub cache: Option<Cache>,
    /// The engine component for Rego: the stock one when absent; a replay gives the one that the decision names.
    pub engine: Option<Arc<[u8]>>,
    /// Bytes of code that are compiled at most: where somebody waits who does not wait long. Without it, what any may have.
    pub code_bytes_max: Option<u64>,
    /// For which processors policies are compiled.
    pub processor: Processor,
    /// Called before the engine for Rego is compiled, which takes long and is done once where there is a cache.
    pub before_engine: Option<fn()>,
}

/// The place where policies run: one engine and one pool of instances. Cheap to clone.
#[derive(Clone)]
pub struct Sandbox {
    shared: Arc<Shared>,
}

struct Shared {
    engine: Engine,
    gate: Arc<Gate>,
    cache: Option<Cache>,
    code_bytes_max: Option<u64>,
    before_engine: Option<fn()>,
    rego: Arc<[u8]>,
    loader: OnceLock<(Loader, Component)>,
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "sandbox with engine {}", digest(&self.shared.rego))
    }
}

impl Sandbox {
    /// Sets a sandbox up.
    ///
    /// # Errors
    /// When this machine cannot run it.
    pub fn new(config: Config) -> Result<Self, SandboxError> {
        let engine = machine::engine(config.processor)
            .map_err(|error| SandboxError::Engine(error.into()))?;
        let shared = Shared {
            engine,
            gate: Arc::new(Gate::new()),
            cache: config.cache,
            code_bytes_max: config.code_bytes_max,
            before_engine: config.before_engine,
            rego: config
                .engine
                .unwrap_or_else(|| crate::stock::engine().into()),
            loader: OnceLock::new(),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// Checks a policy, compiles it (or finds it in the cache) and makes it ready to run.
    ///
    /// What can be prepared can be published, and the other way round.
    ///
    /// # Errors
    /// Names what keeps it from being a policy.
    pub fn prepare(&self, source: &PolicySource) -> Result<Prepared, PublishError> {
        let (program, engine) = match source {
            PolicySource::Component(bytes) => (self.component(bytes)?, None),
            PolicySource::Rego(text) => (self.rego(text)?, Some(digest(&self.shared.rego))),
        };
        let identity = Identity {
            engine,
            form: source.form(),
            metering: METERING.into(),
            policy: source.digest(),
            runtime: RUNTIME.into(),
        };
        Ok(self.prepared(identity, program))
    }

    /// Makes a published policy ready from its image in the cache. It never compiles, and needs neither the policy's own
    /// bytes nor those of its engine, if it has one: their digests name the image.
    ///
    /// # Errors
    /// [`PublishError::ImageMissing`] where there is none that is ours, and of this program's version and processor.
    pub fn load(
        &self,
        policy: Fingerprint,
        engine: Option<Fingerprint>,
    ) -> Result<Prepared, PublishError> {
        let component = self
            .cached(&self.image_name(&policy, engine.as_ref()))
            .ok_or(PublishError::ImageMissing)?;
        let (form, program) = match engine {
            Some(_) => (PolicyForm::Rego, self.rego_program(&component)?),
            None => (PolicyForm::Component, self.component_program(&component)?),
        };
        let identity = Identity {
            engine,
            form,
            metering: METERING.into(),
            policy,
            runtime: RUNTIME.into(),
        };
        Ok(self.prepared(identity, program))
    }

    /// Names the image of a policy: of a component alone, or of a source in an engine.
    #[must_use]
    pub fn image_name(&self, policy: &Fingerprint, engine: Option<&Fingerprint>) -> String {
        let Some(rego) = engine else {
            return Cache::name(&self.shared.engine, policy);
        };
        let mut made_of = Sha256::new();
        made_of.update(rego.as_bytes());
        made_of.update(policy.as_bytes());
        Cache::name(&self.shared.engine, &Fingerprint(made_of.finalize().into()))
    }

    fn prepared(&self, identity: Identity, program: Program) -> Prepared {
        Prepared::new(Inner {
            identity,
            engine: self.shared.engine.clone(),
            gate: self.shared.gate.clone(),
            program,
        })
    }

    fn component(&self, bytes: &[u8]) -> Result<Program, PublishError> {
        check_size(bytes, POLICY_BYTES_MAX)?;
        check_preamble(bytes)?;
        structure::check(bytes, self.shared.code_bytes_max)?;
        let component = self.compiled(bytes, PublishError::Invalid, || ())?;
        self.component_program(&component)
    }

    fn component_program(&self, component: &Component) -> Result<Program, PublishError> {
        check_imports(&self.shared.engine, component)?;
        let mut linker = Linker::new(&self.shared.engine);
        wasi::link(&mut linker, &self.shared.engine, component).map_err(export_error)?;
        let instance = linker.instantiate_pre(component).map_err(export_error)?;
        Ok(Program::Component(
            PolicyPre::new(instance).map_err(export_error)?,
        ))
    }

    fn rego(&self, source: &str) -> Result<Program, PublishError> {
        check_size(source.trim().as_bytes(), SOURCE_BYTES_MAX)?;
        let broken = |error: wasmtime::Error| PublishError::Engine(error.into());
        let engine = &self.shared.engine;
        let rego = digest(&self.shared.rego);
        let name = self.image_name(&digest(source.as_bytes()), Some(&rego));
        let component = match self.cached(&name) {
            Some(component) => component,
            None => {
                let (loader, loading) = self.loader()?;
                let image = loader.image(engine, loading, source)?;
                let component = Component::new(engine, image).map_err(broken)?;
                self.keep(&name, &component);
                component
            }
        };
        self.rego_program(&component)
    }

    fn rego_program(&self, component: &Component) -> Result<Program, PublishError> {
        let broken = |error: wasmtime::Error| PublishError::Engine(error.into());
        let instance = Linker::new(&self.shared.engine)
            .instantiate_pre(component)
            .map_err(broken)?;
        Ok(Program::Rego(EnginePre::new(instance).map_err(broken)?))
    }

    /// Loads a Rego source and judges a dossier by it at once, with the default limits over both: for sources that run
    /// once, as those of a fuzzer. It gives the outcome that [`Self::prepare`] and an evaluation give, in other figures.
    ///
    /// # Errors
    /// Names what keeps it from being a policy.
    pub fn judge_once(&self, source: &str, input: &DossierInput) -> Result<Outcome, PublishError> {
        check_size(source.trim().as_bytes(), SOURCE_BYTES_MAX)?;
        let (_, loading) = self.loader()?;
        let _place = self.shared.gate.enter();
        image::judge_once(&self.shared.engine, loading, source, input)
    }

    /// Returns what makes images; the first caller compiles it.
    fn loader(&self) -> Result<&(Loader, Component), PublishError> {
        if let Some(loader) = self.shared.loader.get() {
            return Ok(loader);
        }
        let loader = Loader::new(&self.shared.rego)?;
        let component = self.compiled(loader.component(), PublishError::Engine, || {
            if let Some(before_engine) = self.shared.before_engine {
                before_engine();
            }
        })?;
        Ok(self.shared.loader.get_or_init(|| (loader, component)))
    }

    /// Finds a component in the cache, or compiles it.
    fn compiled(
        &self,
        bytes: &[u8],
        error: fn(Cause) -> PublishError,
        before: impl FnOnce(),
    ) -> Result<Component, PublishError> {
        let name = Cache::name(&self.shared.engine, &digest(bytes));
        if let Some(component) = self.cached(&name) {
            return Ok(component);
        }
        before();
        let component = Component::from_binary(&self.shared.engine, bytes)
            .map_err(|cause| error(cause.into()))?;
        self.keep(&name, &component);
        Ok(component)
    }

    fn cached(&self, name: &str) -> Option<Component> {
        self.shared.cache.as_ref()?.load(&self.shared.engine, name)
    }

    fn keep(&self, name: &str, component: &Component) {
        if let Some(cache) = &self.shared.cache {
            cache.keep(name, component);
        }
    }
}

fn export_error(error: wasmtime::Error) -> PublishError {
    PublishError::Export(error.into())
}

fn check_size(bytes: &[u8], max: usize) -> Result<(), PublishError> {
    match bytes.len() {
        0 => Err(PublishError::Empty),
        bytes if bytes > max => Err(PublishError::TooLarge { bytes, max }),
        _ => Ok(()),
    }
}

/// Looks at the first 8 bytes: `\0asm`, a version, and the layer that tells components from modules.
fn check_preamble(bytes: &[u8]) -> Result<(), PublishError> {
    match bytes {
        [0, b'a', b's', b'm', _, _, 1, 0, ..] => Ok(()),
        [0, b'a', b's', b'm', _, _, 0, 0, ..] => Err(PublishError::CoreModule),
        _ => Err(PublishError::NotAComponent),
    }
}

/// Refuses every import but the types of our own package, which are nothing that could be called, and what the stand-in
/// for WASI meets.
fn check_imports(engine: &Engine, component: &Component) -> Result<(), PublishError> {
    let component_type = component.component_type();
    let imports: Vec<String> = component_type
        .imports(engine)
        .filter(|(name, import)| {
            let only_types = match &import.ty {
                ComponentItem::ComponentInstance(instance) => instance
                    .exports(engine)
                    .all(|(_, export)| matches!(export.ty, ComponentItem::Type(_))),
                _ => false,
            };
            !((only_types && name.starts_with(TYPES)) || wasi::meets(name, &import.ty, engine))
        })
        .map(|(name, _)| name.to_owned())
        .collect();
    if imports.is_empty() {
        Ok(())
    } else {
        Err(PublishError::Imports { imports })
    }
}
