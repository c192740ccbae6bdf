//! Signatures of policies: who answers for a policy's code, name and schema, whoever publishes it.
//!
//! A signature is a Sigstore bundle (v0.3) with a DSSE envelope (1.0) around an in-toto statement, made with a key of the
//! signer's own. Nothing of it needs a network: the envelope is checked with a public key that the verifier holds.

mod bundle;
pub(crate) mod envelope;
mod error;
mod key;
mod statement;

pub use bundle::{PolicySignature, sign};
pub use error::{KeyError, SignatureError};
pub use key::{PolicyKey, PolicySigner};
pub use statement::PREDICATE_TYPE;

/// The media type of a bundle (Sigstore bundle 0.3).
pub const SIGNATURE_MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
