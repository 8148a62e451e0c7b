//! What became of one target.

use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::drift::Drift;
use super::finding::Finding;
use super::inventory::{CoverageState, Inventory, List};
use super::notes::Note;
use super::risk::Risk;

/// The report's row for one target. Serialises to an element of `targets`; `saved` reads one, field by field:
/// serde cannot flatten an inventory whose objects are kept as the text they were.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// Display name.
    pub name: String,
    /// Every place that names this server.
    pub owners: Vec<Owner>,
    /// What its entries say it is: `prod`, `payments`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// What carried the conversation, or would have.
    pub transport: Option<Transport>,
    /// How it was reached, secrets masked.
    pub endpoint: EndpointView,
    /// The verdict on completeness.
    pub status: Status,
    /// The first cause, where the status is not `complete`.
    pub failure: Option<Failure>,
    /// What was learnt.
    #[serde(flatten)]
    pub inventory: Inventory,
    /// What is needed to get in.
    pub auth: Auth,
    /// Rule hits, worst first.
    pub findings: Vec<Finding>,
    /// How risky it is in all; nothing where nothing was judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk: Option<Risk>,
    /// What is different from the last time, where there is something to compare with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drift: Option<Drift>,
    /// Deviations that were tolerated.
    pub notes: Vec<Note>,
    /// The end of the server's stderr, where the status is not `complete`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stderr: Option<String>,
    /// Where the time went.
    pub timing: Timing,
    /// How often it was tried.
    pub attempts: u32,
    /// Set when this came from a cache.
    pub cached: Option<Cached>,
    /// Set when another host did the work: the worker's name.
    pub worker: Option<String>,
    /// The same: where, and at which attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery: Option<Delivery>,
    /// Set when this was read from a file and nobody was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saved: Option<SavedIn>,
}

impl Outcome {
    /// The one called `name`, of which nothing is known.
    pub fn unknown(name: &str) -> Outcome {
        Outcome {
            name: name.to_owned(),
            owners: Vec::new(),
            tags: Vec::new(),
            transport: None,
            endpoint: EndpointView::default(),
            status: Status::Failed,
            failure: None,
            inventory: Inventory::default(),
            auth: Auth::default(),
            findings: Vec::new(),
            risk: None,
            drift: None,
            notes: Vec::new(),
            stderr: None,
            timing: Timing::default(),
            attempts: 0,
            cached: None,
            worker: None,
            delivery: None,
            saved: None,
        }
    }

    /// Whether anything is known of what the server offers. A saved listing need not say its revision.
    pub(crate) fn is_known(&self) -> bool {
        self.inventory.protocol.is_some() || matches!(self.status, Status::Complete | Status::Partial)
    }
}

/// A place in a file that names a server.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Owner {
    /// The file as it was given; `command line` and `standard input` are spelled so.
    pub file: String,
    /// Line of the entry, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The server's name there.
    pub name: String,
}

/// A result that came from a cache.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cached {
    /// When the server was asked, RFC 3339.
    pub stored_at: String,
    /// Seconds since.
    pub age_s: u64,
}

/// How the work came to another host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The host's name.
    pub host: String,
    /// How often the target was with a worker, this time included.
    pub attempt: u32,
}

/// The file that a result was read from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedIn {
    /// As it was given; `standard input` is spelled so.
    pub file: String,
    /// Where in it, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// When the server was asked, RFC 3339, where the file says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learnt_at: Option<String>,
}

/// The transports of MCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// A process's stdin and stdout.
    Stdio,
    /// Streamable HTTP.
    Http,
    /// HTTP+SSE of 2024-11-05.
    Sse,
}

impl Transport {
    /// As the report spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Transport::Stdio => "stdio",
            Transport::Http => "http",
            Transport::Sse => "sse",
        }
    }
}

/// An endpoint as it may be shown.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EndpointView {
    /// Program of a stdio server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// Its arguments, secrets masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub args: Option<Vec<String>>,
    /// URL, secrets masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

