//! A journal on DynamoDB and S3, read or written as a whole.
//!
//! What is copied here comes sealed: there are no batches and no promises, and one seal for each checkpoint. The item
//! that says that there is a journal comes last, so until then nobody opens or seals it.

mod first;
mod origin;
mod target;

pub use self::origin::DynamoOrigin;
pub use self::target::DynamoTarget;
