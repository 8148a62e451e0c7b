//! Scans over many hosts, with a real Redis, real workers as processes of their own, and whatever can happen to them.

#![cfg(feature = "cluster")]
#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

mod beside;
mod deaths;
mod pace;
mod place;
mod queue;
mod same;
mod servers;
mod shares;
mod status;
mod trust;
