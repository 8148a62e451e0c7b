//! HTTP answers that carry no message: what their status says, and the error in their body, if there is one.

use std::time::Duration;

use super::{Asked, Binding, Challenged, Refusal, Session, Stop, phase_of, stop};
use crate::base::text::quote;
use crate::mcp::era;
use crate::mcp::json_rpc::{self, Body, Incoming, RpcError, code};
use crate::model::inventory::List;
use crate::model::outcome::{Failure, FailureKind, Phase};
use crate::model::revision::Era;

impl Session {
    pub(super) fn refused(&mut self, refusal: &Refusal<'_>, now: Duration) -> Result<(), Stop> {
        let status = refusal.status;
        if matches!(status, 401 | 403) {
            self.challenged = Some(Challenged { status, authenticate: refusal.authenticate.clone() });
        }
        let Some((id, asked)) = self.in_flight.pop() else {
            self.notes.add("refused", || format!("HTTP {status} for a notification"));
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
            Asked::Initialize
                if error.code == code::UNSUPPORTED_VERSION || era::supported(&error).is_some() =>
            {
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
            (Asked::Discover, 400..=501) => self.no_discovery(said, Phase::Discover),
            (Asked::Initialize, 400..500) if self.plan.binding == Binding::Exchange => {
                Err(Stop::NotStreamable(Failure {
                    kind: FailureKind::HttpStatus,
                    phase: Phase::Initialize,
                    message: said,
                }))
            }
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
        self.notes
            .add("session_expired", || format!("the session ended during {}; opened again", list.method()));
        self.outbox.retain(|d| d.request.is_none());
        for listing in self.listings.iter_mut().filter(|l| !l.ended()) {
            listing.begin_again();
        }
        let offer = self.agreed.take().unwrap_or(self.offered);
        self.queue_initialize(offer);
        Ok(())
    }
}
