//! Makes calls cheap: what a call copies is made small, and a call that is the same every time is made once.

use regorus::rvm::Instruction;
use regorus::rvm::instructions::FunctionCallParams;
use regorus::rvm::program::{FunctionInfo, Program, RuleInfo, RuleType};

/// Changes a program, and nothing of what it says.
pub fn lighten(program: &mut Program) {
    once(program);
    program.rule_infos.iter_mut().for_each(strip);
}

/// The virtual machine copies a rule's description each time it is asked for. What it does not look at, or takes for
/// granted where it is missing, need not be there.
fn strip(rule: &mut RuleInfo) {
    rule.name = String::new();
    if let Some(FunctionInfo { param_names, .. }) = &mut rule.function_info {
        *param_names = Vec::new();
    }
    if rule.destructuring_blocks.iter().all(Option::is_none) {
        rule.destructuring_blocks = Vec::new();
    }
    if rule.else_bodies.iter().flatten().all(|is_else| !is_else) {
        rule.else_bodies = Vec::new();
    }
}

/// A function and the literals that it is called with.
#[derive(PartialEq)]
struct Call {
    function: u16,
    literals: Vec<u16>,
}

/// Turns each call with nothing but literals into the question for a rule of its own, whose value is that of the call:
/// the value of a rule is kept until the evaluation ends.
fn once(program: &mut Program) {
    let mut calls: Vec<(Call, u16)> = Vec::new();
    let targets = targets(program);
    for at in 0..targets.len() {
        let Some((call, dest)) = call(program, &targets, at) else {
            continue;
        };
        let known = calls.iter().find(|(known, _)| *known == call);
        let rule_index = match known.map(|(_, rule)| *rule) {
            Some(rule) => rule,
            None => {
                let Some(rule) = rule(program, &call) else {
                    return;
                };
                calls.push((call, rule));
                rule
            }
        };
        program.instructions[at] = Instruction::CallRule { dest, rule_index };
    }
}

/// Reads a call whose arguments are loaded right before it, each of them a literal, and where its value goes.
fn call(program: &Program, targets: &[bool], at: usize) -> Option<(Call, u8)> {
    let Instruction::FunctionCall { params_index } = *program.instructions.get(at)? else {
        return None;
    };
    let params = program
        .instruction_data
        .get_function_call_params(params_index)?;
    let arguments = params.arg_registers();
    let first = at.checked_sub(arguments.len())?;
    // Whoever comes from elsewhere has not loaded them.
    if targets.get(first + 1..=at)?.contains(&true) {
        return None;
    }
    let loaded = program.instructions.get(first..at)?;
    let literal = |(loaded, register): (&Instruction, &u8)| match *loaded {
        Instruction::Load { dest, literal_idx } if dest == *register => Some(literal_idx),
        _ => None,
    };
    let literals: Option<Vec<u16>> = loaded.iter().zip(arguments).map(literal).collect();
    let call = Call {
        function: params.func_rule_index,
        literals: literals?,
    };
    Some((call, params.dest))
}

/// Finds the instructions that anything may jump to, and those beside them: what a jump names is sometimes one off.
fn targets(program: &Program) -> Vec<bool> {
    let data = &program.instruction_data;
    let mut found = vec![false; program.instructions.len()];
    let mut near = |target: usize| {
        let from = target.saturating_sub(1).min(found.len());
        let to = (target + 2).min(found.len());
        found[from..to].fill(true);
    };
    for each in &data.loop_params {
        near(each.body_start.into());
        near(each.loop_end.into());
    }
    for each in &data.comprehension_begin_params {
        near(each.body_start.into());
        near(each.comprehension_end.into());
    }
    for instruction in &program.instructions {
        match *instruction {
            Instruction::LoopNext {
                body_start,
                loop_end,
            } => {
                near(body_start.into());
                near(loop_end.into());
            }
            Instruction::AnyOfNext { end_pc, .. } => near(end_pc.into()),
            _ => {}
        }
    }
    found
}

/// Adds a rule whose value is that of a call.
fn rule(program: &mut Program, call: &Call) -> Option<u16> {
    /// Where the value of a rule is.
    const RESULT: u8 = 0;
    /// What a rule is made of: a beginning, eight arguments, the call, an end.
    const BODY_MAX: usize = 11;
    let calls = program.instruction_data.function_call_params.len();
    let room = program.rule_infos.len() < Program::MAX_RULES
        && calls < usize::from(u16::MAX)
        && program.instructions.len() + BODY_MAX <= Program::MAX_INSTRUCTIONS;
    if !room {
        return None;
    }
    let rule_index = u16::try_from(program.rule_infos.len()).ok()?;
    let count = u8::try_from(call.literals.len()).ok()?;
    let mut params = FunctionCallParams {
        dest: RESULT,
        func_rule_index: call.function,
        num_args: count,
        args: [0; 8],
    };
    let begin = u32::try_from(program.instructions.len()).ok()?;
    let mut body = vec![Instruction::RuleInit {
        result_reg: RESULT,
        rule_index,
    }];
    for ((literal, argument), dest) in call.literals.iter().zip(&mut params.args).zip(1..) {
        *argument = dest;
        body.push(Instruction::Load {
            dest,
            literal_idx: *literal,
        });
    }
    let params_index = program.add_function_call_params(params);
    body.push(Instruction::FunctionCall { params_index });
    body.push(Instruction::RuleReturn {});
    for instruction in body {
        program.add_instruction(instruction, None);
    }
    program.rule_infos.push(RuleInfo::new(
        String::new(),
        RuleType::Complete,
        vec![vec![begin]].into(),
        RESULT,
        count + 1,
    ));
    Some(rule_index)
}
