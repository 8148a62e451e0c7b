//! Floor 3: drives one session over one wire, and turns what became of it into an [`Outcome`]. The only loop
//! in which protocol and transport meet.
//!
//! | file | what it holds |
//! |---|---|
//! | `retry` | how long to wait before trying again |
//! | `posture` | how a server guards itself |
//! | `kept`, `pool` | conversations kept for the next time; when they are too old for it |

mod kept;
mod pool;
mod posture;
mod retry;

use std::time::{Duration, Instant};

use crate::base::text::quote;
use crate::base::time::{Deadline, millis};
use crate::mcp::auth;
use crate::mcp::outgoing::Client;
use crate::mcp::session::{Binding, Challenged, Ending, Opening, Plan, Session, Step, Stop};
use crate::model::notes::{Note, Notes};
use crate::model::outcome::{Auth, Failure, FailureKind, Outcome, Phase, Status, Timing, Transport};
use crate::model::revision::{Era, Revision};
use crate::model::secret::Redaction;
use crate::model::target::{Endpoint, Hold, HttpHint, Target};
use crate::sys::cancel::Cancel;
use crate::transport::carriers::Carriers;
use crate::transport::{Parting, Patience, Phases, Wire, WireError};

pub(crate) use kept::Kept;
use kept::{Key, Live};

/// Longest message of a failure, in characters.
const MESSAGE: usize = 600;

/// How targets are treated.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    /// Total time of one target.
    pub timeout: Duration,
    /// Further attempts after a failure that may pass.
    pub max_retries: u32,
    /// The revision to speak where the target does not pin one.
    pub pin: Option<Revision>,
    /// Whether the metadata is read that a server which refuses us points to.
    pub auth_metadata: bool,
    /// Whom we say we are.
    pub client: Client,
}

/// One conversation, ended.
struct Talk {
    ending: Ending,
    challenged: Option<Challenged>,
    transport: Transport,
    agreed_at: Option<Duration>,
    connect: Duration,
    phases: Phases,
    notes: Notes,
    stderr: String,
    detour: Option<Detour>,
    /// The conversation itself, where it can be taken up again.
    live: Option<Live>,
    /// When the conversation ended, on its own clock.
    ended: Duration,
}

/// Another way that the end of a conversation suggests.
#[derive(PartialEq, Eq)]
enum Detour {
    /// The server ended, perhaps because it cannot stand an unknown first request.
    HandshakeOnly,
    /// The URL does not speak Streamable HTTP.
    TrySse,
    /// The URL does not speak HTTP+SSE.
    TryStreamable,
}

/// Introspects `target`, within its own time and until `run_ends`.
pub(crate) fn probe(
    target: &Target,
    carriers: &Carriers,
    kept: Option<&Kept>,
    policy: &Policy,
    run_ends: Option<Deadline>,
    cancel: &Cancel,
) -> Outcome {
    let begun = Instant::now();
    if let Some(outcome) = untried(target, run_ends, cancel) {
        return outcome;
    }
    let redaction = target.redaction();
    let mut outcome = blank(target, &redaction);
    let total = target.timeout.unwrap_or(policy.timeout);
    let patience = Patience::new(total, run_ends, cancel.clone());
    let pin = target.pin.or(policy.pin);
    let key = kept.map(|kept| (kept, Key::of(target, pin)));
    let mut talk = loop {
        outcome.attempts += 1;
        log::debug!("{}: attempt {}", target.name, outcome.attempts);
        let once_more =
            |(kept, key): &(&Kept, Key)| kept::again(kept, key, &target.name, carriers, &patience);
        let again = key.as_ref().filter(|_| outcome.attempts == 1).and_then(once_more);
        let talk = again.unwrap_or_else(|| {
            attempt(target, carriers, kept.is_some(), pin, policy.client, &patience, &redaction)
        });
        let wait = retry::wait(outcome.attempts, fastrand::f64());
        let again = outcome.attempts <= retries(&talk, &target.endpoint, policy.max_retries);
        if !again || wait >= patience.until().left() || cancel.sleep(Deadline::after(wait)) {
            break talk;
        }
    };
    let live = talk.live.take();
    fill(&mut outcome, talk, target, &redaction, begun);
    if let Endpoint::Remote(remote) = &target.endpoint {
        outcome.auth =
            posture::cleaned(posture::of(&outcome, remote, carriers, policy, &patience), &redaction);
    }
    outcome.timing.total_ms = millis(begun.elapsed());
    if let (Some((kept, key)), Some(live)) = (key, live) {
        kept.keep(key, live, cancel);
    }
    outcome
}

