//! A conversation that is taken up again: the facts of its opening stay, the lists begin anew.

use std::time::Duration;

use serde_json::json;

use super::{Ending, Inbound, Session};
use crate::mcp::json_rpc::{self, Incoming, code};
use crate::model::outcome::Failure;
use crate::model::revision::Era;

/// A ping on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ping(u32);

impl Session {
    /// What the conversation left so far; unless it was `cut`, it can be taken up again.
    pub fn pause(&mut self, cut: Option<Failure>) -> Ending {
        let facts = self.facts.clone();
        self.ending(facts, cut)
    }

    /// Asks for every list again, on a clock that begins now.
    pub fn relist(&mut self) {
        self.begin_stretch();
        self.plan_lists();
    }

    /// Asks whether the server is still there. `None` where the revision has no `ping`.
    pub fn ping(&mut self) -> Option<Ping> {
        self.agreed.filter(|revision| revision.era() == Era::Handshake)?;
        self.begin_stretch();
        Some(Ping(self.call("ping", &json!({}), &[])))
    }

    /// Whether the answer to `ping` came, and came from a server that still knows this conversation.
    pub fn ponged(&mut self, ping: Ping) -> bool {
        let Some(answer) = self.take_answer(ping.0) else { return false };
        // Old servers may not know the method; that they say so is life enough.
        let unknown = format!("{{\"error\":{{\"code\":{},", code::METHOD_NOT_FOUND);
        answer.starts_with(&unknown) || answer.starts_with('{') && !answer.starts_with("{\"error\"")
    }

    /// Something arrived while nobody asked. False: a conversation in which that is said is not to be gone
    /// on with. Only notifications may come unasked.
    pub fn overheard(&mut self, inbound: &Inbound<'_>) -> bool {
        let Inbound::Text(bytes) = inbound else { return false };
        let text = String::from_utf8_lossy(bytes);
        let text = text.trim();
        let mut harmless = true;
        let read = json_rpc::decode(text, self.plan.limits.json_depth, |message| match message {
            Incoming::Notification { .. } => {}
            // The other opening's answer may be as late as it likes.
            Incoming::Response { id: Some(id), .. } => {
                harmless &= id.parse().is_ok_and(|id: u32| self.abandoned.contains(&id));
            }
            Incoming::Request { .. } | Incoming::Response { id: None, .. } => harmless = false,
        });
        text.is_empty() || read.is_ok() && harmless
    }

    fn begin_stretch(&mut self) {
        debug_assert!(self.in_flight.is_empty() && self.agreed.is_some(), "only what is over is taken up");
        self.listings.clear();
        self.calls.clear();
        self.notes = self.opening_notes.clone();
        self.facts.hint = None;
        self.answers_given = 0;
        self.agreed_at = Some(Duration::ZERO);
        // A session that has expired is not opened again from here: whoever keeps it opens a fresh one.
        self.reopened = true;
    }
}
