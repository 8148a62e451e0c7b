//! Why a target failed, in plain words, and what to do: a function of the outcome and of what was found out
//! about the way to it.

use serde::Serialize;

use crate::model::certificate::Tls;
use crate::model::outcome::{FailureKind, Outcome};

use super::{remote_causes, stdio_causes};

/// All that is known of a target. Texts are fit to be shown: cleaned, and without secrets.
pub(crate) struct Facts<'a> {
    /// What became of it.
    pub outcome: &'a Outcome,
    /// How it is reached.
    pub way: Way,
    /// The only revision that was to be spoken.
    pub pinned: Option<String>,
    /// Bytes by which memory grew.
    pub memory_growth: u64,
    /// Seconds since 1970.
    pub today: i64,
    /// The current value of a setting and who made it.
    pub now: &'a dyn Fn(&str) -> String,
    /// Whether a setting is `true`.
    pub is_on: &'a dyn Fn(&str) -> bool,
}

/// How a target is reached.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Way {
    /// A process.
    Program {
        /// As it was named.
        name: String,
        /// Where it was looked for.
        directories: Vec<String>,
        /// The file, or why there is none.
        found: Result<String, String>,
    },
    /// A URL.
    Remote {
        /// Without secrets.
        url: String,
        /// Host and port of the proxy in between, or why it is of no use.
        proxy: Option<String>,
        /// Where the name leads.
        addresses: Result<Vec<String>, String>,
        /// Who is there, where that was looked at.
        tls: Option<Result<Tls, String>>,
    },
    /// The entry names neither.
    Unknown,
}

/// One cause, and what helps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Cause {
    /// In plain words.
    pub cause: String,
    /// What to do, the likeliest first.
    pub remedies: Vec<String>,
}

impl Cause {
    pub(super) fn new(cause: impl Into<String>, remedies: &[&str]) -> Cause {
        Cause { cause: cause.into(), remedies: remedies.iter().map(|r| (*r).to_owned()).collect() }
    }
}

/// The likely causes of what went wrong; none of a target that is complete and quiet.
pub(crate) fn causes(facts: &Facts<'_>) -> Vec<Cause> {
    let mut found = match &facts.way {
        Way::Program { .. } => stdio_causes::causes(facts),
        Way::Remote { .. } => remote_causes::causes(facts),
        Way::Unknown => Vec::new(),
    };
    if let Some(failure) = &facts.outcome.failure {
        found.extend(anywhere(failure.kind, &failure.message, facts));
    }
    found
}

/// Causes that have nothing to do with how the target is reached.
fn anywhere(kind: FailureKind, message: &str, facts: &Facts<'_>) -> Option<Cause> {
    match kind {
        FailureKind::VersionUnsupported => Some(Cause {
            cause: format!("no protocol revision in common: {message}"),
            remedies: vec![match &facts.pinned {
                Some(date) => {
                    format!("leave out --protocol-version (now {date}), so that any revision will do")
                }
                None => "update hawkeye, or the server: one of them is older than the other knows".to_owned(),
            }],
        }),
        FailureKind::LimitExceeded => Some(Cause::new(
            format!("a limit was reached: {message}"),
            &["raise that limit under limits: in hawkeye.yaml, if you trust the server to send so much"],
        )),
        FailureKind::RpcError => Some(Cause::new(
            format!("the server itself reports an error: {message}"),
            &["look into the server's own log: hawkeye and the way to it are fine"],
        )),
        FailureKind::UnresolvedVariable => Some(Cause::new(
            format!("its entry refers to a variable that is not set: {message}"),
            &[
                "export the variable where hawkeye is started; cron and systemd do not read your shell's profile",
            ],
        )),
        FailureKind::Config => Some(Cause::new(
            format!("its entry is not usable: {message}"),
            &["hawkeye config check FILE names the place"],
        )),
        FailureKind::Cancelled => {
            Some(Cause::new("the diagnosis was interrupted", &["run it again, and let it end"]))
        }
        FailureKind::Internal => {
            Some(Cause::new(format!("a defect in hawkeye: {message}"), &["please report it"]))
        }
        FailureKind::Timeout
        | FailureKind::SpawnFailed
        | FailureKind::Exited
        | FailureKind::Closed
        | FailureKind::InvalidMessage
        | FailureKind::Tls
        | FailureKind::ConnectFailed
        | FailureKind::NameNotFound
        | FailureKind::HttpStatus
        | FailureKind::RedirectRefused
        | FailureKind::OriginRefused
        | FailureKind::AuthRequired
        | FailureKind::ContentType => None,
    }
}
