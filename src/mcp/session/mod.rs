//! One conversation with one server, as a state machine.
//!
//! ```text
//!            ┌────────── Opening ──────────┐
//!  stdio     │ discover + initialize, one  │  whichever is answered well first decides the era;
//!            │ write                       │  a refusal of one waits for the other
//!  HTTP      │ discover ── refused ──▶     │  one request at a time
//!            │             initialize      │
//!  HTTP+SSE  │ initialize                  │
//!            └──────────────┬──────────────┘
//!                           ▼ agreed revision
//!            Listing: every declared list, first pages in one flight on stdio
//!                           ▼ every list ended
//!                          Over ──▶ Listing again, if the conversation is kept
//! ```
//!
//! `incoming` reads what arrives, `opening` agrees on a revision, `refusal` reads HTTP answers that carry
//! no message, `again` is for a conversation that is taken up once more.
//!
//! Invariant: `finish` works at any moment and keeps what was learnt.

mod again;
mod incoming;
mod opening;
#[cfg(test)]
mod property_tests;
mod refusal;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::VecDeque;
use std::time::Duration;

use serde_json::{Value, json};

use super::json_rpc::Body;
use super::listing::Listing;
use super::outgoing::{self, Client, Dress, Outgoing};
use crate::model::inventory::{CacheHint, Inventory, Json, List, Protocol};
use crate::model::limits::Limits;
use crate::model::notes::Notes;
use crate::model::outcome::{Failure, FailureKind, Phase};
use crate::model::revision::{Era, Revision};
use crate::model::secret::Redaction;

/// What a session is to do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How messages travel.
    pub binding: Binding,
    /// Which openings may be used.
    pub opening: Opening,
    /// Whom we say we are.
    pub client: Client,
    /// Caps on lists and depth.
    pub limits: Limits,
    /// Struck out of everything kept.
    pub redaction: Redaction,
    /// Seed of request ids. Unpredictable ids keep a server from answering what was not asked yet.
    pub seed: u64,
}

/// How messages travel, as far as the order of requests depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    /// Both ways over byte streams: requests may be pipelined, and other things than messages may come.
    Lines,
    /// One HTTP exchange per message: one request at a time.
    Exchange,
    /// POSTs out, one event stream in; handshake revisions only.
    EventStream,
}

/// Which openings may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// Find out.
    Detect,
    /// `initialize` only, after a first attempt showed that the server cannot stand anything else.
    Handshake,
    /// This revision and no other.
    Pinned(Revision),
}

/// What to do next.
#[derive(Debug)]
pub enum Step {
    /// Send this.
    Send(Outgoing),
    /// Wait for something to arrive.
    Wait,
    /// Every list has ended.
    Done,
}

/// Something arrived.
#[derive(Debug)]
pub enum Inbound<'a> {
    /// A message, or on [`Binding::Lines`] any line.
    Text(&'a [u8]),
    /// HTTP refused the request in flight.
    Refused(Refusal<'a>),
}

/// An HTTP answer that carries no message.
#[derive(Debug, Clone)]
pub struct Refusal<'a> {
    /// Not 2xx.
    pub status: u16,
    /// Its body, or the beginning of it.
    pub body: Cow<'a, str>,
    /// Every `WWW-Authenticate` line.
    pub authenticate: Vec<String>,
    /// Whether the request carried a session id.
    pub had_session: bool,
}

/// Why a session cannot go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// For good.
    Failed(Failure),
    /// The endpoint does not speak Streamable HTTP; HTTP+SSE may be tried.
    NotStreamable(Failure),
}

/// 401 or 403, and what came with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenged {
    /// The status.
    pub status: u16,
    /// Every `WWW-Authenticate` line.
    pub authenticate: Vec<String>,
}

