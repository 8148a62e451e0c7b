//! Floor 2: blocking transports. A [`Wire`] carries the messages of one conversation and nothing else: what
//! they mean is the session's business.
//!
//! | file | what it holds |
//! |---|---|
//! | `stdio` | a server as a child process |
//! | `http`, `sse` | Streamable HTTP; HTTP+SSE of 2024-11-05, over the same client |
//! | `carriers`, `pace` | what wires are made from; how fast they may go |
//! | `options`, `counters` | how they behave; what they did |
//!
//! Invariant: every wait ends with the target's deadline or the run's [`Cancel`](crate::sys::cancel::Cancel),
//! and every byte is counted before it is kept.

pub mod carriers;
pub mod counters;
pub mod http;
pub mod options;
pub mod pace;
pub mod sse;
pub mod stdio;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::base::time::Deadline;
use crate::mcp::outgoing::Outgoing;
use crate::mcp::session::Inbound;
use crate::model::notes::Notes;
use crate::model::outcome::{FailureKind, Transport};
use crate::sys::cancel::Cancel;

/// One conversation's carrier.
pub trait Wire: Send {
    /// Hands over a message. It may leave only with the next [`Wire::recv`], together with others.
    fn send(&mut self, message: &Outgoing) -> Result<(), WireError>;
    /// Waits for the next thing to arrive.
    fn recv(&mut self) -> Result<Inbound<'_>, WireError>;
    /// What this is.
    fn transport(&self) -> Transport;
    /// How long it took to get a connection or a process.
    fn connect_time(&self) -> Duration;
    /// The parts of the way to the first answer.
    fn phases(&self) -> Phases;
    /// The conversation rests: what the wire has to say so far. It lets go of what it can do without.
    fn pause(&mut self) -> Parting;
    /// The conversation goes on with this patience; what is counted begins again.
    fn renew(&mut self, patience: Patience);
    /// What arrived while the conversation rested, without waiting for anything. An error: it cannot go on.
    fn overhear(&mut self) -> Result<Option<Inbound<'_>>, WireError>;
    /// Ends the conversation in good manners, without waiting for the server to be gone.
    fn close(self: Box<Self>) -> Parting;
}

/// Where the time until a first answer went: the parts of the first connection that was made, and the wait
/// for the first answer. Absent is what did not take place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Phases {
    /// Name lookup; a literal address and a remembered name need none.
    pub resolve: Option<Duration>,
    /// TCP, with a proxy's tunnel where there is one.
    pub tcp: Option<Duration>,
    /// TLS.
    pub tls: Option<Duration>,
    /// From the first request to the head of its answer; from its start to its first line for a process.
    pub first_byte: Option<Duration>,
}

impl Phases {
    /// What is absent here as it is in `other`.
    #[must_use]
    pub fn or(self, other: Phases) -> Phases {
        Phases {
            resolve: self.resolve.or(other.resolve),
            tcp: self.tcp.or(other.tcp),
            tls: self.tls.or(other.tls),
            first_byte: self.first_byte.or(other.first_byte),
        }
    }
}

/// What a wire has to say at the end.
#[derive(Debug, Default)]
pub struct Parting {
    /// Deviations the wire met.
    pub notes: Notes,
    /// The end of the server's stderr, where there is one.
    pub stderr: String,
}

/// Why a wire failed. The kinds are the report's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WireError {
    /// The stable word.
    pub kind: FailureKind,
    /// One line: thing, cause, remedy. May quote the server; cleaned by whoever reports it.
    pub message: String,
}

impl WireError {
    /// A failure of `kind`.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> WireError {
        WireError { kind, message: message.into() }
    }
}

/// What every wait of one target watches.
#[derive(Clone)]
pub struct Patience {
    /// What the target was given in all.
    pub total: Duration,
    /// Ends everything.
    pub cancel: Cancel,
    /// When the target's time is over, if it never waits for us.
    own: Deadline,
    /// When the run's time is over.
    run_ends: Option<Deadline>,
    /// Microseconds by which the target's time is longer, for all that watch it.
    allowed: Arc<AtomicU64>,
}

impl Patience {
    /// `total` from now, and no longer than until `run_ends`.
    pub fn new(total: Duration, run_ends: Option<Deadline>, cancel: Cancel) -> Patience {
        Patience { total, cancel, own: Deadline::after(total), run_ends, allowed: Arc::default() }
    }

    /// The same, but no longer than `span` from now.
    pub fn within(&self, span: Duration) -> Patience {
        let end = Deadline::after(span);
        Patience { run_ends: Some(self.run_ends.map_or(end, |e| e.min(end))), ..self.clone() }
    }

    /// When the target's time is over.
    pub fn until(&self) -> Deadline {
        let own = self.own.later(Duration::from_micros(self.allowed.load(Relaxed)));
        self.run_ends.map_or(own, |end| end.min(own))
    }

    /// The target has to wait for us so long: that is not its fault.
    fn allow(&self, wait: Duration) {
        self.allowed.fetch_add(u64::try_from(wait.as_micros()).unwrap_or(u64::MAX >> 20), Relaxed);
    }

    /// The error of a wait that ended with nothing, if it may not be begun again.
    pub fn check(&self) -> Result<(), WireError> {
        if self.cancel.is_tripped() {
            return Err(WireError::new(FailureKind::Cancelled, "the run was interrupted"));
        }
        if self.until().passed() {
            return Err(self.timeout());
        }
        Ok(())
    }

    /// The target's time is over.
    pub fn timeout(&self) -> WireError {
        let why = match self.run_ends {
            Some(end) if end == self.until() => "the run's time was over (raise --max-duration)".to_owned(),
            Some(_) | None => format!("no answer within {} s (raise timeout)", self.total.as_secs_f64()),
        };
        WireError::new(FailureKind::Timeout, why)
    }
}
