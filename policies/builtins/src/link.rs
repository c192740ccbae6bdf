//! How the built-ins come into a program.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use regorus::languages::rego::compiler::{Compiler, SpannedCompilerError};
use regorus::rvm::instructions::BuiltinCallParams;
use regorus::rvm::program::BuiltinInfo;
use regorus::rvm::{Instruction, Program};
use regorus::{CompiledPolicy, Engine, Value};

use crate::{Builtin, TABLE, find};

/// The function that gives what may be gone through, and nothing else; only interpreters have it.
const ELEMENTS: &str = "trailmark.elements";

/// How many arguments an instruction passes.
const ARGUMENTS_MAX: usize = 8;

/// Compiles a policy with the built-ins of this crate, which go before regorus' own of the same name.
///
/// The compiler knows them as functions that the host answers, and says at each call which one is meant; these
/// instructions are then made calls of the functions themselves.
///
/// # Errors
/// What the compiler says.
pub fn compile(
    policy: &CompiledPolicy,
    entry_points: &[&str],
) -> Result<Arc<Program>, SpannedCompilerError> {
    let names: Vec<(&str, usize)> = TABLE
        .iter()
        .map(|builtin| (builtin.name, usize::from(builtin.arity)))
        .collect();
    let mut program = Compiler::compile_from_policy_with_host_await(policy, entry_points, &names)?;
    let linked = Arc::make_mut(&mut program);
    if linked.has_host_await() {
        link(linked);
    }
    compare(linked);
    Ok(program)
}

/// Has functions compare, which know an order of types, too: to the virtual machine's own instructions, `"a" > 1` is an
/// error, and the end of a rule that may be what denies.
fn compare(program: &mut Program) {
    for at in 0..program.instructions.len() {
        let (name, dest, left, right) = match program.instructions[at] {
            Instruction::Lt { dest, left, right } => ("trailmark.lt", dest, left, right),
            Instruction::Le { dest, left, right } => ("trailmark.le", dest, left, right),
            Instruction::Gt { dest, left, right } => ("trailmark.gt", dest, left, right),
            Instruction::Ge { dest, left, right } => ("trailmark.ge", dest, left, right),
            _ => continue,
        };
        if let Some(builtin) = find(name) {
            call(program, at, builtin, dest, &[left, right]);
        }
    }
}

/// Puts a call in the place of an instruction.
fn call(program: &mut Program, at: usize, builtin: &Builtin, dest: u8, arguments: &[u8]) {
    let mut args = [0; ARGUMENTS_MAX];
    args[..arguments.len()].copy_from_slice(arguments);
    let builtin_index = index(program, builtin);
    let params_index = program.add_builtin_call_params(BuiltinCallParams {
        dest,
        builtin_index,
        num_args: builtin.arity,
        args,
    });
    program.instructions[at] = Instruction::BuiltinCall { params_index };
}

/// Turns each question to the host into a call. What is not one of ours stays as it is, and fails when it is reached.
fn link(program: &mut Program) {
    for at in 0..program.instructions.len() {
        let Some((builtin, dest, arguments)) = question(program, at) else {
            continue;
        };
        call(program, at, builtin, dest, &arguments);
    }
    program.recompute_host_await_presence();
}

/// Reads the sequence that the compiler writes for a function of the host: an array of the arguments, a jump where one
/// of them is undefined, the name, the question.
fn question(program: &Program, at: usize) -> Option<(&'static Builtin, u8, Vec<u8>)> {
    let Instruction::HostAwait { dest, arg, id } = *program.instructions.get(at)? else {
        return None;
    };
    let Instruction::Load {
        dest: name,
        literal_idx,
    } = *program.instructions.get(at.checked_sub(1)?)?
    else {
        return None;
    };
    let Instruction::ArrayCreate { params_index } =
        *program.instructions.get(at.checked_sub(5)?)?
    else {
        return None;
    };
    let array = program
        .instruction_data
        .array_create_params
        .get(usize::from(params_index))?;
    let Value::String(text) = program.literals.get(usize::from(literal_idx))? else {
        return None;
    };
    let builtin = find(text)?;
    let ours = name == id
        && array.dest == arg
        && array.elements.len() == usize::from(builtin.arity)
        && array.elements.len() <= ARGUMENTS_MAX;
    ours.then(|| (builtin, dest, array.elements.clone()))
}

/// Finds or makes a built-in's place in the program's table.
fn index(program: &mut Program, builtin: &Builtin) -> u16 {
    // A name of its own: under OPA's, the virtual machine would keep some results from one call to the next.
    let name = format!("trailmark:{}", builtin.name);
    let known = program
        .builtin_info_table
        .iter()
        .position(|info| info.name == name);
    if let Some(index) = known.and_then(|index| u16::try_from(index).ok()) {
        return index;
    }
    let index = program.add_builtin_info(BuiltinInfo {
        name,
        num_args: u16::from(builtin.arity),
    });
    program.resolved_builtins.push(builtin.entry);
    index
}

/// Gives the built-ins of this crate to an interpreter, where they go before regorus' own of the same name. As long as
/// `strict` is set, one that fails is an error, and has no value otherwise.
///
/// # Errors
/// When one of them was given to it before.
pub fn extend(engine: &mut Engine, strict: &Arc<AtomicBool>) -> anyhow::Result<()> {
    for builtin in TABLE {
        let call = builtin.call;
        let strict = Arc::clone(strict);
        let call = move |arguments: Vec<Value>| match call(&arguments) {
            Err(_) if !strict.load(Ordering::Relaxed) => Ok(Value::Undefined),
            given => given,
        };
        engine.add_extension(builtin.name.into(), builtin.arity, Box::new(call))?;
    }
    // The machine goes through what has no elements as if it had none; to the interpreter that is an error.
    let elements = |arguments: Vec<Value>| match arguments.into_iter().next() {
        Some(all @ (Value::Array(_) | Value::Set(_) | Value::Object(_))) => Ok(all),
        _ => Ok(Value::Undefined),
    };
    engine.add_extension(ELEMENTS.into(), 1, Box::new(elements))
}
