//! Small, correct MCP servers for demonstrations, tests and benchmarks.
//!
//! `hawkeye demo-server` plays one of them:
//!
//! | flag | meaning |
//! |---|---|
//! | `--transport stdio\|http\|sse` | stdin and stdout, Streamable HTTP at `/mcp`, or HTTP+SSE at `/sse` |
//! | `--port N` | port on the loopback interface, 0 for any; HTTP only |
//! | `--persona NAME` | `files`, `weather`, `shop` or `vulnerable`: see [`Persona`] |
//! | `--revisions DATE,DATE` | the revisions it speaks |
//! | `--delay-ms N` | waits before each answer; over HTTP+SSE the POST itself is accepted at once |
//! | `--token TOKEN` | answers 401 without `Authorization: Bearer TOKEN`; HTTP only, a demo value |
//! | `--mutate-after N` | after N listings the first tool says something else: a rug pull |
//! | `--event-stream` | Streamable HTTP answers as an event stream instead of JSON |
//!
//! An HTTP server prints `listening on URL` as its only line, counts what it is asked (`GET /stats`,
//! see [`DemoStats`]) and ends when its stdin does, so that it never outlives its parent.
//!
//! | layer | files |
//! |---|---|
//! | what is offered | `content`, `personas/*.json` |
//! | the protocol, without I/O | `message`, `answer` |
//! | transports | `stdio`; `http1`, `http`, `streamable`, `sse`, `auth`, `sessions`, `stats` |
//! | many at once | `fleet` |
//!
//! Invariant: nothing here is shared with hawkeye's own protocol code. A demo server that had the
//! client's mistakes could not show them.

mod answer;
mod auth;
mod content;
mod fleet;
mod http;
mod http1;
mod message;
mod sessions;
mod sse;
mod stats;
mod stdio;
mod streamable;

use std::io::{self, Read, Write};
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub(crate) use content::Persona;
pub(crate) use fleet::DemoFleet;
pub(crate) use http::DemoServer;
pub(crate) use stdio::serve_stdio;

use crate::model::revision::Revision;

/// How a demo server is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DemoTransport {
    /// Over its stdin and stdout.
    Stdio,
    /// Streamable HTTP at `/mcp`.
    Http,
    /// HTTP+SSE at `/sse`.
    Sse,
}

impl DemoTransport {
    /// The name `--transport` takes.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            DemoTransport::Stdio => "stdio",
            DemoTransport::Http => "http",
            DemoTransport::Sse => "sse",
        }
    }
}

/// The text is not the name of a transport.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnknownTransport;

impl FromStr for DemoTransport {
    type Err = UnknownTransport;
    fn from_str(s: &str) -> Result<DemoTransport, UnknownTransport> {
        let all = [DemoTransport::Stdio, DemoTransport::Http, DemoTransport::Sse];
        all.into_iter().find(|t| t.name() == s).ok_or(UnknownTransport)
    }
}

/// What a demo server is to be. No `Debug`: it may hold a token.
#[derive(Clone)]
pub(crate) struct DemoOptions {
    /// How it is reached.
    pub transport: DemoTransport,
    /// Port on the loopback interface, 0 for any.
    pub port: u16,
    /// What it offers.
    pub persona: Persona,
    /// What it speaks.
    pub revisions: Vec<Revision>,
    /// Waited before each answer.
    pub delay: Duration,
    /// Demanded of every client of an HTTP transport.
    pub token: Option<String>,
    /// Whether Streamable HTTP answers as an event stream.
    pub stream: bool,
    /// After how many listings a tool says something else.
    pub mutate_after: Option<usize>,
}

impl Default for DemoOptions {
    /// The weather over stdio, in every revision, at once.
    fn default() -> DemoOptions {
        DemoOptions {
            transport: DemoTransport::Stdio,
            port: 0,
            persona: Persona::Weather,
            revisions: Revision::ALL.to_vec(),
            delay: Duration::ZERO,
            token: None,
            stream: false,
            mutate_after: None,
        }
    }
}

/// Serves until stdin ends.
pub(crate) fn run(options: DemoOptions) -> io::Result<()> {
    match options.transport {
        DemoTransport::Stdio => serve_stdio(&options),
        DemoTransport::Http | DemoTransport::Sse => serve_http(options),
    }
}

/// What stands before the URL on the one line an HTTP demo server prints.
const LISTENING: &str = "listening on ";

fn serve_http(options: DemoOptions) -> io::Result<()> {
    let server = DemoServer::start(options)?;
    let mut out = io::stdout().lock();
    writeln!(out, "{LISTENING}{}", server.url())?;
    out.flush()?;
    let mut ignored = [0; 256];
    while io::stdin().lock().read(&mut ignored)? > 0 {}
    Ok(())
}

/// A panic of one connection's thread must not take the others' server away.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
