//! The second home as tests and benchmarks use it: a journal beside DynamoDB Local and moto, what a pipeline records in
//! it, and what AWS bills for that.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests and benchmarks stop at the first surprise"
)]

pub mod bill;
pub mod kinds;
pub mod month;
pub mod pipeline;
pub mod place;
pub mod prices;
pub mod world;
