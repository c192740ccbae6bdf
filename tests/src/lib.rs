//! A module for each promise of the README, and what tests and benchmarks of the second home share.

pub mod aws;
#[cfg(test)]
mod costs;
#[cfg(test)]
mod infra;
#[cfg(test)]
mod restore;
#[cfg(test)]
mod tidy;
