//! hawkeye introspects MCP servers.
//!
//! | floor | modules | may import |
//! |---|---|---|
//! | 4 | `app` | everything below |
//! | 3 | `config`, `probe` | 0, 1, 2, not each other |
//! | 2 | `transport`, `engine`, `report`, `cli`, `demo` | 0 and 1, never each other |
//! | 1 | `model`, `mcp` | `base`; `mcp` may use `model` |
//! | 0 | `base`, `sys` | std; `sys` alone uses `libc` |

pub mod base;
pub mod engine;
pub mod mcp;
pub mod demo;
pub mod cli;
pub mod config;
pub mod model;
pub mod probe;
pub mod sys;
pub mod report;
pub mod transport;
