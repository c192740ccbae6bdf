//! The stock component that runs Rego: regorus, compiled to its bytecode, behind the world `engine` of
//! `wit/policy.wit`.
//!
//! `load` checks and compiles a source; the host keeps the instance's memory from then on as an image, so that an
//! evaluation begins with `judge`. Nothing here is a boundary: the sandbox around the component is.

mod bundle;
mod calls;
mod check;
mod document;
mod order;
mod patterns;
mod program;
mod verdict;

wit_bindgen::generate!({ path: "../../wit", world: "engine" });

use std::cell::RefCell;

use program::Program;

thread_local! {
    static PROGRAM: RefCell<Option<Program>> = const { RefCell::new(None) };
}

/// What most evaluations need, so that their memory need not grow.
const ROOM_BYTES: usize = 1024 * 1024;

struct Engine;

impl Guest for Engine {
    fn load(source: String) -> Result<(), SourceError> {
        let program = Program::compile(&source)?;
        PROGRAM.set(Some(program));
        drop(source);
        heap::settle(ROOM_BYTES);
        Ok(())
    }

    fn judge(dossier: Document, parameters: Document) -> Result<Verdict, RuleError> {
        PROGRAM.with_borrow_mut(|program| match program {
            Some(program) => program.judge(&dossier, &parameters),
            None => Err(RuleError::RuleFailed("no source was loaded".into())),
        })
    }
}

export!(Engine);