/// What a conversation left.
#[derive(Debug)]
pub struct Ending {
    /// Everything learnt.
    pub inventory: Inventory,
    /// The first thing that kept it from being complete.
    pub cause: Option<Failure>,
    /// Deviations that were tolerated.
    pub notes: Notes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Discover,
    Initialize,
    List(List),
    Call,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Reply {
    NotAsked,
    Pending,
    Refused(String),
}

#[derive(Debug)]
struct Draft {
    message: Outgoing,
    request: Option<(u32, Asked)>,
}

/// The conversation.
#[derive(Debug)]
pub struct Session {
    plan: Plan,
    ids: fastrand::Rng,
    outbox: VecDeque<Draft>,
    in_flight: Vec<(u32, Asked)>,
    /// Requests whose answers no longer matter.
    abandoned: Vec<u32>,
    discover: Reply,
    initialize: Reply,
    asked_again: bool,
    offered: Revision,
    reopened: bool,
    agreed: Option<Revision>,
    agreed_at: Option<Duration>,
    listings: Vec<Listing>,
    facts: Facts,
    challenged: Option<Challenged>,
    answers_given: u32,
    heard_message: bool,
    notes: Notes,
    /// As they stood when the opening was over.
    opening_notes: Notes,
    calls: Vec<(u32, String)>,
}

#[derive(Debug, Clone, Default)]
struct Facts {
    version: Option<String>,
    server: Option<Json>,
    capabilities: Option<Json>,
    instructions: Option<String>,
    hint: Option<CacheHint>,
}

impl Session {
    /// Begins as `plan` says.
    pub fn new(plan: Plan) -> Session {
        let offered = match plan.opening {
            Opening::Pinned(revision) if revision.era() == Era::Handshake => revision,
            _ => Revision::NEWEST_HANDSHAKE,
        };
        let mut session = Session {
            ids: fastrand::Rng::with_seed(plan.seed),
            outbox: VecDeque::new(),
            in_flight: Vec::new(),
            abandoned: Vec::new(),
            discover: Reply::NotAsked,
            initialize: Reply::NotAsked,
            asked_again: false,
            offered,
            reopened: false,
            agreed: None,
            agreed_at: None,
            listings: Vec::new(),
            facts: Facts::default(),
            challenged: None,
            answers_given: 0,
            heard_message: false,
            notes: Notes::default(),
            opening_notes: Notes::default(),
            calls: Vec::new(),
            plan,
        };
        let (discover, initialize) = (session.may_discover(), session.may_initialize());
        if discover {
            session.queue_discover(Revision::NEWEST);
        }
        // On a byte stream both openings go out in one write: one round trip tells the era, and a server
        // that ignores the first needs no timeout. Elsewhere `initialize` waits for the verdict.
        if initialize && (!discover || session.plan.binding == Binding::Lines) {
            session.queue_initialize(offered);
        }
        session
    }

    fn may_discover(&self) -> bool {
        let allowed = match self.plan.opening {
            Opening::Detect => true,
            Opening::Handshake => false,
            Opening::Pinned(revision) => revision.era() == Era::Stateless,
        };
        allowed && self.plan.binding != Binding::EventStream
    }

    fn may_initialize(&self) -> bool {
        match self.plan.opening {
            Opening::Detect | Opening::Handshake => true,
            Opening::Pinned(revision) => revision.era() == Era::Handshake,
        }
    }

    /// What to do next.
    pub fn next(&mut self, now: Duration) -> Step {
        let turn = |d: &Draft| {
            d.request.is_none() || self.plan.binding == Binding::Lines || self.in_flight.is_empty()
        };
        match self.outbox.front() {
            Some(draft) if turn(draft) => {}
            Some(_) => return Step::Wait,
            None if self.in_flight.is_empty() && self.agreed.is_some() => return Step::Done,
            None => return Step::Wait,
        }
        let Some(draft) = self.outbox.pop_front() else { return Step::Wait };
        if let Some((id, asked)) = draft.request {
            self.in_flight.push((id, asked));
            if let Asked::List(list) = asked {
                self.listing(list).asked(now);
            }
        }
        Step::Send(draft.message)
    }

    /// Takes what arrived.
    pub fn handle(&mut self, inbound: Inbound<'_>, now: Duration) -> Result<(), Stop> {
        match inbound {
            Inbound::Text(bytes) => self.text(bytes, now),
            Inbound::Refused(refusal) => self.refused(&refusal, now),
        }
    }

    /// What is being waited for, as a phase.
    pub fn phase(&self) -> Phase {
        match self.in_flight.first().map(|(_, asked)| *asked) {
            // Pipelined with initialize: a server of either era may be meant by either name.
            Some(Asked::Discover) if self.initialize == Reply::Pending => Phase::Initialize,
            Some(Asked::Discover) => Phase::Discover,
            Some(Asked::List(list)) => Phase::List(list),
            Some(Asked::Initialize | Asked::Call) | None => Phase::Initialize,
        }
    }

    /// Whether a server that ended now may have done so because it cannot stand `server/discover`.
    pub fn may_have_been_scared(&self) -> bool {
        self.agreed.is_none()
            && self.discover == Reply::Pending
            && self.may_initialize()
            && !self.heard_message
    }

    /// When the opening ended.
    pub fn agreed_at(&self) -> Option<Duration> {
        self.agreed_at
    }

    /// The last 401 or 403.
    pub fn challenged(&self) -> Option<&Challenged> {
        self.challenged.as_ref()
    }

    /// What was read of `list` so far.
    pub fn items(&self, list: List) -> &[Json] {
        self.listings.iter().find(|l| l.list == list).map_or(&[], Listing::items)
    }

    /// Asks for something besides the lists; the answer comes by [`Session::take_answer`].
    pub fn call(&mut self, method: &str, params: &Value, header_params: &[(String, String)]) -> u32 {
        let id = self.fresh_id();
        let message = outgoing::call(id, method, params, header_params, self.dress());
        self.outbox.push_back(Draft { message, request: Some((id, Asked::Call)) });
        id
    }

