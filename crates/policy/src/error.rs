use std::error::Error;

/// What lies under an error of the sandbox.
pub type Cause = Box<dyn Error + Send + Sync + 'static>;

/// Why a sandbox could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The engine for components could not be made with the settings that Trailmark needs.
    #[error("could not set up the sandbox on this machine")]
    Engine(#[source] Cause),
}

/// Why a policy cannot be published or prepared.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// There is nothing in it.
    #[error("the policy is empty")]
    Empty,
    /// It is larger than a policy may be.
    #[error("the policy has `{bytes}` bytes, more than the `{max}` allowed")]
    TooLarge {
        /// How large it is.
        bytes: usize,
        /// How large it may be.
        max: usize,
    },
    /// It is WebAssembly, but a module instead of a component.
    #[error("the policy is a core module, not a component")]
    CoreModule,
    /// It is no WebAssembly at all.
    #[error("the policy is not a WebAssembly component")]
    NotAComponent,
    /// It begins like a component, and is truncated or otherwise invalid.
    #[error("the component is invalid")]
    Invalid(#[source] Cause),
    /// It wants something from its host.
    #[error("the component imports {}", list(imports))]
    Imports {
        /// Every import that a policy may not have.
        imports: Vec<String>,
    },
    /// It does not export what a policy exports.
    #[error("the component does not export `evaluate` as the world `policy` has it")]
    Export(#[source] Cause),
    /// The Rego source does not parse or compile.
    #[error("the Rego source is wrong: {message}")]
    Syntax {
        /// What the engine said.
        message: String,
    },
    /// The Rego source calls a function that policies do not have.
    #[error("the Rego source calls `{name}`, which a policy does not have: {why}{place}")]
    UnknownFunction {
        /// The function.
        name: String,
        /// Why there is none.
        why: String,
        /// File, line and column, and the line itself, on lines of their own.
        place: String,
    },
    /// The Rego source calls a function that is not pure.
    #[error("the Rego source calls `{name}`, which is not pure: {why}{place}")]
    ImpureFunction {
        /// The function.
        name: String,
        /// What it depends on.
        why: String,
        /// File, line and column, and the line itself, on lines of their own.
        place: String,
    },
    /// A Rego rule calls itself, perhaps by way of others.
    #[error("the Rego rule `{rule}` is recursive{place}")]
    Recursion {
        /// The rule.
        rule: String,
        /// File, line and column, and the line itself, on lines of their own.
        place: String,
    },
    /// The Rego source allows by default.
    #[error("the Rego source has a default for `allow` that is not `false`{place}")]
    DefaultAllow {
        /// File, line and column, and the line itself, on lines of their own.
        place: String,
    },
    /// The Rego source lacks a rule that a policy needs.
    #[error("the Rego source has no rule `{rule}`")]
    MissingRule {
        /// The rule.
        rule: String,
    },
    /// Checking it took more than a policy may use.
    #[error("the policy is too much work to check: `{denial}`")]
    TooComplex {
        /// The limit that it reached.
        denial: crate::Denial,
    },
    /// Compiling it would take too long.
    #[error("the component has {found} {what}, more than {max}")]
    TooMuchCode {
        /// Of what there is too much.
        what: &'static str,
        /// How much there is, as far as it was counted.
        found: u64,
        /// How much there may be.
        max: u64,
    },
    /// Compiling it would take longer than this machine has time.
    #[error(
        "the component has {found} bytes of code, more than the {max} that this recorder has the time to compile"
    )]
    TooMuchCodeHere {
        /// How much there is.
        found: u64,
        /// How much is compiled here.
        max: u64,
    },
    /// The sandbox holds no engine for this form of policy, or its engine is broken.
    #[error("the engine component for Rego could not be used")]
    Engine(#[source] Cause),
    /// Nothing is compiled here, and no image of the policy was found for this program's version and this processor.
    #[error("the policy has no image here")]
    ImageMissing,
    /// The machine could not do it.
    #[error("could not prepare the policy on this machine")]
    Host(#[source] Cause),
}

/// Names that are said in one error.
const NAMES_MAX: usize = 20;

/// Writes names one after the other, each in backticks.
fn list(names: &[String]) -> String {
    let said: Vec<_> = names
        .iter()
        .take(NAMES_MAX)
        .map(|name| format!("`{}`", name.chars().take(100).collect::<String>()))
        .collect();
    match names.len().saturating_sub(NAMES_MAX) {
        0 => said.join(", "),
        more => format!("{} and {more} more", said.join(", ")),
    }
}

impl PublishError {
    /// Returns the stable name of the error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Empty => "policy-empty",
            Self::TooLarge { .. } => "policy-too-large",
            Self::CoreModule => "policy-is-core-module",
            Self::NotAComponent => "policy-is-no-component",
            Self::Invalid(_) => "policy-invalid",
            Self::Imports { .. } => "policy-imports",
            Self::Export(_) => "policy-exports",
            Self::Syntax { .. } => "rego-syntax",
            Self::UnknownFunction { .. } => "rego-unknown-function",
            Self::ImpureFunction { .. } => "rego-impure-function",
            Self::Recursion { .. } => "rego-recursion",
            Self::DefaultAllow { .. } => "rego-default-allow",
            Self::MissingRule { .. } => "rego-missing-rule",
            Self::TooComplex { .. } => "policy-too-complex",
            Self::TooMuchCode { .. } => "policy-too-much-code",
            Self::TooMuchCodeHere { .. } => "policy-too-much-code-here",
            Self::Engine(_) => "engine-unusable",
            Self::ImageMissing => "image-missing",
            Self::Host(_) => "host-failure",
        }
    }

    /// Returns what the author can do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Empty => "write at least the rules `allow` and `findings`",
            Self::TooLarge { .. } => {
                "leave data out of the policy; what it judges by belongs into its parameters"
            }
            Self::CoreModule => {
                "make a component of it: `wasm-tools component new module.wasm -o policy.wasm`"
            }
            Self::NotAComponent => {
                "publish a component, or Rego source as a file that ends in `.rego`"
            }
            Self::Invalid(_) => "build the component again and compare its size with what was sent",
            Self::Imports { .. } => {
                "a policy imports nothing but WASI 0.2 (an empty stand-in) without `wasi:http`: leave out what needs the others"
            }
            Self::Export(_) => "build against `wit/policy.wit`, world `policy`",
            Self::Syntax { .. } => {
                "check the file with `opa check --v1-compatible` or `regorus parse`"
            }
            Self::UnknownFunction { .. } => {
                "`docs/rego.md` lists the built-ins that policies have, and what takes the place of others"
            }
            Self::ImpureFunction { .. } => {
                "a policy is a pure function of the dossier: no network, no randomness; `time.now_ns()` is the decision's time"
            }
            Self::Recursion { .. } => "use `walk`, a comprehension or `every` instead",
            Self::DefaultAllow { .. } => "write `default allow := false`; only evidence allows",
            Self::MissingRule { .. } => {
                "every policy has one package with the rules `allow` and `findings`"
            }
            Self::TooComplex { .. } => "make the source smaller",
            Self::TooMuchCode { .. } => {
                "leave out what the policy does not use, and let the compiler optimise"
            }
            Self::TooMuchCodeHere { .. } => {
                "write it in Rego, Rust or C, or give the recorder's function `ingest` more processors: `IngestMemoryMb=3538` when it is deployed"
            }
            Self::ImageMissing => {
                "publish the policy again, or have the images made anew after an update"
            }
            Self::Engine(_) | Self::Host(_) => {
                "this is not the policy's fault: look at the recorder's log"
            }
        }
    }

    /// Says whether the fault is the policy's, not the machine's.
    #[must_use]
    pub const fn is_the_authors(&self) -> bool {
        !matches!(self, Self::Engine(_) | Self::Host(_) | Self::ImageMissing)
    }
}