/// The outcome of a `target` that is not tried at all.
pub(crate) fn untried(target: &Target, run_ends: Option<Deadline>, cancel: &Cancel) -> Option<Outcome> {
    let (status, failure) = hindrance(target, run_ends, cancel)?;
    let redaction = target.redaction();
    Some(Outcome { status, failure: Some(cleaned(failure, &redaction)), ..blank(target, &redaction) })
}

/// A target that was never tried, as the report shows it.
pub(crate) fn blank(target: &Target, redaction: &Redaction) -> Outcome {
    Outcome {
        owners: target.owners.clone(),
        tags: target.tags.clone(),
        transport: match &target.endpoint {
            Endpoint::Stdio(_) => Some(Transport::Stdio),
            Endpoint::Remote(remote) => Some(match remote.hint {
                HttpHint::Streamable => Transport::Http,
                HttpHint::Sse => Transport::Sse,
            }),
            Endpoint::Unknown => None,
        },
        endpoint: target.endpoint.view(redaction),
        ..Outcome::unknown(&target.name)
    }
}

/// Why `target` is not tried at all.
fn hindrance(target: &Target, run_ends: Option<Deadline>, cancel: &Cancel) -> Option<(Status, Failure)> {
    let unstarted = |message: &str| {
        let failure = Failure { kind: FailureKind::Cancelled, phase: Phase::Config, message: message.into() };
        Some((Status::NotEvaluated, failure))
    };
    match &target.hold {
        Some(Hold::Broken(failure)) => Some((Status::Failed, failure.clone())),
        Some(Hold::Excluded(failure)) => Some((Status::NotEvaluated, failure.clone())),
        None if cancel.is_tripped() => unstarted("the run was interrupted before its turn"),
        None if run_ends.is_some_and(Deadline::passed) => {
            unstarted("the run's time was over before its turn (raise --max-duration)")
        }
        None if target.endpoint == Endpoint::Unknown => {
            let message = "neither a command nor a URL".to_owned();
            Some((Status::Failed, Failure { kind: FailureKind::Config, phase: Phase::Config, message }))
        }
        None => None,
    }
}

/// One attempt, with the detours that a first conversation may suggest.
fn attempt(
    target: &Target,
    carriers: &Carriers,
    keep: bool,
    pin: Option<Revision>,
    client: Client,
    patience: &Patience,
    redaction: &Redaction,
) -> Talk {
    let detect = pin.map_or(Opening::Detect, Opening::Pinned);
    let go = |binding, opening| {
        let plan = Plan {
            binding,
            opening,
            client,
            limits: carriers.options().limits.clone(),
            redaction: redaction.clone(),
            seed: fastrand::u64(..),
        };
        converse(target, carriers, keep, plan, patience)
    };
    let stateless_only = pin.is_some_and(|r| r.era() == Era::Stateless);
    let first_binding = match &target.endpoint {
        Endpoint::Stdio(_) | Endpoint::Unknown => Binding::Lines,
        Endpoint::Remote(r) if r.hint == HttpHint::Sse && !stateless_only => Binding::EventStream,
        Endpoint::Remote(_) => Binding::Exchange,
    };
    let mut first = go(first_binding, detect);
    let mut second = match &first.detour {
        Some(Detour::HandshakeOnly) if detect == Opening::Detect => go(Binding::Lines, Opening::Handshake),
        Some(Detour::TrySse) if !stateless_only => go(Binding::EventStream, detect),
        Some(Detour::TryStreamable) => go(Binding::Exchange, detect),
        Some(_) | None => return first,
    };
    // The way to the host was gone once; a process that was started again went its whole way again.
    if first_binding != Binding::Lines {
        second.phases = first.phases.or(second.phases);
    }
    // A detour that leads nowhere is not the cause: the first failure is.
    if second.ending.inventory.protocol.is_none() && first.detour != Some(Detour::HandshakeOnly) {
        if second.challenged.is_some() {
            return second;
        }
        first.detour = None;
        return first;
    }
    second
}

