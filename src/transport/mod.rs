//! Floor 2: blocking transports.
pub mod options;
