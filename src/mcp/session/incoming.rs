//! What arrives: which of it is a message, whom it answers, and what is answered back.

use std::borrow::Cow;
use std::time::Duration;

use super::{Asked, Binding, Draft, Plan, Session, Stop, call_text};
use crate::base::text::quote;
use crate::mcp::json_rpc::{self, Body, Incoming, Malformed};
use crate::mcp::listing::{Aside, Next};
use crate::mcp::outgoing;
use crate::model::inventory::{CacheHint, List};
use crate::model::outcome::{Failure, FailureKind};
use crate::model::revision::{Era, Revision};

/// A server that asks us more than this is no longer answered; it cannot make us talk for ever.
const MOST_ANSWERS: u32 = 1_000;

impl Session {
    pub(super) fn text(&mut self, bytes: &[u8], now: Duration) -> Result<(), Stop> {
        let decoded = String::from_utf8_lossy(bytes);
        if matches!(decoded, Cow::Owned(_)) {
            self.notes.add("invalid_utf8", || "invalid UTF-8 was replaced".into());
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
        self.notes
            .add_times("jsonrpc_version", odd.version, || "a message without \"jsonrpc\":\"2.0\"".into());
        self.notes.add_times("duplicate_keys", odd.repeated, || "a message with repeated keys".into());
        self.notes.add_times("batch", odd.batch, || "an array of messages".into());
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
                self.notes.add("noise", || format!("not a message on stdout: {shown}"));
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
                    self.notes.add("list_changed", || "a list changed while it was read".into());
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
            self.notes.add("server_request", || format!("the server asked for {}", quote(method, 60)));
        }
        // Ids longer than any sane server's are not worth echoing.
        if stateless || self.answers_given >= MOST_ANSWERS || id.len() > 1024 {
            return;
        }
        self.answers_given += 1;
        let dress = self.dress();
        let answer = if method == "ping" { outgoing::pong(id, dress) } else { outgoing::refusal(id, dress) };
        self.outbox.push_front(Draft { message: answer, request: None });
    }

    /// Which of our requests `id` answers.
    fn claim(&mut self, id: Option<&str>) -> Option<(u32, Asked)> {
        let Some(text) = id else {
            // An error without id: it can only be told apart when one request is out.
            if self.in_flight.len() == 1 {
                self.notes
                    .add("id_missing", || "an error without id was taken for the answer awaited".into());
                return self.in_flight.pop();
            }
            self.notes.add("unknown_id", || "an error without id".into());
            return None;
        };
        let number = text.parse::<u32>().ok();
        if let Some(at) = self.in_flight.iter().position(|(i, _)| Some(*i) == number) {
            return Some(self.in_flight.swap_remove(at));
        }
        if number.is_none_or(|n| !self.abandoned.contains(&n)) {
            self.notes
                .add("unknown_id", || format!("an answer to id {}, which was not asked", quote(text, 40)));
        }
        None
    }

    pub(super) fn listed(&mut self, list: List, body: Body<'_>, now: Duration) {
        let era = self.agreed.map_or(Era::Handshake, Revision::era);
        let Some(at) = self.listings.iter().position(|l| l.list == list) else { return };
        let Plan { limits, redaction, .. } = &self.plan;
        let (next, aside) = self.listings[at].answer(body, now, era, limits, redaction);
        self.aside(aside);
        match next {
            Next::Page(cursor) => self.queue_list(list, cursor),
            Next::Ended => {}
        }
    }

    /// What an answer brought besides its items.
    fn aside(&mut self, aside: Aside) {
        self.notes.absorb(aside.notes);
        if let Some(new) = aside.hint {
            let old = self.facts.hint.unwrap_or(new);
            self.facts.hint =
                Some(CacheHint { ttl_ms: old.ttl_ms.min(new.ttl_ms), public: old.public && new.public });
        }
    }
}