/// Opens a wire and talks until the session has what it wants or cannot go on.
fn converse(target: &Target, carriers: &Carriers, keep: bool, plan: Plan, patience: &Patience) -> Talk {
    let begun = Instant::now();
    let binding = plan.binding;
    let mut session = Session::new(plan);
    let opened = match (&target.endpoint, binding) {
        (Endpoint::Stdio(command), _) => carriers.stdio(command, patience.clone()),
        (Endpoint::Remote(remote), Binding::EventStream) => carriers.sse(remote, patience.clone()),
        (Endpoint::Remote(remote), _) => carriers.http(remote, patience.clone()),
        (Endpoint::Unknown, _) => Err(WireError::new(FailureKind::Config, "no endpoint")),
    };
    let mut wire = match opened {
        Ok(wire) => wire,
        Err(e) => {
            let phase = if binding == Binding::Lines { Phase::Spawn } else { Phase::Connect };
            let cut = Failure { kind: e.kind, phase, message: e.message };
            return Talk {
                ending: session.finish(Some(cut)),
                challenged: None,
                transport: match binding {
                    Binding::Lines => Transport::Stdio,
                    Binding::Exchange => Transport::Http,
                    Binding::EventStream => Transport::Sse,
                },
                agreed_at: None,
                connect: begun.elapsed(),
                phases: Phases::default(),
                notes: Notes::default(),
                stderr: String::new(),
                detour: None,
                live: None,
                ended: begun.elapsed(),
            };
        }
    };
    let cut = talk(&mut session, wire.as_mut(), begun, None).err();
    let detour = cut.as_ref().and_then(|stop| detour(stop, &session, binding));
    let cut = cut.map(ended_by);
    let (transport, connect, phases) = (wire.transport(), wire.connect_time(), wire.phases());
    let (challenged, agreed_at) = (session.challenged().cloned(), session.agreed_at());
    if agreed_at.is_some() {
        carriers.counters().session_opened();
    }
    let ended = begun.elapsed();
    let (ending, parting, live) = match cut {
        None if keep => rest(session, wire),
        cut => (session.finish(cut), wire.close(), None),
    };
    Talk {
        ending,
        challenged,
        transport,
        agreed_at,
        connect,
        phases,
        notes: parting.notes,
        stderr: parting.stderr,
        detour,
        live,
        ended,
    }
}

/// The end of a conversation that may be taken up again, if it has told everything.
fn rest(mut session: Session, mut wire: Box<dyn Wire>) -> (Ending, Parting, Option<Live>) {
    let ending = session.pause(None);
    if Status::judge(&ending.inventory, ending.cause.is_some()) != Status::Complete {
        return (ending, wire.close(), None);
    }
    let parting = wire.pause();
    (ending, parting, Some(Live { session, wire }))
}

fn ended_by(stop: Stop) -> Failure {
    match stop {
        Stop::Failed(failure) | Stop::NotStreamable(failure) => failure,
    }
}

/// Talks until the session has what it wants. Behind the first thing that arrives, `then` holds.
fn talk(
    session: &mut Session,
    wire: &mut dyn Wire,
    begun: Instant,
    mut then: Option<&Patience>,
) -> Result<(), Stop> {
    loop {
        let result = match session.next(begun.elapsed()) {
            Step::Done => return Ok(()),
            Step::Send(message) => wire.send(&message).map_err(|e| lost(session, e)),
            Step::Wait => match wire.recv() {
                Ok(inbound) => {
                    let handled = session.handle(inbound, begun.elapsed());
                    if let Some(patience) = then.take() {
                        wire.renew(patience.clone());
                    }
                    handled
                }
                Err(e) => Err(lost(session, e)),
            },
        };
        match result {
            // One exchange that fails for itself need not cost the other lists.
            Err(Stop::Failed(f)) if for_itself(f.kind) && session.lose_list(f.kind, &f.message) => {}
            other => other?,
        }
    }
}

