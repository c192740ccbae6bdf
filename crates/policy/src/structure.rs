//! How much there is to compile, found by reading alone: compiling cannot be stopped once it runs.
//!
//! What cannot be read is left to the compiler, which refuses it with its place.

use wasmparser::{
    BinaryReaderError, ComponentInstance, FunctionBody, Instance, Operator, Parser, Payload,
};

use crate::PublishError;

/// Each costs some ten microseconds, however small it is.
const FUNCTIONS_MAX: u64 = 100_000;
/// The largest loops of interpreters have some 150 KiB; registers are given out a function at a time.
const FUNCTION_BYTES_MAX: u64 = 512 * 1024;
/// What the compiler keeps for each block of a function.
const LOCALS_MAX: u64 = 5_000;
/// Locals times blocks of one function: so many values may have to be told apart where blocks meet.
const MEETINGS_MAX: u64 = 20_000_000;
/// Targets of all jump tables of one function.
const TARGETS_MAX: u64 = 50_000;
/// Components that are made of components: what one step makes many of, the next makes many of again.
const INSTANCES_MAX: u64 = 32;
/// Core modules that are instantiated, linked libraries among them.
const CORE_INSTANCES_MAX: u64 = 256;

/// Refuses a component that would take long to compile, on any machine or, with more code than so many bytes, on this one.
pub(crate) fn check(component: &[u8], code_bytes_max: Option<u64>) -> Result<(), PublishError> {
    let mut size = Size::default();
    let read = Parser::new(0).parse_all(component).try_for_each(|payload| {
        payload
            .map_err(Stop::Unreadable)
            .and_then(|payload| size.add(&payload))
    });
    match read {
        Err(Stop::TooMuch(error)) => Err(error),
        Ok(()) | Err(Stop::Unreadable(_)) => size.fits(code_bytes_max),
    }
}

enum Stop {
    TooMuch(PublishError),
    Unreadable(#[expect(dead_code, reason = "the compiler tells it better")] BinaryReaderError),
}

impl From<BinaryReaderError> for Stop {
    fn from(error: BinaryReaderError) -> Self {
        Self::Unreadable(error)
    }
}

/// What was counted over all modules.
#[derive(Default)]
struct Size {
    code_bytes: u64,
    functions: u64,
    instances: u64,
    core_instances: u64,
}

impl Size {
    fn fits(&self, code_bytes_max: Option<u64>) -> Result<(), PublishError> {
        match code_bytes_max {
            Some(max) if self.code_bytes > max => Err(PublishError::TooMuchCodeHere {
                found: self.code_bytes,
                max,
            }),
            _ => Ok(()),
        }
    }

    fn add(&mut self, payload: &Payload<'_>) -> Result<(), Stop> {
        match payload {
            Payload::CodeSectionEntry(body) => {
                self.functions += 1;
                self.code_bytes += body.range().len() as u64;
                at_most("functions", self.functions, FUNCTIONS_MAX)?;
                function(body)
            }
            Payload::InstanceSection(section) => {
                for instance in section.clone() {
                    let is_made = matches!(instance?, Instance::Instantiate { .. });
                    self.core_instances += u64::from(is_made);
                }
                at_most(
                    "instances of modules",
                    self.core_instances,
                    CORE_INSTANCES_MAX,
                )
            }
            Payload::ComponentInstanceSection(section) => {
                for instance in section.clone() {
                    let is_made = matches!(instance?, ComponentInstance::Instantiate { .. });
                    self.instances += u64::from(is_made);
                }
                at_most("instances of components", self.instances, INSTANCES_MAX)
            }
            _ => Ok(()),
        }
    }
}

fn function(body: &FunctionBody<'_>) -> Result<(), Stop> {
    let bytes = body.range().len() as u64;
    at_most("bytes in one function", bytes, FUNCTION_BYTES_MAX)?;
    let mut locals = 0_u64;
    for declared in body.get_locals_reader()? {
        locals += u64::from(declared?.0);
    }
    at_most("locals in one function", locals, LOCALS_MAX)?;
    let (mut blocks, mut targets) = (1_u64, 0_u64);
    for operator in body.get_operators_reader()? {
        match operator? {
            Operator::BrTable { targets: table } => targets += u64::from(table.len()) + 1,
            Operator::Block { .. }
            | Operator::Loop { .. }
            | Operator::If { .. }
            | Operator::Else
            | Operator::BrIf { .. } => blocks += 1,
            _ => {}
        }
    }
    at_most("targets of jumps in one function", targets, TARGETS_MAX)?;
    let meetings = locals.saturating_mul(blocks.saturating_add(targets));
    at_most(
        "locals times blocks in one function",
        meetings,
        MEETINGS_MAX,
    )
}

fn at_most(what: &'static str, found: u64, max: u64) -> Result<(), Stop> {
    if found <= max {
        return Ok(());
    }
    Err(Stop::TooMuch(PublishError::TooMuchCode {
        what,
        found,
        max,
    }))
}
