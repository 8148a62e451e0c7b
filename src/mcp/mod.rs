//! Floor 1: the protocol, without I/O. It is told what arrived and when, and says what to send next.
//!
//! Invariant: no socket, no process, no clock and no thread in this module.

pub mod auth;
pub mod era;
pub mod json;
pub mod json_rpc;
pub mod listing;
pub mod origin;
pub mod outgoing;
pub mod session;
pub mod sse;
pub mod tidy;
pub mod tool_headers;
