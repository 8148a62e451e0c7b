//! Floor 2: what a row of measurements says. Statistics of a few runs, latencies of very many requests, whether
//! one bench is slower than another, and why a target is slow or fails.
//!
//! | file | what it does |
//! |---|---|
//! | `statistics` | mean, median, standard deviation of a few values |
//! | `latency` | a histogram of bounded size for any number of values |
//! | `bench`, `load` | the two reports; comparing two benches |
//! | `steps` | a target's way from the name to the last list, step by step |
//! | `causes`, `stdio_causes`, `remote_causes` | the usual causes of a failure, in plain words |
//! | `remedies` | the tuning guide's thresholds and solutions |
//!
//! Invariant: no I/O and no clock in here; the same input gives the same words.

pub(crate) mod bench;
pub(crate) mod causes;
pub(crate) mod latency;
pub(crate) mod load;
pub(crate) mod remedies;
mod remote_causes;
pub(crate) mod statistics;
mod stdio_causes;
pub(crate) mod steps;
#[cfg(test)]
mod tests;

/// Of the JSON reports of this module. Additions leave it as it is.
pub(crate) const SCHEMA_VERSION: u32 = 1;