fn lost(session: &Session, error: WireError) -> Stop {
    // Until the first answer, trouble with the connection is not the opening's.
    let connecting =
        matches!(error.kind, FailureKind::ConnectFailed | FailureKind::NameNotFound | FailureKind::Tls);
    let phase = if connecting { Phase::Connect } else { session.phase() };
    Stop::Failed(Failure { kind: error.kind, phase, message: error.message })
}

fn for_itself(kind: FailureKind) -> bool {
    matches!(
        kind,
        FailureKind::LimitExceeded
            | FailureKind::InvalidMessage
            | FailureKind::ContentType
            | FailureKind::Closed
            | FailureKind::RedirectRefused
    )
}

fn detour(stop: &Stop, session: &Session, binding: Binding) -> Option<Detour> {
    match (stop, binding) {
        (Stop::NotStreamable(_), Binding::Exchange) => Some(Detour::TrySse),
        (Stop::Failed(f), Binding::Lines) => {
            let ended = matches!(f.kind, FailureKind::Exited | FailureKind::Closed);
            (ended && session.may_have_been_scared()).then_some(Detour::HandshakeOnly)
        }
        (Stop::Failed(f), Binding::EventStream) => {
            matches!(f.kind, FailureKind::HttpStatus | FailureKind::ContentType)
                .then_some(Detour::TryStreamable)
        }
        _ => None,
    }
}

/// How often to try again. Only failures of the connection, before anything was agreed: HTTP statuses are the
/// transport's to retry, and a process that fails will fail again. Who refuses is asked once more, in case
/// it is just being restarted; who drops the connection may do better next time.
fn retries(talk: &Talk, endpoint: &Endpoint, most: u32) -> u32 {
    let opening = matches!(endpoint, Endpoint::Remote(_)) && talk.ending.inventory.protocol.is_none();
    match talk.ending.cause.as_ref().map(|f| f.kind) {
        Some(FailureKind::Closed) if opening => most,
        Some(FailureKind::ConnectFailed) if opening => most.min(1),
        _ => 0,
    }
}

fn fill(outcome: &mut Outcome, talk: Talk, target: &Target, redaction: &Redaction, begun: Instant) {
    let Ending { inventory, cause, mut notes } = talk.ending;
    notes.absorb(talk.notes);
    outcome.transport = Some(talk.transport).filter(|_| target.endpoint != Endpoint::Unknown);
    outcome.status = Status::judge(&inventory, cause.is_some());
    outcome.failure = cause.map(|f| cleaned(f, redaction));
    outcome.inventory = inventory;
    for row in &mut outcome.inventory.coverage {
        row.reason = row.reason.take().map(|r| quote(&redaction.clean(&r), MESSAGE));
    }
    outcome.notes = notes.into_vec().into_iter().map(|n| clean_note(n, redaction)).collect();
    if outcome.status != Status::Complete && !talk.stderr.is_empty() {
        outcome.stderr = Some(redaction.clean(&talk.stderr).into_owned());
    }
    if let Some(c) = talk.challenged {
        let (auth, metadata) = auth::from_refusal(c.status, &c.authenticate);
        outcome.auth = Auth { resource_metadata: metadata, ..auth };
    }
    let agreed = talk.agreed_at.unwrap_or(talk.ended);
    outcome.timing = Timing {
        total_ms: millis(begun.elapsed()),
        connect_ms: millis(talk.connect),
        handshake_ms: millis(agreed.saturating_sub(talk.connect)),
        listing_ms: millis(talk.ended.saturating_sub(agreed)),
        resolve_ms: talk.phases.resolve.map(millis),
        tcp_ms: talk.phases.tcp.map(millis),
        tls_ms: talk.phases.tls.map(millis),
        first_byte_ms: talk.phases.first_byte.map(millis),
        ..Timing::default()
    };
}

fn cleaned(failure: Failure, redaction: &Redaction) -> Failure {
    Failure { message: quote(&redaction.clean(&failure.message), MESSAGE), ..failure }
}

fn clean_note(note: Note, redaction: &Redaction) -> Note {
    Note { message: quote(&redaction.clean(&note.message), MESSAGE), ..note }
}
