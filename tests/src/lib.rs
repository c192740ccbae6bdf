//! A module for each promise of the README.
