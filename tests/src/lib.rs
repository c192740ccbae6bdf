//! A module for each promise of the README.

#[cfg(test)]
mod infra;
#[cfg(test)]
mod tidy;
