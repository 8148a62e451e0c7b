//! Streamable HTTP: every message is one POST to one URL, answered by JSON or by an event stream.

mod agent;
mod body;
mod buffers;
mod certificate;
mod connect;
mod link;
pub mod look;
pub mod metadata;
mod proxy;
mod resolve;
mod socket;
mod stream;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use ureq::Body;
use ureq::http::{HeaderMap, Response};

use crate::base::text::quote;
use crate::base::time::Deadline;
use crate::mcp::outgoing::{Mirror, Outgoing};
use crate::mcp::session::{Inbound, Refusal};
use crate::model::notes::Notes;
use crate::model::outcome::{FailureKind, Transport};
use crate::model::revision::Revision;
use crate::model::secret::Secret;
use crate::model::target::Remote;

use super::options::WireOptions;
use super::{Parting, Patience, Phases, Wire, WireError};

pub(super) use agent::Budget;
pub use agent::HttpClient;
use agent::READ_TIMEOUT;
use link::SHORTEST_WAIT;
pub(super) use link::{LONGEST_REFERENCE, Link};
pub(crate) use proxy::VARIABLES as PROXY_VARIABLES;
pub(super) use stream::{EventStream, Sizes};
pub use tls::check_certificates;

/// The parting DELETE is a courtesy.
const DELETE_TIME: Duration = Duration::from_millis(1500);
/// Longest session id we carry. The specification names no limit; headers have one.
const LONGEST_SESSION_ID: usize = 4096;

/// The carrier of one conversation over Streamable HTTP.
pub struct HttpWire {
    link: Link,
    session: Option<Secret>,
    version: Option<Revision>,
    pending: Pending,
    /// The message handed out last.
    current: Vec<u8>,
    /// How often a stream was resumed.
    resumed: u32,
    /// Last event id and delay; they hold on for a stream that resumes another and names none itself.
    resume_point: (Option<String>, Option<u64>),
    notes: Notes,
}

/// The answer to the request in flight.
enum Pending {
    Nothing,
    Body(Vec<u8>),
    Refused(Refusal<'static>),
    Stream(Box<EventStream>),
}

impl HttpWire {
    /// Talks to `remote` through `client`; connects with the first message.
    pub fn new(
        client: &Arc<HttpClient>,
        remote: &Remote,
        options: &WireOptions,
        patience: Patience,
    ) -> HttpWire {
        HttpWire {
            link: Link::new(client, remote, options, patience),
            session: None,
            version: None,
            pending: Pending::Nothing,
            current: Vec::new(),
            resumed: 0,
            resume_point: (None, None),
            notes: Notes::default(),
        }
    }

    /// A stream that has given its answer may go on. Where its end is there already it is read now, so that the
    /// connection can be used for what comes next.
    fn meet_end(&mut self) {
        if let Pending::Stream(stream) = &mut self.pending {
            stream.meet_end(&mut self.link.meter);
        }
    }

    fn keep_session(&mut self, headers: &HeaderMap) -> Result<(), WireError> {
        let Some(id) = headers.get("mcp-session-id") else { return Ok(()) };
        let id = id.as_bytes();
        if id.is_empty() || id.len() > LONGEST_SESSION_ID || !id.iter().all(|b| (0x21..=0x7e).contains(b)) {
            let why = "the session id is not 1 to 4096 visible ASCII characters";
            return Err(WireError::new(FailureKind::InvalidMessage, why));
        }
        self.session = Some(Secret::new(String::from_utf8_lossy(id)));
        Ok(())
    }

