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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::session::tests::{Stage, answered, refused};
    use crate::mcp::session::{Binding, Ending};
    use crate::model::inventory::CoverageState;
    use crate::model::notes::Note;

    fn opened(binding: Binding) -> Stage {
        let mut s = Stage::new(binding);
        if binding == Binding::Exchange {
            refused(&mut s, "server/discover");
        }
        s.say("noise").ok();
        let welcome = json!({"protocolVersion": "2025-06-18", "capabilities": {"tools": {}, "odd": 1},
                             "serverInfo": {"name": "s"}, "instructions": "i"});
        answered(&mut s, "initialize", welcome);
        s
    }

    fn listed(s: &mut Stage, names: &[&str]) -> Ending {
        let tools: Vec<_> = names.iter().map(|name| json!({"name": name, "inputSchema": {}})).collect();
        assert!(answered(s, "tools/list", json!({"tools": tools})), "there is more to do");
        s.session.pause(None)
    }

    #[test]
    fn facts_stay_and_lists_are_new() {
        let mut s = opened(Binding::Lines);
        let first = listed(&mut s, &["a", "b"]);
        let sent = s.sent.len();
        s.session.relist();
        assert!(!s.flush());
        assert_eq!((s.sent.len() - sent, s.sent[sent]["method"].as_str()), (1, Some("tools/list")));
        let second = listed(&mut s, &["c"]);
        assert_eq!(second.inventory.tools.len(), 1);
        let facts = |e: &Ending| {
            let i = &e.inventory;
            (i.protocol.clone(), i.server.clone(), i.instructions.clone(), i.capabilities.clone())
        };
        assert_eq!(facts(&first), facts(&second));
        assert!(first.inventory.server.is_some() && first.inventory.instructions.is_some());
        let states = |e: &Ending| e.inventory.coverage.iter().map(|c| c.state).collect::<Vec<_>>();
        assert_eq!(states(&first), states(&second));
        assert_eq!(states(&second)[0], CoverageState::Complete);
        // What was odd about the opening is odd still, and counted once.
        let notes = |e: Ending| e.notes.into_vec().into_iter().map(|n: Note| (n.code, n.count)).collect();
        let (first, second): (Vec<_>, Vec<_>) = (notes(first), notes(second));
        assert_eq!((&first, &first), (&vec![("noise".into(), 1)], &second));
    }

    #[test]
    fn a_session_that_expired_meanwhile_is_not_opened_again_from_here() {
        let mut s = opened(Binding::Exchange);
        listed(&mut s, &["a"]);
        s.session.relist();
        s.flush();
        assert!(s.refuse(404, "").unwrap());
        assert_eq!(s.session.pause(None).inventory.coverage[0].state, CoverageState::Failed);
        assert_eq!(s.count("initialize"), 1);
    }

    #[test]
    fn only_an_answer_that_knows_us_is_life() {
        let mut s = opened(Binding::Lines);
        listed(&mut s, &[]);
        let error = |code| json!({"error": {"code": code, "message": "m"}});
        let rows = [(json!({"result": {}}), true), (error(-32601), true), (error(-32001), false)];
        for (answer, well) in rows {
            let ping = s.session.ping().unwrap();
            s.flush();
            let mut message = json!({"jsonrpc": "2.0", "id": s.id("ping")});
            message.as_object_mut().unwrap().extend(answer.as_object().unwrap().clone());
            assert_eq!(s.say(&message.to_string()), Ok(true));
            assert_eq!(s.session.ponged(ping), well, "{message}");
        }
        s.session.relist();
        s.flush();
        assert_eq!(listed(&mut s, &["a"]).inventory.tools.len(), 1);

        let mut stateless = Stage::new(Binding::Lines);
        let modern = json!({"supportedVersions": ["2026-07-28"], "capabilities": {}});
        answered(&mut stateless, "server/discover", modern);
        assert_eq!(stateless.session.ping(), None);
    }

    #[test]
    fn notifications_may_come_unasked_and_nothing_else() {
        let mut s = opened(Binding::Lines);
        listed(&mut s, &[]);
        let late = format!(r#"{{"jsonrpc":"2.0","id":{},"result":{{}}}}"#, s.id("server/discover"));
        for (text, harmless) in [
            (r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#, true),
            ("", true),
            (&late, true),
            (r#"{"jsonrpc":"2.0","id":5,"result":{}}"#, false),
            (r#"{"jsonrpc":"2.0","id":5,"method":"ping"}"#, false),
            ("log line", false),
        ] {
            assert_eq!(s.session.overheard(&Inbound::Text(text.as_bytes())), harmless, "{text}");
        }
    }
}
