//! The floor for Rego: regorus' bytecode in this very process, without a sandbox, on the same source and dossier.

use std::sync::Arc;

use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::vm::RegoVM;
use regorus::{Engine, Value};

pub struct Native(RegoVM);

impl Native {
    /// Compiles modules; what is asked for is a rule of the last [default: its `allow` and `findings`].
    pub fn compile(modules: &[&str], rule: Option<&str>) -> Self {
        let mut engine = Engine::new();
        let mut package = String::new();
        for (number, module) in (1..).zip(modules) {
            let result = "result := {\"allow\": allow, \"findings\": findings}";
            let whole = match rule {
                None if number == modules.len() => format!("{module}\n\n{result}\n"),
                _ => (*module).to_owned(),
            };
            package = engine.add_policy(format!("{number}.rego"), whole).unwrap();
        }
        let path = format!("{package}.{}", rule.unwrap_or("result"));
        let compiled = engine
            .compile_with_entrypoint(&Arc::from(path.as_str()))
            .unwrap();
        let program = Compiler::compile_from_policy(&compiled, &[&path]).unwrap();
        let mut vm = RegoVM::new();
        vm.set_max_instructions(usize::MAX);
        vm.load_program(program);
        vm.set_data(Value::new_object()).unwrap();
        Self(vm)
    }

    /// Parses, evaluates and serialises, as one does without an image.
    pub fn run(&mut self, json: &str) -> String {
        let mut input = Value::from_json_str(json).unwrap();
        let fields = input.as_object_mut().unwrap();
        fields.insert("parameters".into(), Value::new_object());
        self.0.set_input(input);
        let result = self.0.execute_entry_point_by_index(0).unwrap();
        serde_json::to_string(&result).unwrap()
    }
}