    /// What a 2xx answer to a request holds.
    fn accept(&mut self, mut response: Response<Body>) -> Result<Pending, WireError> {
        let status = response.status().as_u16();
        let wrong = |why: String| Err(WireError::new(FailureKind::ContentType, why));
        if let Some(coding) = response.headers().get("content-encoding").filter(|c| *c != "identity") {
            let coding = quote(&String::from_utf8_lossy(coding.as_bytes()), 40);
            return wrong(format!("content coding {coding}, which was not offered"));
        }
        match response.body().mime_type().map(str::to_ascii_lowercase).as_deref() {
            Some("text/event-stream") => {
                let sizes = self.link.sizes();
                Ok(Pending::Stream(Box::new(EventStream::new(response, sizes))))
            }
            Some("application/json") => {
                let limit = self.link.options.limits.message_bytes;
                let Link { meter, patience, .. } = &mut self.link;
                let bytes = body::whole(&mut response, limit, meter, patience, READ_TIMEOUT)?;
                if bytes.is_empty() {
                    return wrong(format!("HTTP {status} with an empty body"));
                }
                Ok(Pending::Body(bytes))
            }
            Some(other) => {
                wrong(format!("HTTP {status} with {}, neither JSON nor an event stream", quote(other, 80)))
            }
            None => wrong(format!("HTTP {status} without a content type")),
        }
    }

    /// The stream ended before the answer: resume it where the server allows that, or fail.
    fn resume(&mut self, stream: EventStream) -> Result<Pending, WireError> {
        let (id, retry_ms) = stream.resume_point();
        let usable = |id: &String| id.len() <= LONGEST_REFERENCE && !id.chars().any(char::is_control);
        let id = id.filter(usable).or(self.resume_point.0.take());
        let retry_ms = retry_ms.or(self.resume_point.1);
        self.resume_point = (id.clone(), retry_ms);
        let attempts = self.link.options.sse.max_reconnect_attempts;
        let stateless = self.version.is_some_and(|v| v >= Revision::V2026_07_28);
        let Some(id) = id.filter(|_| !stateless && self.resumed < attempts) else {
            // The standard drops an event that the end cut off; an answer is too valuable for that.
            return match stream.unfinished() {
                Some(data) => {
                    self.notes.add("unfinished_event", || "the stream ended inside its last event".into());
                    Ok(Pending::Body(data))
                }
                None => Err(WireError::new(FailureKind::Closed, "the event stream ended before the answer")),
            };
        };
        self.resumed += 1;
        // A server's word on the delay counts; ours is for those that say nothing.
        let wait = retry_ms.map_or(self.link.options.sse.reconnect_delay, Duration::from_millis);
        if wait >= self.link.patience.until().left() {
            let why = format!("the stream closed and is to be resumed in {} s only", wait.as_secs());
            return Err(WireError::new(FailureKind::Closed, why));
        }
        self.link.patience.cancel.sleep(Deadline::after(wait.max(SHORTEST_WAIT)));
        self.link.patience.check()?;
        let mut own = vec![("Accept", "text/event-stream"), ("Last-Event-ID", id.as_str())];
        own.extend(self.version.map(|v| ("MCP-Protocol-Version", v.date())));
        own.extend(self.session.as_ref().map(|s| ("Mcp-Session-Id", s.reveal())));
        let budget = self.link.budget();
        let mut response = self.link.exchange("GET", &own, None, budget)?;
        if !response.status().is_success() {
            let refusal = self.link.refusal(&mut response, self.session.is_some());
            let why = format!(
                "the event stream ended before the answer, and resuming gave HTTP {}",
                refusal.status
            );
            return Err(WireError::new(FailureKind::Closed, why));
        }
        self.accept(response)
    }

    /// The next message event of `stream`; `None` when it has ended.
    fn next_message(&mut self, stream: &mut EventStream) -> Result<Option<Vec<u8>>, WireError> {
        while let Some(event) = stream.next(&mut self.link.meter, &self.link.patience)? {
            // Others are priming events and kinds of other protocols.
            if event.kind == "message" && !event.data.is_empty() {
                return Ok(Some(event.data));
            }
        }
        Ok(None)
    }
}

/// The headers of a POST that are the protocol's.
fn own_headers<'a>(message: &'a Outgoing, session: Option<&'a Secret>) -> Vec<(&'a str, &'a str)> {
    let Mirror { version, method, name, params, .. } = &message.mirror;
    let mut own =
        vec![("Content-Type", "application/json"), ("Accept", "application/json, text/event-stream")];
    own.extend(version.map(|v| ("MCP-Protocol-Version", v.date())));
    own.extend(method.as_deref().map(|m| ("Mcp-Method", m)));
    own.extend(name.as_deref().map(|n| ("Mcp-Name", n)));
    own.extend(params.iter().map(|(n, v)| (n.as_str(), v.as_str())));
    own.extend(session.map(|s| ("Mcp-Session-Id", s.reveal())));
    own
}

