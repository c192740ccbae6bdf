//! Writes rules so that the virtual machine takes them as they are meant.
//!
//! What a comprehension collects, and what is assigned, is a value to the virtual machine even where it is undefined. So each of
//! them is asked for: `y := x.name` is followed by `y == y`, which does not hold when there is no `y`, and
//! `[x.name | some x in xs]` is compiled as `[v | some x in xs; v := x.name; v == v]`.
//!
//! Nor does it take the variables of an `every` for bound: `of[x]` in its body would look for any `x` there is. So
//! `every x in xs { … }` is compiled as `every v in xs { x := v; … }`.
//!
//! `walk` is a relation: it has a value for each place in what it walks through. The virtual machine has only functions, so
//! `walk(x, [path, value])` is compiled as `[path, value] = trailmark.walk(x)[_]`. Within an expression it is refused.
//!
//! What does not hold ends the round of the innermost loop, even where a comprehension is within that loop and has none of
//! its own: `[1 | x.ok]` would not be empty, but the end of everything for this `x`. So each has one: `[1 | some _ in [0]; x.ok]`.
//!
//! Two values for one key of an object are the last of them to the virtual machine, and the end of a query in OPA. So
//! `{k: v | …}` is compiled as `trailmark.object({[k, v] | …})`. What becomes of rules is told in `keyed` and
//! `single`.
//!
//! The interpreter of regorus, by which authors see what is printed and reached, reads the same text. So of each line and
//! place is known where it was in what the author wrote ([`Rewritten`]).
#![warn(missing_docs)]

pub mod keyed;
pub mod mentions;
pub mod place;
mod places;
mod single;
mod text;
mod writer;

use regorus::unstable::{Module, Ref};

pub use text::Rewritten;

/// Who reads what is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// The virtual machine: it decides.
    Machine,
    /// The interpreter, to which it is an error to go through what has no elements. So `some x in xs` is written as
    /// `some x in trailmark.elements(xs)`.
    Interpreter,
}

/// Writes the modules of a policy anew, each as it was parsed.
///
/// # Errors
/// Says what in them is not understood, and where.
pub fn rewrite(modules: &[Ref<Module>], reader: Reader) -> Result<Vec<Rewritten>, String> {
    let mut watched = single::Watched::of(modules);
    let written = modules.iter().map(|module| {
        let source = module.package.span.source.contents();
        let text = writer::write(source, module, reader, &mut watched)?;
        Ok(text.written(source))
    });
    written.collect()
}