impl EndpointView {
    /// Which of the two it is: a process is no URL, whatever their words.
    pub(crate) const fn kind(&self) -> &'static str {
        if self.url.is_some() { "url" } else { "process" }
    }

    /// The URL, or the command and its arguments.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        let args = self.args.iter().flatten();
        self.url.iter().chain(&self.command).chain(args).map(String::as_str)
    }

    /// The same in one line; empty where nothing is known.
    pub fn line(&self) -> String {
        self.words().collect::<Vec<_>>().join(" ")
    }
}

/// Whether a target's inventory can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Every planned listing ran to its end.
    Complete,
    /// The server was reached and something of it is missing.
    Partial,
    /// Nothing could be learnt.
    Failed,
    /// It was not tried.
    NotEvaluated,
}

impl Status {
    /// As the report spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Status::Complete => "complete",
            Status::Partial => "partial",
            Status::Failed => "failed",
            Status::NotEvaluated => "not_evaluated",
        }
    }

    /// The verdict on `inventory`, given what cut the conversation short, if anything did.
    pub fn judge(inventory: &Inventory, cut_short: bool) -> Status {
        let ended = |s: CoverageState| matches!(s, CoverageState::Complete | CoverageState::Unsupported);
        if inventory.protocol.is_none() {
            Status::Failed
        } else if !cut_short && inventory.coverage.iter().all(|c| ended(c.state)) {
            Status::Complete
        } else {
            Status::Partial
        }
    }
}

/// The first thing that went wrong with a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// A stable word.
    pub kind: FailureKind,
    /// What was being done.
    pub phase: Phase,
    /// One line for people, no secrets, no deceptive characters.
    pub message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}: {}", self.kind.name(), self.phase.name(), self.message)
    }
}

/// Why a target failed. The words are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// The deadline passed.
    Timeout,
    /// The process could not be started.
    SpawnFailed,
    /// The process ended.
    Exited,
    /// The other side closed the conversation.
    Closed,
    /// A limit was reached.
    LimitExceeded,
    /// What arrived is not valid HTTP, JSON, JSON-RPC or MCP.
    InvalidMessage,
    /// The server answered with a JSON-RPC error.
    RpcError,
    /// No common revision.
    VersionUnsupported,
    /// TLS failed.
    Tls,
    /// No connection.
    ConnectFailed,
    /// The host name does not resolve.
    NameNotFound,
    /// An HTTP status that is no answer.
    HttpStatus,
    /// A redirect that is not followed.
    RedirectRefused,
    /// The server pointed to another origin.
    OriginRefused,
    /// 401 or 403.
    AuthRequired,
    /// Neither JSON nor an event stream.
    ContentType,
    /// `${VAR}` is not set.
    UnresolvedVariable,
    /// The target's entry is unusable, or excludes it.
    Config,
    /// The run was interrupted.
    Cancelled,
    /// A defect in hawkeye.
    Internal,
}

impl FailureKind {
    /// All of them.
    pub const ALL: [FailureKind; 20] = [
        FailureKind::Timeout,
        FailureKind::SpawnFailed,
        FailureKind::Exited,
        FailureKind::Closed,
        FailureKind::LimitExceeded,
        FailureKind::InvalidMessage,
        FailureKind::RpcError,
        FailureKind::VersionUnsupported,
        FailureKind::Tls,
        FailureKind::ConnectFailed,
        FailureKind::NameNotFound,
        FailureKind::HttpStatus,
        FailureKind::RedirectRefused,
        FailureKind::OriginRefused,
        FailureKind::AuthRequired,
        FailureKind::ContentType,
        FailureKind::UnresolvedVariable,
        FailureKind::Config,
        FailureKind::Cancelled,
        FailureKind::Internal,
    ];

