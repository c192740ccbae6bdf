//! Images: the engine component with a source already loaded, as a component of its own.
//!
//! Loading a source is much more work than judging by it, and the same for every dossier. So it is done once, and the
//! memory as it then is becomes the initial memory of a new component. The source stays the truth: the same engine and
//! source give the same image, byte for byte, and an image is never published or trusted.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use wasmtime::component::{Component, Instance, Lift, Linker, WasmList};
use wasmtime::{Engine, Error, Store};
use wasmtime_wizer::{ComponentInstanceState, Wizer};

use crate::bindings::engine::Engine as RegoEngine;
use crate::bindings::types::{Refused, SourceError};
use crate::meter::{self, Meter};
use crate::{Denial, DossierInput, Limits, Outcome, PublishError, document, prepared, verdict};

/// The engine component, made ready to be asked for its memory.
pub(crate) struct Loader {
    bytes: Vec<u8>,
    instrumented: Vec<u8>,
}

impl Loader {
    pub(crate) fn new(engine_component: &[u8]) -> Result<Self, PublishError> {
        let bytes = engine_component.to_vec();
        let instrumented = Wizer::new()
            .instrument_component(&bytes)
            .map_err(engine_error)?
            .1;
        Ok(Self {
            bytes,
            instrumented,
        })
    }

    /// Returns the component that loads sources.
    pub(crate) fn component(&self) -> &[u8] {
        &self.instrumented
    }

    /// Loads a source into an instance of `loading`, which is [`Self::component`] compiled, and makes the image.
    pub(crate) fn image(
        &self,
        engine: &Engine,
        loading: &Component,
        source: &str,
    ) -> Result<Vec<u8>, PublishError> {
        let (mut store, instance, _) = load(engine, loading, source)?;
        store.set_fuel(u64::MAX).map_err(host_error)?;
        store.set_hostcall_fuel(usize::MAX);
        let wizer = Wizer::new();
        let (context, _) = wizer
            .instrument_component(&self.bytes)
            .map_err(engine_error)?;
        let mut state = State { store, instance };
        finish(wizer.snapshot_component(&context, &mut state)).map_err(engine_error)
    }
}

/// Loads a source into a new instance.
fn load(
    engine: &Engine,
    loading: &Component,
    source: &str,
) -> Result<(Store<Meter>, Instance, RegoEngine), PublishError> {
    let mut store = meter::store(engine, &Limits::default()).map_err(host_error)?;
    let instance = Linker::new(engine)
        .instantiate(&mut store, loading)
        .map_err(engine_error)?;
    let rego = RegoEngine::new(&mut store, &instance).map_err(engine_error)?;
    match rego.call_load(&mut store, source) {
        Ok(Ok(())) => Ok((store, instance, rego)),
        Ok(Err(error)) => Err(refusal(error)),
        Err(error) => Err(stopped(error)),
    }
}

/// Loads a source and judges by it in the same instance, without an image.
pub(crate) fn judge_once(
    engine: &Engine,
    loading: &Component,
    source: &str,
    input: &DossierInput,
) -> Result<Outcome, PublishError> {
    let (mut store, _, rego) = load(engine, loading, source)?;
    let parameters = document::encode("{}");
    let judged = rego.call_judge(&mut store, input.document(), &parameters);
    Ok(match judged {
        Ok(Ok(verdict)) => verdict::check(verdict, input),
        Ok(Err(error)) => Outcome::Denied(prepared::denial(&error)),
        Err(error) => meter::stopped(&error),
    })
}

fn refusal(error: SourceError) -> PublishError {
    match error {
        SourceError::Syntax(message) => PublishError::Syntax { message },
        SourceError::UnknownFunction(Refused { name, why, place }) => {
            PublishError::UnknownFunction { name, why, place }
        }
        SourceError::ImpureFunction(Refused { name, why, place }) => {
            PublishError::ImpureFunction { name, why, place }
        }
        SourceError::Recursion(Refused { name, place, .. }) => {
            PublishError::Recursion { rule: name, place }
        }
        SourceError::DefaultAllow(place) => PublishError::DefaultAllow { place },
        SourceError::MissingRule(rule) => PublishError::MissingRule { rule },
    }
}

fn stopped(error: Error) -> PublishError {
    match meter::stopped(&error) {
        // A source that is nested too deeply exhausts the stack of whoever reads it.
        Outcome::Undecided(crate::Undecided::NativeStack) => PublishError::TooComplex {
            denial: Denial::Trapped,
        },
        Outcome::Denied(denial) => PublishError::TooComplex { denial },
        _ => host_error(error),
    }
}

fn engine_error(error: Error) -> PublishError {
    PublishError::Engine(error.into())
}

fn host_error(error: Error) -> PublishError {
    PublishError::Host(error.into())
}

/// An instance whose memory is read.
struct State {
    store: Store<Meter>,
    instance: Instance,
}

impl State {
    #[expect(
        clippy::expect_used,
        reason = "the functions are the ones that were added to this very component"
    )]
    fn call<R: Lift + 'static>(&mut self, instance: &str, function: &str) -> R {
        let store = &mut self.store;
        let (_, instance) = self
            .instance
            .get_export(&mut *store, None, instance)
            .expect("the accessor is exported");
        let (_, function) = self
            .instance
            .get_export(&mut *store, Some(&instance), function)
            .expect("the accessor has the function");
        let function = self
            .instance
            .get_typed_func::<(), (R,)>(&mut *store, function)
            .expect("the accessor has its type");
        function
            .call(&mut *store, ())
            .expect("the accessor only reads")
            .0
    }
}

impl ComponentInstanceState for State {
    async fn call_func_ret_list_u8(
        &mut self,
        instance: &str,
        func: &str,
        contents: impl FnOnce(&[u8]) + Send,
    ) {
        let list: WasmList<u8> = self.call(instance, func);
        contents(list.as_le_slice(&self.store));
    }

    async fn call_func_ret_s32(&mut self, instance: &str, func: &str) -> i32 {
        self.call(instance, func)
    }

    async fn call_func_ret_s64(&mut self, instance: &str, func: &str) -> i64 {
        self.call(instance, func)
    }

    async fn call_func_ret_f32(&mut self, instance: &str, func: &str) -> u32 {
        self.call::<f32>(instance, func).to_bits()
    }

    async fn call_func_ret_f64(&mut self, instance: &str, func: &str) -> u64 {
        self.call::<f64>(instance, func).to_bits()
    }
}

/// Runs a future that never waits, because everything in it is done at once.
fn finish<T>(future: impl Future<Output = wasmtime::Result<T>>) -> wasmtime::Result<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => Err(wasmtime::format_err!("the image was not made at once")),
    }
}
