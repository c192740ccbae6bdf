//! Compiles the regular expressions that stand in a program, so that they are part of its image.

use regorus::Value;
use regorus::rvm::Instruction;
use regorus::rvm::program::Program;
use regorus::unstable::{BUILTINS, Expr, Ref, Source, Span};

/// Compiles every regular expression that a call is given as a literal. The others, if any, are compiled when they are met.
pub fn compile(program: &Program) {
    let mut literals: [Option<&Value>; 256] = [None; 256];
    for instruction in &program.instructions {
        match instruction {
            Instruction::Load { dest, literal_idx } => {
                literals[usize::from(*dest)] = program.literals.get(usize::from(*literal_idx));
            }
            Instruction::BuiltinCall { params_index } => {
                let pattern = pattern_register(program, *params_index)
                    .and_then(|register| literals[usize::from(register)]);
                if let Some(pattern) = pattern {
                    keep(pattern);
                }
            }
            _ => {}
        }
    }
}

/// Says which register holds the pattern of a call.
fn pattern_register(program: &Program, params_index: u16) -> Option<u8> {
    let call = program
        .instruction_data
        .get_builtin_call_params(params_index)?;
    let function = program.get_builtin_info(call.builtin_index)?;
    let position = match function.name.as_str() {
        "regex.replace" => 1,
        "regex.find_all_string_submatch_n"
        | "regex.find_n"
        | "trailmark:regex.match"
        | "trailmark:regex.split" => 0,
        _ => return None,
    };
    call.arg_registers().get(position).copied()
}

/// Gives a pattern to all who may use it. Regorus is asked whether it is valid: whatever the answer is, one that is will be
/// remembered.
fn keep(pattern: &Value) {
    if let Value::String(text) = pattern {
        builtins::keep_pattern(text);
    }
    let Some((is_valid, _)) = BUILTINS.get("regex.is_valid") else {
        return;
    };
    let Ok(source) = Source::from_contents("patterns".into(), String::new()) else {
        return;
    };
    let span = Span {
        source,
        line: 1,
        col: 1,
        start: 0,
        end: 0,
    };
    let argument = Ref::new(Expr::Null {
        span: span.clone(),
        value: Value::Null,
        eidx: 0,
    });
    let _ = is_valid(&span, &[argument], std::slice::from_ref(pattern), false);
}
