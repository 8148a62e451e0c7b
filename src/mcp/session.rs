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
//!                          Over
//! ```
//!
//! Invariant: `finish` works at any moment and keeps what was learnt.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::time::Duration;

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::era::{self, Discovery, Verdict};
use super::json as look;
use super::json_rpc::{self, Body, Incoming, Malformed, RpcError, code};
use super::listing::{Aside, Listing, Next};
use super::outgoing::{self, Dress, Outgoing};
use super::tidy;
use crate::base::text::quote;
use crate::model::inventory::{CacheHint, Inventory, Json, List, Protocol};
use crate::model::limits::Limits;
use crate::model::outcome::{Failure, FailureKind, Note, Phase};
use crate::model::revision::{Era, Revision};
use crate::model::secret::Redaction;

/// What a session is to do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How messages travel.
    pub binding: Binding,
    /// Which openings may be used.
    pub opening: Opening,
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
    pub notes: Vec<Note>,
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
    answered_pings: u32,
    heard_message: bool,
    notes: Vec<Note>,
    calls: Vec<(u32, String)>,
}

#[derive(Debug, Default)]
struct Facts {
    version: Option<String>,
    server: Option<Json>,
    capabilities: Option<Json>,
    instructions: Option<String>,
    hint: Option<CacheHint>,
}

