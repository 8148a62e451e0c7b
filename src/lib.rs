//! hawkeye introspects MCP servers: what each one offers, completely and honestly.
//!
//! The library's face is small: [`scan`] takes [`Target`]s and tells of each [`Outcome`] on the calling
//! thread; a [`Cancel`] ends it early. See `examples/list_tools.rs`.
//!
//! | floor | modules | may import |
//! |---|---|---|
//! | 4 | `app`, `scan` | everything below |
//! | 3 | `config`, `probe` | 0, 1, 2, not each other |
//! | 2 | `transport`, `engine`, `analysis`, `store`, `preflight`, `measure`, `report`, `saved`, `gate`, `cluster`, `cli`, `demo` | 0 and 1, never each other |
//! | 1 | `model`, `mcp` | `base`; `mcp` may use `model` |
//! | 0 | `base`, `sys` | std and `memchr`; `sys` alone uses `libc` and `unsafe` |
//!
//! A target's way: `config` reads it, [`scan`] queues it, a worker of `engine` takes it, `probe` drives a
//! `mcp::session` over a `transport::Wire`, and the outcome goes back to the calling thread, where `app`
//! hands it to the sinks of `report`. Down, across once, done.

mod analysis;
#[doc(hidden)]
pub mod app;
mod base;
mod cli;
mod cluster;
mod config;
mod demo;
mod engine;
mod gate;
#[doc(hidden)]
pub mod mcp;
mod measure;
pub mod model;
mod preflight;
mod probe;
mod report;
mod saved;
mod scan;
mod store;
mod sys;
#[doc(hidden)]
pub mod transport;

/// What the conformance driver and the fuzz targets need besides.
#[doc(hidden)]
pub mod parts {
    pub use crate::base::lines::{Lines, TooLong};
    pub use crate::base::time::Deadline;
}

pub use analysis::options::{Policy, Selection};
pub use engine::options::{Batches, Memory, Width};
pub use model::outcome::Outcome;
pub use model::pool::PoolOptions;
pub use model::target::Target;
pub use scan::{Heard, ScanError, ScanOptions, Scanner, scan};
pub use sys::cancel::Cancel;
pub use transport::options::{
    HttpOptions, PaceOptions, Rate, SseOptions, StdioOptions, TlsOptions, WireOptions,
};
pub use transport::stdio::launch::Claim;
