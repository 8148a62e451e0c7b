//! Floor 0: the system calls that the standard library does not offer. The only `unsafe` and the only `libc`.
//!
//! Linux 5.11 or later: pidfds, `close_range` with `CLOSE_RANGE_CLOEXEC`, child subreapers.
#![allow(unsafe_code, reason = "this module exists to hold it")]

pub(crate) mod cancel;
pub(crate) mod limits;
pub(crate) mod net;
pub(crate) mod poll;
pub(crate) mod process;
pub(crate) mod signal;
pub(crate) mod terminal;
pub(crate) mod usage;
