//! What is to be scanned.

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use super::outcome::Failure;
use super::revision::Revision;
use super::secret::Secret;

/// One server to introspect, whoever asked for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Display name; not unique.
    pub name: String,
    /// Every place that names this server.
    pub owners: Vec<Owner>,
    /// How to reach it.
    pub endpoint: Endpoint,
    /// Its own total time, where the configuration gives one.
    pub timeout: Option<Duration>,
    /// The only revision to speak, where one is pinned.
    pub pin: Option<Revision>,
    /// Why it must not be tried; it is reported with this instead.
    pub hold: Option<Hold>,
}

/// A place in a file that names a server.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Owner {
    /// The file as it was given; `command line` and `standard input` are spelled so.
    pub file: String,
    /// Line of the entry, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The server's name there.
    pub name: String,
}

/// Why a target is reported without having been tried.
#[derive(Debug, Clone, PartialEq)]
pub enum Hold {
    /// Its entry is unusable: status `failed`.
    Broken(Failure),
    /// The user asked not to run it: status `not_evaluated`.
    Excluded(Failure),
}

/// How a server is reached.
#[derive(Debug, Clone, PartialEq)]
pub enum Endpoint {
    /// A process that speaks over its stdin and stdout.
    Stdio(Command),
    /// A URL.
    Remote(Remote),
    /// Neither could be read from the entry; only with [`Target::hold`].
    Unknown,
}

/// A command line. No shell ever sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// Program: a path, or a name looked up in the server's `PATH`.
    pub program: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Added to the allow-listed environment.
    pub env: Vec<(String, Secret)>,
    /// Working directory; ours where absent.
    pub cwd: Option<PathBuf>,
}

/// An HTTP endpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct Remote {
    /// `http` or `https`, checked when the target was read.
    pub url: String,
    /// Sent to this URL's origin only.
    pub headers: Vec<(String, Secret)>,
    /// Which HTTP transport to try first.
    pub hint: HttpHint,
}

/// The configured HTTP transport: a hint for the order, never a reason not to fall back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpHint {
    /// Streamable HTTP first, then HTTP+SSE.
    Streamable,
    /// HTTP+SSE first, then Streamable HTTP.
    Sse,
}
