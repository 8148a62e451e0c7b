//! Floor 1: the protocol, without I/O. It is told what arrived and when, and says what to send next.
//!
//! | file | what it holds |
//! |---|---|
//! | `session`, `era`, `listing` | one conversation; which revisions it is in; one list of it |
//! | `json_rpc`, `sse`, `json` | what comes in: messages, event streams, a look into values |
//! | `outgoing`, `tool_headers` | what goes out, and what HTTP mirrors of it |
//! | `tidy` | a server's values, made fit to keep |
//! | `auth`, `origin` | what is asked of callers; whom to trust |
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
