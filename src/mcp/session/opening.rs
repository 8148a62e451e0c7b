//! The opening: both eras' replies, until a revision is agreed and the lists are planned.

use std::time::Duration;

use super::{Draft, Opening, Reply, Session, Stop, stop};
use crate::base::text::quote;
use crate::mcp::era::{self, Discovery, Verdict};
use crate::mcp::json as look;
use crate::mcp::json_rpc::{Body, RpcError, code};
use crate::mcp::listing::Listing;
use crate::mcp::{outgoing, tidy};
use crate::model::inventory::List;
use crate::model::outcome::{FailureKind, Phase};
use crate::model::revision::{Era, Revision};

impl Session {
    pub(super) fn discovered(&mut self, body: Body<'_>, now: Duration) -> Result<(), Stop> {
        match era::verdict(body) {
            Verdict::Stateless(revision, discovery) => {
                self.learn(discovery);
                self.settle(revision, now);
                Ok(())
            }
            Verdict::AskAgain(revision) if !self.asked_again => {
                self.asked_again = true;
                self.queue_discover(revision);
                Ok(())
            }
            Verdict::AskAgain(_) => {
                self.no_discovery("it refused the revision it had asked for".into(), Phase::Discover)
            }
            Verdict::Handshake(why) => self.no_discovery(why, Phase::Discover),
            Verdict::Incompatible(listed) => {
                self.discover = Reply::Refused(format!("it speaks only {listed}"));
                match self.initialize {
                    Reply::Pending => Ok(()),
                    Reply::NotAsked | Reply::Refused(_) => Err(stop(
                        FailureKind::VersionUnsupported,
                        Phase::Discover,
                        format!("the server speaks only {listed}"),
                    )),
                }
            }
        }
    }

    pub(super) fn no_discovery(&mut self, why: String, phase: Phase) -> Result<(), Stop> {
        self.discover = Reply::Refused(why.clone());
        match &self.initialize {
            Reply::Pending => Ok(()),
            Reply::NotAsked if self.may_initialize() => {
                self.queue_initialize(self.offered);
                Ok(())
            }
            Reply::NotAsked => {
                let wanted = Revision::NEWEST;
                Err(stop(
                    FailureKind::VersionUnsupported,
                    phase,
                    format!("the server does not speak {wanted}: {why}"),
                ))
            }
            Reply::Refused(first) => {
                let message = format!("initialize: {first}; server/discover: {why}");
                Err(stop(FailureKind::RpcError, Phase::Initialize, message))
            }
        }
    }

    pub(super) fn initialized(&mut self, body: Body<'_>, now: Duration) -> Result<(), Stop> {
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
        let named = version.and_then(look::string);
        let revision = named.as_deref().and_then(|v| v.parse::<Revision>().ok());
        let revision = revision.filter(|r| r.era() == Era::Handshake);
        let refused = match (revision, self.plan.opening) {
            (Some(r), Opening::Pinned(pin)) if r != pin => format!("asked for {pin}, the server offers {r}"),
            (Some(r), _) => {
                self.learn(Discovery { capabilities, instructions, server });
                self.settle(r, now);
                return Ok(());
            }
            (None, _) => {
                let named = named.map_or("no version".into(), |v| format!("version {}", quote(&v, 40)));
                format!("the server answered initialize with {named}")
            }
        };
        // Who answered is worth knowing even where nothing more can be asked.
        if self.discover != Reply::Pending {
            self.learn(Discovery { capabilities: None, instructions: None, server });
        }
        self.no_handshake(refused, FailureKind::VersionUnsupported)
    }

    pub(super) fn not_welcomed(&mut self, error: &RpcError<'_>) -> Result<(), Stop> {
        let said =
            format!("error {}: {}", error.code, quote(&self.plan.redaction.clean(&error.message), 300));
        let supported = era::supported(error).unwrap_or_default();
        if error.code == code::UNSUPPORTED_VERSION {
            // Evidence of a stateless server, or of a process that our discover has locked to that era.
            // One that lists its revisions, and none of ours among them, need not be asked again.
            let hopeless = !supported.is_empty() && era::newest(&supported, Era::Stateless).is_none();
            let unanswered = self.discover == Reply::Pending;
            if !hopeless && !unanswered && self.may_discover() && !self.asked_again {
                self.asked_again = true;
                self.initialize = Reply::Refused(said);
                self.queue_discover(Revision::NEWEST);
                return Ok(());
            }
            return self.no_handshake(said, FailureKind::VersionUnsupported);
        }
        match (era::newest(&supported, Era::Handshake), self.plan.opening) {
            // Downwards only: a server cannot make us go round in circles.
            (Some(offer), Opening::Detect | Opening::Handshake) if offer < self.offered => {
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
        let (redaction, notes, facts) = (&self.plan.redaction, &mut self.notes, &mut self.facts);
        facts.server = tidy::member("serverInfo", d.server, redaction, notes).or(facts.server.take());
        facts.capabilities = tidy::member("capabilities", d.capabilities, redaction, notes);
        facts.instructions = tidy::instructions(d.instructions, redaction, notes);
    }

    /// The opening is over: plan the lists.
    fn settle(&mut self, revision: Revision, now: Duration) {
        self.abandoned.extend(self.in_flight.drain(..).map(|(id, _)| id));
        self.outbox.retain(|d| d.request.is_none());
        self.agreed = Some(revision);
        if self.agreed_at.is_none() {
            self.agreed_at = Some(now);
            self.opening_notes = self.notes.clone();
        }
        self.facts.version = Some(revision.date().to_owned());
        if revision.era() == Era::Handshake {
            self.outbox.push_back(Draft { message: outgoing::initialized(revision), request: None });
        }
        self.plan_lists();
    }

    /// Every list that the server declares is still to be asked for.
    pub(super) fn plan_lists(&mut self) {
        let declared = self.declared();
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

    /// The capabilities that bring lists, as far as the server declares any; `None` if it makes no sense of it.
    fn declared(&mut self) -> Option<Vec<&'static str>> {
        const KEYS: [&str; 3] = ["tools", "resources", "prompts"];
        let picked = self.facts.capabilities.as_ref().and_then(|c| look::pick(c.text(), KEYS));
        let Some(picked) = picked else {
            self.notes.add("capabilities", || "capabilities is no object; every list was asked for".into());
            return None;
        };
        let mut names = Vec::new();
        for (key, value) in KEYS.into_iter().zip(picked.members) {
            let Some(value) = value else { continue };
            if !value.get().starts_with('{') {
                self.notes
                    .add("capabilities", || format!("capability {key} is no object; taken as declared"));
            }
            names.push(key);
        }
        Some(names)
    }
}