/// A server that asks us more than this is no longer answered; it cannot make us talk for ever.
const MOST_ANSWERS: u32 = 1_000;

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
            answered_pings: 0,
            heard_message: false,
            notes: Vec::new(),
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
        let turn = |d: &Draft| d.request.is_none() || self.plan.binding == Binding::Lines || self.in_flight.is_empty();
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
        self.agreed.is_none() && self.discover == Reply::Pending && self.may_initialize() && !self.heard_message
    }

    /// Whether any JSON-RPC message has come.
    pub fn heard_message(&self) -> bool {
        self.heard_message
    }

    /// When the opening ended.
    pub fn agreed_at(&self) -> Option<Duration> {
        self.agreed_at
    }

    /// The last 401 or 403.
    pub fn challenged(&self) -> Option<&Challenged> {
        self.challenged.as_ref()
    }

    /// Asks for something besides the lists; the answer comes by [`Session::take_answer`].
    pub fn call(&mut self, method: &str, params: Value, header_params: Vec<(String, String)>) -> u32 {
        let id = self.fresh_id();
        let mut message = outgoing::request(id, method, params, self.dress());
        message.mirror.params = header_params;
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
        let mut inventory = Inventory {
            protocol: self.facts.version.take().map(|version| Protocol {
                version,
                era: self.agreed.map_or(Era::Handshake, Revision::era),
            }),
            server: self.facts.server.take(),
            instructions: self.facts.instructions.take(),
            capabilities: self.facts.capabilities.take(),
            cache_hint: self.facts.hint,
            ..Inventory::default()
        };
        if self.listings.is_empty() {
            self.listings = List::ALL.map(Listing::new).into();
        }
        let mut cause = cut.clone();
        for mut listing in self.listings {
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
        Ending { inventory, cause, notes: self.notes }
    }

    // ---- sending ----

    fn dress(&self) -> Dress {
        self.agreed.map_or(Dress::Opening, Dress::Agreed)
    }

    fn fresh_id(&mut self) -> u32 {
        // 31 bits: every server language has an integer for that.
        self.ids.u32(1..1 << 31)
    }

    fn queue_discover(&mut self, revision: Revision) {
        let id = self.fresh_id();
        self.discover = Reply::Pending;
        self.outbox
            .push_back(Draft { message: outgoing::discover(id, revision), request: Some((id, Asked::Discover)) });
    }

    fn queue_initialize(&mut self, offer: Revision) {
        let id = self.fresh_id();
        self.initialize = Reply::Pending;
        self.offered = offer;
        self.outbox
            .push_back(Draft { message: outgoing::initialize(id, offer), request: Some((id, Asked::Initialize)) });
    }

    fn queue_list(&mut self, list: List, cursor: Option<String>) {
        let id = self.fresh_id();
        let params = cursor.map_or(json!({}), |c| json!({ "cursor": c }));
        let message = outgoing::request(id, list.method(), params, self.dress());
        self.outbox.push_back(Draft { message, request: Some((id, Asked::List(list))) });
    }

    // ---- receiving ----

    fn text(&mut self, bytes: &[u8], now: Duration) -> Result<(), Stop> {
        let decoded = String::from_utf8_lossy(bytes);
        if matches!(decoded, Cow::Owned(_)) {
            self.note("invalid_utf8", || "invalid UTF-8 was replaced".into());
        }
        let text = decoded.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            return Ok(());
        }
        let mut messages = Vec::new();
        let odd = match json_rpc::decode(text, self.plan.limits.json_depth, |m| messages.push(m)) {
            Ok(odd) => odd,
            Err(why) => return self.not_a_message(text, why),
        };
        self.heard_message = true;
        self.note_times("jsonrpc_version", odd.version, || "a message without \"jsonrpc\":\"2.0\"".into());
        self.note_times("duplicate_keys", odd.repeated, || "a message with repeated keys".into());
        self.note_times("batch", odd.batch, || "an array of messages".into());
        for message in messages {
            self.message(message, now)?;
        }
        Ok(())
    }

    fn not_a_message(&mut self, text: &str, why: Malformed) -> Result<(), Stop> {
        let shown = quote(&self.plan.redaction.clean(text), 120);
        let fault = |message: String| {
            Err(Stop::Failed(Failure { kind: FailureKind::InvalidMessage, phase: self.phase(), message }))
        };
        match why {
            Malformed::TooDeep => fault(format!("JSON nested deeper than {}", self.plan.limits.json_depth)),
            // On a byte stream only what claims to be a message is held to it.
            Malformed::NotJson | Malformed::NotRpc if self.plan.binding == Binding::Lines => {
                if why == Malformed::NotJson && text.starts_with('{') && text.contains("\"jsonrpc\"") {
                    return fault(format!("a broken message: {shown}"));
                }
                self.note("noise", || format!("not a message on stdout: {shown}"));
                Ok(())
            }
            Malformed::NotJson => fault(format!("not JSON: {shown}")),
            Malformed::NotRpc => fault(format!("not JSON-RPC: {shown}")),
        }
    }

    fn message(&mut self, message: Incoming<'_>, now: Duration) -> Result<(), Stop> {
        match message {
            Incoming::Request { id, method } => {
                self.asked_by_server(id, &method);
                Ok(())
            }
            Incoming::Notification { method } => {
                if method.ends_with("/list_changed") && self.agreed.is_some() {
                    self.note("list_changed", || "a list changed while it was read".into());
                }
                Ok(())
            }
            Incoming::Response { id, body } => {
                let Some((id, asked)) = self.claim(id) else { return Ok(()) };
                match asked {
                    Asked::Discover => self.discovered(body, now),
                    Asked::Initialize => self.initialized(body, now),
                    Asked::List(list) => {
                        self.listed(list, body, now);
                        Ok(())
                    }
                    Asked::Call => {
                        self.calls.push((id, call_text(&body)));
                        Ok(())
                    }
                }
            }
        }
    }

    fn asked_by_server(&mut self, id: &str, method: &str) {
        // A stateless server sends no requests; one that does gets no answer (brief 4.5).
        let stateless = self.agreed.is_some_and(|r| r.era() == Era::Stateless);
        if method != "ping" || stateless {
            self.note("server_request", || format!("the server asked for {}", quote(method, 60)));
        }
        // Ids longer than any sane server's are not worth echoing.
        if stateless || self.answered_pings >= MOST_ANSWERS || id.len() > 1024 {
            return;
        }
        self.answered_pings += 1;
        let dress = self.dress();
        let answer = if method == "ping" { outgoing::pong(id, dress) } else { outgoing::refusal(id, dress) };
        self.outbox.push_front(Draft { message: answer, request: None });
    }

    /// Which of our requests `id` answers.
    fn claim(&mut self, id: Option<&str>) -> Option<(u32, Asked)> {
        let Some(text) = id else {
            // An error without id: it can only be told apart when one request is out.
            if self.in_flight.len() == 1 {
                self.note("id_missing", || "an error without id was taken for the answer awaited".into());
                return self.in_flight.pop();
            }
            self.note("unknown_id", || "an error without id".into());
            return None;
        };
        let number = text.parse::<u32>().ok();
        if let Some(at) = self.in_flight.iter().position(|(i, _)| Some(*i) == number) {
            return Some(self.in_flight.swap_remove(at));
        }
        if number.is_none_or(|n| !self.abandoned.contains(&n)) {
            self.note("unknown_id", || format!("an answer to id {}, which was not asked", quote(text, 40)));
        }
        None
    }

    fn discovered(&mut self, body: Body<'_>, now: Duration) -> Result<(), Stop> {
        match era::verdict(body) {
            Verdict::Stateless(revision, discovery) => {
                self.learn(discovery);
                self.settle(revision, revision.date().to_owned(), now);
                Ok(())
            }
            Verdict::AskAgain(revision) if !self.asked_again => {
                self.asked_again = true;
                self.queue_discover(revision);
                Ok(())
            }
            Verdict::AskAgain(_) => self.no_discovery("it refused the revision it had asked for".into(), Phase::Discover),
            Verdict::Handshake(why) => self.no_discovery(why, Phase::Discover),
            Verdict::Incompatible(listed) => {
                self.discover = Reply::Refused(format!("it speaks only {listed}"));
                match self.initialize {
                    Reply::Pending => Ok(()),
                    Reply::NotAsked | Reply::Refused(_) => {
                        Err(stop(FailureKind::VersionUnsupported, Phase::Discover, format!("the server speaks only {listed}")))
                    }
                }
            }
        }
    }

    fn no_discovery(&mut self, why: String, phase: Phase) -> Result<(), Stop> {
        self.discover = Reply::Refused(why.clone());
        match &self.initialize {
            Reply::Pending => Ok(()),
            Reply::NotAsked if self.may_initialize() => {
                self.queue_initialize(self.offered);
                Ok(())
            }
            Reply::NotAsked => {
                let wanted = Revision::NEWEST;
                Err(stop(FailureKind::VersionUnsupported, phase, format!("the server does not speak {wanted}: {why}")))
            }
            Reply::Refused(first) => {
                let message = format!("initialize: {first}; server/discover: {why}");
                Err(stop(FailureKind::RpcError, Phase::Initialize, message))
            }
        }
    }

    fn initialized(&mut self, body: Body<'_>, now: Duration) -> Result<(), Stop> {
        match body {
            Body::Result(result) => self.welcomed(result, now),
            Body::Error(error) => self.not_welcomed(&error),
            Body::Faulty(what) => {
                self.no_handshake(format!("answered with {what}"), FailureKind::InvalidMessage)
            }
        }
    }

    fn welcomed(&mut self, result: &str, now: Duration) -> Result<(), Stop> {
        let keys = ["protocolVersion", "capabilities", "instructions", "serverInfo"];
        let Some(picked) = look::pick(result, keys) else {
            return self.no_handshake("the result is not an object".into(), FailureKind::InvalidMessage);
        };
        let [version, capabilities, instructions, server] = picked.members;
        self.learn(Discovery { capabilities, instructions, server });
        let named = version.and_then(look::string);
        let revision = named.as_deref().and_then(|v| v.parse::<Revision>().ok());
        let revision = revision.filter(|r| r.era() == Era::Handshake);
        match (revision, self.plan.opening) {
            (Some(r), Opening::Pinned(pin)) if r != pin => Err(stop(
                FailureKind::VersionUnsupported,
                Phase::Initialize,
                format!("asked for {pin}, the server offers {r}"),
            )),
            (Some(r), _) => {
                self.settle(r, r.date().to_owned(), now);
                Ok(())
            }
            (None, _) => {
                let named = named.map_or("no version".into(), |v| format!("version {}", quote(&v, 40)));
                Err(stop(
                    FailureKind::VersionUnsupported,
                    Phase::Initialize,
                    format!("the server answered initialize with {named}"),
                ))
            }
        }
    }

    fn not_welcomed(&mut self, error: &RpcError<'_>) -> Result<(), Stop> {
        let said = format!("error {}: {}", error.code, quote(&self.plan.redaction.clean(&error.message), 300));
        let supported = era::supported(error).unwrap_or_default();
        if error.code == code::UNSUPPORTED_VERSION {
            // Evidence of a stateless server, or of a process that our discover has locked to that era.
            if self.discover != Reply::Pending && self.may_discover() && !self.asked_again {
                self.asked_again = true;
                self.initialize = Reply::Refused(said);
                self.queue_discover(Revision::NEWEST);
                return Ok(());
            }
            return self.no_handshake(said, FailureKind::VersionUnsupported);
        }
        match (era::newest(&supported, Era::Handshake), self.plan.opening) {
            (Some(offer), Opening::Detect | Opening::Handshake) if offer != self.offered => {
                self.queue_initialize(offer);
                Ok(())
            }
            _ => self.no_handshake(said, FailureKind::RpcError),
        }
    }

    fn no_handshake(&mut self, why: String, kind: FailureKind) -> Result<(), Stop> {
        if self.discover == Reply::Pending {
            self.initialize = Reply::Refused(why);
            return Ok(());
        }
        Err(stop(kind, Phase::Initialize, why))
    }

    fn learn(&mut self, d: Discovery<'_>) {
        let keep = |raw: Option<&RawValue>, r: &Redaction| tidy::object(raw?.get(), r).ok().map(|(json, _)| json);
        self.facts.server = keep(d.server, &self.plan.redaction).or(self.facts.server.take());
        self.facts.capabilities = keep(d.capabilities, &self.plan.redaction);
        self.facts.instructions = d
            .instructions
            .and_then(look::string)
            .map(|s| self.plan.redaction.clean(&s).into_owned());
    }

    /// The opening is over: plan the lists.
    fn settle(&mut self, revision: Revision, version: String, now: Duration) {
        self.abandoned.extend(self.in_flight.drain(..).map(|(id, _)| id));
        self.outbox.retain(|d| d.request.is_none());
        self.agreed = Some(revision);
        self.agreed_at.get_or_insert(now);
        self.facts.version = Some(version);
        if revision.era() == Era::Handshake {
            self.outbox
                .push_back(Draft { message: outgoing::initialized(revision), request: None });
        }
        let declared = self.facts.capabilities.as_ref().map(|c| {
            let keys = ["tools", "resources", "prompts"];
            look::pick(c.text(), keys).map(|p| keys.into_iter().zip(p.members).filter_map(|(k, m)| m.map(|_| k)).collect::<Vec<_>>())
        });
        let declared = declared.flatten();
        if declared.is_none() {
            self.note("capabilities", || "capabilities is no object; every list was asked for".into());
        }
        if self.listings.is_empty() {
            self.listings = List::ALL
                .map(|list| match &declared {
                    Some(names) if !names.contains(&list.capability()) => Listing::undeclared(list),
                    _ => Listing::new(list),
                })
                .into();
        }
        let open: Vec<List> = self.listings.iter().filter(|l| !l.ended()).map(|l| l.list).collect();
        for list in open {
            self.queue_list(list, None);
        }
    }

    fn listing(&mut self, list: List) -> &mut Listing {
        let at = self.listings.iter().position(|l| l.list == list);
        let at = at.unwrap_or_else(|| {
            self.listings.push(Listing::new(list));
            self.listings.len() - 1
        });
        &mut self.listings[at]
    }

    fn listed(&mut self, list: List, body: Body<'_>, now: Duration) {
        let era = self.agreed.map_or(Era::Handshake, Revision::era);
        let Some(at) = self.listings.iter().position(|l| l.list == list) else { return };
        let Plan { limits, redaction, .. } = &self.plan;
        let (next, aside) = self.listings[at].answer(body, now, era, limits, redaction);
        self.aside(list, aside);
        match next {
            Next::Page(cursor) => self.queue_list(list, cursor),
            Next::Ended => {}
        }
    }

    fn aside(&mut self, list: List, aside: Aside) {
        let method = list.method();
        self.note_times("duplicate_keys", aside.changes.repeated_keys, || {
            format!("{method}: repeated keys; the last one was kept")
        });
        self.note_times("huge_numbers", aside.changes.huge_numbers, || {
            format!("{method}: numbers beyond a double were kept as strings")
        });
        self.note_times("entries_dropped", aside.unkept, || format!("{method}: entries that are not objects"));
        if let Some(new) = aside.hint {
            let old = self.facts.hint.unwrap_or(new);
            self.facts.hint =
                Some(CacheHint { ttl_ms: old.ttl_ms.min(new.ttl_ms), public: old.public && new.public });
        }
    }

    // ---- HTTP refusals ----

    fn refused(&mut self, refusal: &Refusal<'_>, now: Duration) -> Result<(), Stop> {
        let status = refusal.status;
        if matches!(status, 401 | 403) {
            self.challenged = Some(Challenged { status, authenticate: refusal.authenticate.clone() });
        }
        let Some((id, asked)) = self.in_flight.pop() else {
            self.note("refused", || format!("HTTP {status} for a notification"));
            return Ok(());
        };
        // A body that is a JSON-RPC error says more than the status.
        let mut answer: Option<Result<(), Stop>> = None;
        if !matches!(status, 401 | 403) {
            let body = refusal.body.trim();
            let (mut error, depth) = (None, self.plan.limits.json_depth);
            let _ = json_rpc::decode(body, depth, |m| {
                if let Incoming::Response { body: Body::Error(e), .. } = m {
                    error.get_or_insert(e);
                }
            });
            if let Some(error) = error {
                answer = self.refused_with(asked, error, refusal, now);
            }
        }
        match answer {
            Some(result) => result,
            None => self.refused_without(id, asked, refusal),
        }
    }

    /// `None`: the error adds nothing to the status.
    fn refused_with(
        &mut self,
        asked: Asked,
        error: RpcError<'_>,
        refusal: &Refusal<'_>,
        now: Duration,
    ) -> Option<Result<(), Stop>> {
        self.heard_message = true;
        match asked {
            Asked::Discover if (400..500).contains(&refusal.status) => {
                Some(self.discovered(Body::Error(error), now))
            }
            Asked::Initialize if error.code == code::UNSUPPORTED_VERSION || era::supported(&error).is_some() => {
                Some(self.not_welcomed(&error))
            }
            Asked::List(_) if self.session_is_over(refusal) => None,
            Asked::List(list) => {
                self.listed(list, Body::Error(error), now);
                Some(Ok(()))
            }
            Asked::Discover | Asked::Initialize | Asked::Call => None,
        }
    }

    fn refused_without(&mut self, id: u32, asked: Asked, refusal: &Refusal<'_>) -> Result<(), Stop> {
        let status = refusal.status;
        let said = match quote(&self.plan.redaction.clean(refusal.body.trim()), 200) {
            empty if empty.is_empty() => format!("HTTP {status}"),
            body => format!("HTTP {status}: {body}"),
        };
        match (asked, status) {
            (Asked::List(list), _) if self.session_is_over(refusal) => self.reopen(list),
            (Asked::List(list), _) => {
                let kind = match status {
                    401 | 403 => FailureKind::AuthRequired,
                    _ => FailureKind::HttpStatus,
                };
                self.listing(list).fail(kind, said);
                Ok(())
            }
            (Asked::Call, _) => {
                self.calls.push((id, said));
                Ok(())
            }
            (Asked::Discover | Asked::Initialize, 401 | 403) => {
                Err(stop(FailureKind::AuthRequired, phase_of(asked), said))
            }
            // Wrong media type, host or rate: no evidence of an era, and no other opening would fare better.
            (Asked::Discover | Asked::Initialize, 406 | 415 | 421 | 429) => {
                Err(stop(FailureKind::HttpStatus, phase_of(asked), said))
            }
            // 500 and 501: old servers that cannot stand an unknown method.
            (Asked::Discover, 400..500 | 500 | 501) => self.no_discovery(said, Phase::Discover),
            (Asked::Initialize, 400..500) if self.plan.binding == Binding::Exchange => Err(Stop::NotStreamable(
                Failure { kind: FailureKind::HttpStatus, phase: Phase::Initialize, message: said },
            )),
            (Asked::Discover | Asked::Initialize, _) => {
                Err(stop(FailureKind::HttpStatus, phase_of(asked), said))
            }
        }
    }

    /// 404 for a request with a session id; some servers say 400 and speak of a session.
    fn session_is_over(&self, refusal: &Refusal<'_>) -> bool {
        let handshake = self.agreed.is_some_and(|r| r.era() == Era::Handshake);
        let says_so = refusal.body.to_ascii_lowercase().contains("session");
        handshake
            && !self.reopened
            && refusal.had_session
            && (refusal.status == 404 || refusal.status == 400 && says_so)
    }

    /// Opens a new session, once, and begins every unfinished list again.
    fn reopen(&mut self, list: List) -> Result<(), Stop> {
        self.reopened = true;
        self.note("session_expired", || format!("the session ended during {}; opened again", list.method()));
        self.outbox.retain(|d| d.request.is_none());
        for listing in self.listings.iter_mut().filter(|l| !l.ended()) {
            listing.begin_again();
        }
        let offer = self.agreed.take().unwrap_or(self.offered);
        self.queue_initialize(offer);
        Ok(())
    }

    // ---- notes ----

    fn note(&mut self, code: &'static str, message: impl FnOnce() -> String) {
        self.note_times(code, 1, message);
    }

    fn note_times(&mut self, code: &'static str, times: u32, message: impl FnOnce() -> String) {
        if times == 0 {
            return;
        }
        match self.notes.iter_mut().find(|n| n.code == code) {
            Some(note) => note.count = note.count.saturating_add(times),
            None => self.notes.push(Note { code, message: message(), count: times }),
        }
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
