//! Floor 0: what every other module may use, and which knows nothing of MCP, processes or sockets.
//!
//! Invariant: standard library only.

pub mod text;
pub mod time;
