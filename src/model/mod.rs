//! Floor 1: the facts hawkeye deals in, as plain data that serialises to the report.
//!
//! Invariant: no I/O and no behaviour beyond making, reading and printing the data.

pub mod certificate;
pub mod changes;
pub mod client;
pub mod comparison;
pub mod drift;
pub mod fail_on;
pub mod finding;
pub mod inventory;
pub mod limits;
pub mod notes;
pub mod outcome;
pub mod pool;
pub mod revision;
pub mod risk;
pub mod run;
pub(crate) mod same;
pub mod secret;
pub mod shard;
pub mod target;