impl Wire for HttpWire {
    fn send(&mut self, message: &Outgoing) -> Result<(), WireError> {
        if message.mirror.opens_session {
            self.session = None;
        }
        self.meet_end();
        if message.is_request {
            // An old stream may still be open; it has given its answer.
            self.pending = Pending::Nothing;
        }
        self.version = message.mirror.version.or(self.version);
        let own = own_headers(message, self.session.as_ref());
        if !message.is_request {
            let budget = self.link.budget();
            let response = self.link.exchange("POST", &own, Some(&message.body), budget)?;
            let status = response.status();
            self.link.drain(response);
            if !status.is_success() {
                let status = status.as_u16();
                self.notes
                    .add("notification_refused", || format!("HTTP {status} for a message without answer"));
            }
            return Ok(());
        }
        self.resume_point = (None, None);
        let (mut url, budget) = (self.link.url.clone(), self.link.budget());
        let persisted = self.link.persist("POST", &mut url, &own, Some(&message.body), budget);
        let (mut response, too_late) = persisted?;
        self.link.url = url;
        if response.status().is_success() {
            if message.mirror.opens_session {
                self.keep_session(response.headers())?;
            }
            self.pending = self.accept(response)?;
        } else {
            let mut refusal = self.link.refusal(&mut response, self.session.is_some());
            if let Some(wait) = too_late {
                let why = format!("Retry-After {} s is beyond the target's time", wait.as_secs());
                // An error object has to stay one.
                if !refusal.body.trim_start().starts_with('{') {
                    refusal.body = format!("{why}; {}", refusal.body).into();
                }
                self.notes.add("retry_after", || why);
            }
            self.pending = Pending::Refused(refusal);
        }
        Ok(())
    }

    fn recv(&mut self) -> Result<Inbound<'_>, WireError> {
        self.link.patience.check()?;
        loop {
            match std::mem::replace(&mut self.pending, Pending::Nothing) {
                Pending::Nothing => {
                    let why = "the answer does not belong to the request";
                    return Err(WireError::new(FailureKind::InvalidMessage, why));
                }
                Pending::Refused(refusal) => return Ok(Inbound::Refused(refusal)),
                Pending::Body(bytes) => {
                    self.current = bytes;
                    break;
                }
                Pending::Stream(mut stream) => match self.next_message(&mut stream)? {
                    Some(data) => {
                        self.current = data;
                        self.pending = Pending::Stream(stream);
                        break;
                    }
                    None => self.pending = self.resume(*stream)?,
                },
            }
        }
        Ok(Inbound::Text(&self.current))
    }

    fn transport(&self) -> Transport {
        Transport::Http
    }

    fn connect_time(&self) -> Duration {
        self.link.connecting
    }

    fn phases(&self) -> Phases {
        self.link.phases
    }

    fn pause(&mut self) -> Parting {
        self.meet_end();
        self.pending = Pending::Nothing;
        self.current = Vec::new();
        self.link.rest();
        Parting { notes: self.notes.clone(), stderr: String::new() }
    }

    fn renew(&mut self, patience: Patience) {
        self.resumed = 0;
        self.link.renew(patience);
    }

    fn overhear(&mut self) -> Result<Option<Inbound<'_>>, WireError> {
        // Each exchange is for itself, and the pool of connections looks at each of them before it is used.
        Ok(None)
    }

    fn close(mut self: Box<Self>) -> Parting {
        self.pending = Pending::Nothing;
        if let Some(session) = self.session.take().filter(|_| self.link.patience.check().is_ok()) {
            let mut own = vec![("Mcp-Session-Id", session.reveal())];
            own.extend(self.version.map(|v| ("MCP-Protocol-Version", v.date())));
            let time = DELETE_TIME;
            let budget = Budget { total: Some(time), read: time, read_option: READ_TIMEOUT, connect: time };
            // 405 means that the server does not let clients end sessions; anything else is its business.
            if let Ok(response) = self.link.exchange("DELETE", &own, None, budget) {
                self.link.drain(response);
            }
        }
        Parting { notes: self.notes, stderr: String::new() }
    }
}