    /// The stable word.
    pub const fn name(self) -> &'static str {
        match self {
            FailureKind::Timeout => "timeout",
            FailureKind::SpawnFailed => "spawn_failed",
            FailureKind::Exited => "exited",
            FailureKind::Closed => "closed",
            FailureKind::LimitExceeded => "limit_exceeded",
            FailureKind::InvalidMessage => "invalid_message",
            FailureKind::RpcError => "rpc_error",
            FailureKind::VersionUnsupported => "version_unsupported",
            FailureKind::Tls => "tls",
            FailureKind::ConnectFailed => "connect_failed",
            FailureKind::NameNotFound => "name_not_found",
            FailureKind::HttpStatus => "http_status",
            FailureKind::RedirectRefused => "redirect_refused",
            FailureKind::OriginRefused => "origin_refused",
            FailureKind::AuthRequired => "auth_required",
            FailureKind::ContentType => "content_type",
            FailureKind::UnresolvedVariable => "unresolved_variable",
            FailureKind::Config => "config",
            FailureKind::Cancelled => "cancelled",
            FailureKind::Internal => "internal",
        }
    }
}

impl Serialize for FailureKind {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for FailureKind {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<FailureKind, D::Error> {
        let word = String::deserialize(d)?;
        let kind = FailureKind::ALL.into_iter().find(|kind| kind.name() == word);
        kind.ok_or_else(|| D::Error::custom("no kind of failure"))
    }
}

/// What was being done when something went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Reading the target's entry, or deciding not to run it.
    Config,
    /// Starting the process.
    Spawn,
    /// Name lookup, TCP, TLS.
    Connect,
    /// `server/discover`
    Discover,
    /// `initialize`
    Initialize,
    /// One of the lists.
    List(List),
}

impl Phase {
    /// As the report spells it: the method, where there is one.
    pub const fn name(self) -> &'static str {
        match self {
            Phase::Config => "config",
            Phase::Spawn => "spawn",
            Phase::Connect => "connect",
            Phase::Discover => "server/discover",
            Phase::Initialize => "initialize",
            Phase::List(list) => list.method(),
        }
    }
}

impl<'de> Deserialize<'de> for Phase {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Phase, D::Error> {
        let word = String::deserialize(d)?;
        let plain = [Phase::Config, Phase::Spawn, Phase::Connect, Phase::Discover, Phase::Initialize];
        let mut all = plain.into_iter().chain(List::ALL.map(Phase::List));
        all.find(|phase| phase.name() == word).ok_or_else(|| D::Error::custom("no phase of a conversation"))
    }
}

impl Serialize for Phase {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.name())
    }
}

/// What a server asks of its callers, learnt without logging in.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Auth {
    /// In one word.
    pub posture: Posture,
    /// Schemes and parameters of `WWW-Authenticate`, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub challenges: Vec<String>,
    /// Protected-resource metadata (RFC 9728): where it was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_metadata: Option<String>,
    /// Facts read from that metadata and from the authorization servers it names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<String>,
    /// Issuers named by the resource.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authorization_servers: Vec<String>,
    /// Scopes the resource supports or the challenge asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
}

/// How a server guards itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Posture {
    /// It was listed without credentials.
    None,
    /// 401 without OAuth metadata, or listed with credentials of the configuration.
    Bearer,
    /// 401 with OAuth metadata.
    Oauth,
    /// 403.
    Forbidden,
    /// Not learnt (also: stdio, where the question does not arise).
    #[default]
    Unknown,
}

/// Where the time went, in milliseconds. The parts of a connection are those of the first one that was made;
/// absent where there was none, as with a process or a connection that was open already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Timing {
    /// From taking the target to its result.
    pub total_ms: f64,
    /// Starting the process, or lookup, TCP and TLS up to the first answer's request.
    pub connect_ms: f64,
    /// From there to the end of the opening.
    pub handshake_ms: f64,
    /// From there to the last list's end.
    pub listing_ms: f64,
    /// Judging what was found.
    pub analysis_ms: f64,
    /// Name lookup.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolve_ms: Option<f64>,
    /// TCP, with a proxy's tunnel where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tcp_ms: Option<f64>,
    /// TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_ms: Option<f64>,
    /// From the first request to the head of its answer; for a process from its start to its first line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_byte_ms: Option<f64>,
}
