//! Holds the built program against hostile and odd servers, files, signals and surroundings: the situations of
//! the threat model. Each test runs `hawkeye scan` on a file of many targets and an honest one, and every run is
//! also held against what must always be true (`support::Done::check`).
#![allow(missing_docs, clippy::unwrap_used, unreachable_pub, reason = "tests")]

#[path = "hostile/config.rs"]
mod config;
#[path = "hostile/http.rs"]
mod http;
#[path = "hostile/process.rs"]
mod process;
#[path = "hostile/signals.rs"]
mod signals;
#[path = "hostile/sse.rs"]
mod sse;
#[path = "hostile/stdio.rs"]
mod stdio;
#[path = "hostile/support.rs"]
mod support;
#[path = "hostile/surroundings.rs"]
mod surroundings;
#[path = "hostile/tls.rs"]
mod tls;
