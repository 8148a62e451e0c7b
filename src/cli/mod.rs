//! Floor 2: the command line, exactly as it was typed. What it means together with files and environment is
//! decided in `config`.
//!
//! Invariant: no I/O in this module; what is to be printed is returned.

pub(crate) mod args;
mod complaint;
#[cfg(test)]
mod tests;

pub(crate) use args::{Early, parse};
