//! Floor 0: what every other module may use, and which knows nothing of MCP, processes or sockets.
//!
//! Invariant: no I/O; besides the standard library only `memchr`.

pub(crate) mod address;
pub(crate) mod columns;
pub(crate) mod encoding;
pub(crate) mod glob;
pub(crate) mod lines;
pub(crate) mod rate;
pub(crate) mod text;
pub(crate) mod time;
