//! What a policy's author needs: a folder read, its cases run, its source checked.
//!
//! Nothing here decides about a release: verdicts come from the sandbox of the crate `policy` alone.
#![warn(missing_docs)]