    /// The answer to a [`Session::call`], as JSON text of its result or error.
    pub fn take_answer(&mut self, id: u32) -> Option<String> {
        let at = self.calls.iter().position(|(i, _)| *i == id)?;
        Some(self.calls.swap_remove(at).1)
    }

    /// The request for a list is lost, but the transport can carry others: the list has failed. False if
    /// no list was in flight.
    pub fn lose_list(&mut self, kind: FailureKind, why: &str) -> bool {
        match (self.plan.binding, self.in_flight.as_slice()) {
            (Binding::Exchange, &[(_, Asked::List(list))]) => {
                self.in_flight.clear();
                self.listing(list).fail(kind, why);
                true
            }
            _ => false,
        }
    }

    /// Ends the conversation; `cut` is what ended it before its time.
    pub fn finish(mut self, cut: Option<Failure>) -> Ending {
        let facts = std::mem::take(&mut self.facts);
        self.ending(facts, cut)
    }

    fn ending(&mut self, facts: Facts, cut: Option<Failure>) -> Ending {
        let era = self.agreed.map_or(Era::Handshake, Revision::era);
        let mut inventory = Inventory {
            protocol: facts.version.map(|version| Protocol { version, era }),
            server: facts.server,
            instructions: facts.instructions,
            capabilities: facts.capabilities,
            cache_hint: facts.hint,
            ..Inventory::default()
        };
        if self.listings.is_empty() {
            self.listings = List::ALL.map(Listing::new).into();
        }
        let mut cause = cut.clone();
        for mut listing in std::mem::take(&mut self.listings) {
            let list = listing.list;
            if let Some(cut) = cut.as_ref().filter(|_| !listing.ended()) {
                match self.in_flight.iter().any(|(_, a)| *a == Asked::List(list)) {
                    true => listing.fail(cut.kind, cut.message.clone()),
                    false => listing.skip(cut.kind, cut.message.clone()),
                }
            }
            let (coverage, items, failure) = listing.finish();
            cause = cause.or(failure);
            inventory.coverage.push(coverage);
            match list {
                List::Tools => inventory.tools = items,
                List::Resources => inventory.resources = items,
                List::ResourceTemplates => inventory.resource_templates = items,
                List::Prompts => inventory.prompts = items,
            }
        }
        Ending { inventory, cause, notes: std::mem::take(&mut self.notes) }
    }

    // ---- sending ----

    fn dress(&self) -> Dress {
        self.agreed.map_or(Dress::Opening, |revision| Dress::Agreed(revision, self.plan.client))
    }

    fn fresh_id(&mut self) -> u32 {
        // 31 bits: every server language has an integer for that.
        self.ids.u32(1..1 << 31)
    }

    fn queue_discover(&mut self, revision: Revision) {
        let id = self.fresh_id();
        self.discover = Reply::Pending;
        self.outbox.push_back(Draft {
            message: outgoing::discover(id, revision, self.plan.client),
            request: Some((id, Asked::Discover)),
        });
    }

    fn queue_initialize(&mut self, offer: Revision) {
        let id = self.fresh_id();
        self.initialize = Reply::Pending;
        self.offered = offer;
        self.outbox.push_back(Draft {
            message: outgoing::initialize(id, offer, self.plan.client),
            request: Some((id, Asked::Initialize)),
        });
    }

    fn queue_list(&mut self, list: List, cursor: Option<String>) {
        let id = self.fresh_id();
        let params = outgoing::cursor_params(cursor.as_deref());
        let message = outgoing::request(id, list.method(), &params, self.dress());
        self.outbox.push_back(Draft { message, request: Some((id, Asked::List(list))) });
    }

    fn listing(&mut self, list: List) -> &mut Listing {
        let at = self.listings.iter().position(|l| l.list == list);
        let at = at.unwrap_or_else(|| {
            self.listings.push(Listing::new(list));
            self.listings.len() - 1
        });
        &mut self.listings[at]
    }
}

fn stop(kind: FailureKind, phase: Phase, message: String) -> Stop {
    Stop::Failed(Failure { kind, phase, message })
}

fn phase_of(asked: Asked) -> Phase {
    match asked {
        Asked::Discover => Phase::Discover,
        Asked::Initialize | Asked::Call => Phase::Initialize,
        Asked::List(list) => Phase::List(list),
    }
}

fn call_text(body: &Body<'_>) -> String {
    match body {
        Body::Result(result) => (*result).to_owned(),
        Body::Error(e) => json!({"error": {"code": e.code, "message": e.message}}).to_string(),
        Body::Faulty(what) => json!({"error": {"message": what}}).to_string(),
    }
}
