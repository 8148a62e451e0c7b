//! Streamable HTTP: every message is one POST to one URL, answered by JSON or by an event stream.

mod agent;
mod body;
pub mod metadata;
mod resolve;
mod stream;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ureq::Body;
use ureq::http::{HeaderMap, Response};

use crate::base::text::quote;
use crate::base::time::Deadline;
use crate::mcp::outgoing::{self, Outgoing};
use crate::mcp::session::{Inbound, Refusal};
use crate::mcp::{origin, sse::Event};
use crate::model::outcome::{FailureKind, Note, Transport};
use crate::model::revision::Revision;
use crate::model::secret::Secret;
use crate::model::target::Remote;

use super::options::WireOptions;
use super::{Parting, Patience, Wire, WireError};

pub(super) use agent::Budget;
pub use agent::HttpClient;
use agent::Request;
pub(super) use body::Meter;
pub(super) use stream::{EventStream, Sizes};

/// `Retry-After` of half a second is never asked for; a wait shorter than this is no wait.
const SHORTEST_WAIT: Duration = Duration::from_millis(20);
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
    /// How often a stream was resumed.
    resumed: u32,
    /// Last event id and delay; they hold on for a stream that resumes another and names none itself.
    resume_point: (Option<String>, Option<u64>),
    notes: Vec<Note>,
}

/// The answer to the request in flight.
enum Pending {
    Nothing,
    Body(Vec<u8>),
    Refused(Refusal<'static>),
    Stream(Box<EventStream>),
    Event(Vec<u8>, Box<EventStream>),
}

/// What both HTTP transports need to talk to their target.
pub(super) struct Link {
    pub(super) client: Arc<HttpClient>,
    pub(super) url: String,
    /// The user's, for this origin only.
    pub(super) headers: Vec<(String, String)>,
    pub(super) options: WireOptions,
    pub(super) patience: Patience,
    pub(super) meter: Meter,
    pub(super) connecting: Duration,
}

impl Link {
    pub(super) fn new(
        client: &Arc<HttpClient>,
        remote: &Remote,
        options: &WireOptions,
        patience: Patience,
    ) -> Link {
        agent::take_connect_time();
        Link {
            client: client.clone(),
            url: origin::without_userinfo(&remote.url),
            headers: user_headers(remote),
            meter: Meter::new(options.limits.target_bytes),
            options: options.clone(),
            patience,
            connecting: Duration::ZERO,
        }
    }

    pub(super) fn sizes(&self) -> Sizes {
        Sizes {
            chunk: self.options.sse.chunk_size,
            events: self.options.sse.event_buffer_size,
            message: self.options.limits.message_bytes,
            total: self.options.limits.target_bytes,
        }
    }

    fn budget(&self) -> Budget {
        let http = &self.options.http;
        Budget { total: http.total_timeout, read: http.read_timeout, connect: http.connect_timeout }
    }

    /// One exchange, followed through redirects within the origin. `self.url` moves along.
    pub(super) fn exchange(
        &mut self,
        method: &'static str,
        own: &[(String, String)],
        body: Option<&str>,
        budget: Budget,
    ) -> Result<Response<Body>, WireError> {
        let mut url = self.url.clone();
        let response = self.exchange_at(method, &mut url, own, body, budget)?;
        self.url = url;
        Ok(response)
    }

    pub(super) fn exchange_at(
        &mut self,
        method: &'static str,
        url: &mut String,
        own: &[(String, String)],
        body: Option<&str>,
        budget: Budget,
    ) -> Result<Response<Body>, WireError> {
        let headers: Vec<(String, String)> = own.iter().chain(&self.headers).cloned().collect();
        for _ in 0..=self.options.limits.redirects {
            let request = Request { method, url, headers: &headers, body };
            let result = self.client.ask(&request, budget, &self.patience);
            self.connecting += agent::take_connect_time();
            let mut response = result?;
            if !response.status().is_redirection() || response.status() == 304 {
                return Ok(response);
            }
            body::drain(&mut response, &mut self.meter);
            *url = redirected(url, method, &response)?;
        }
        let why = format!("more than {} redirects", self.options.limits.redirects);
        Err(WireError::new(FailureKind::RedirectRefused, why))
    }

    /// An exchange that is repeated while the server says "later" (`retry_config`).
    fn persist(&mut self, own: &[(String, String)], body: &str) -> Result<Response<Body>, WireError> {
        let http = self.options.http.clone();
        let mut repeated = 0;
        loop {
            let mut response = self.exchange("POST", own, Some(body), self.budget())?;
            let status = response.status().as_u16();
            let later = status == 429 || http.status_forcelist.contains(&status);
            if !later || repeated >= http.retries {
                return Ok(response);
            }
            repeated += 1;
            let wait =
                retry_after(response.headers()).unwrap_or_else(|| backoff(http.backoff_factor, repeated));
            if wait >= self.patience.until.left() {
                return Ok(response);
            }
            body::drain(&mut response, &mut self.meter);
            self.patience.cancel.sleep(Deadline::after(wait));
            self.patience.check()?;
        }
    }

    pub(super) fn refusal(&mut self, response: &mut Response<Body>, had_session: bool) -> Refusal<'static> {
        let lines = response.headers().get_all("www-authenticate").iter();
        let authenticate = lines.map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned()).collect();
        let status = response.status().as_u16();
        let body = body::beginning(response, &mut self.meter).into();
        Refusal { status, body, authenticate, had_session }
    }

    pub(super) fn drain(&mut self, response: &mut Response<Body>) {
        body::drain(response, &mut self.meter);
    }
}

/// Names that belong to the transport; a configured header of such a name is left out.
const OWN_HEADERS: [&str; 9] = [
    "accept",
    "accept-encoding",
    "connection",
    "content-length",
    "content-type",
    "host",
    "mcp-session-id",
    "mcp-protocol-version",
    "transfer-encoding",
];

fn user_headers(remote: &Remote) -> Vec<(String, String)> {
    let mut headers: Vec<(String, String)> = Vec::with_capacity(remote.headers.len() + 1);
    for (name, value) in &remote.headers {
        if OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
            log::warn!("header {name} belongs to the transport and is not sent");
        } else {
            headers.push((name.clone(), value.reveal().to_owned()));
        }
    }
    // Userinfo means Basic (RFC 7617), unless the configuration says otherwise.
    let userinfo = remote
        .url
        .split_once("://")
        .and_then(|(_, rest)| rest.split(['/', '?', '#']).next()?.rsplit_once('@'));
    if let Some((userinfo, _)) = userinfo
        && !headers.iter().any(|(n, _)| n.eq_ignore_ascii_case("authorization"))
    {
        headers
            .push(("Authorization".into(), format!("Basic {}", outgoing::base64(&percent_decode(userinfo)))));
    }
    headers
}

fn percent_decode(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while let Some(&b) = bytes.get(i) {
        let code = (b == b'%').then(|| u8::from_str_radix(text.get(i + 1..i + 3)?, 16).ok()).flatten();
        out.push(code.unwrap_or(b));
        i += if code.is_some() { 3 } else { 1 };
    }
    out
}

/// Where a redirect leads, if it may be followed: within the origin, and for a POST only where the method
/// and body stay (307, 308).
fn redirected(from: &str, method: &str, response: &Response<Body>) -> Result<String, WireError> {
    let status = response.status().as_u16();
    let refused = |why: String| Err(WireError::new(FailureKind::RedirectRefused, why));
    let location =
        response.headers().get("location").map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned());
    let Some(location) = location else { return refused(format!("HTTP {status} without a Location")) };
    let shown = quote(&location, 200);
    if method == "POST" && !matches!(status, 307 | 308) {
        return refused(format!("HTTP {status} for a POST, to {shown}"));
    }
    origin::same_origin(from, &location).or_else(|why| refused(format!("HTTP {status} to {shown}: {why}")))
}

/// `Retry-After` in seconds or as a date; junk is no answer.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get("retry-after")?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let at = httpdate::parse_http_date(value).ok()?;
    Some(at.duration_since(SystemTime::now()).unwrap_or_default())
}

/// `backoff_factor` × 2^(n-1) seconds, and up to a tenth more so that many clients do not come back at once.
fn backoff(factor: f64, n: u32) -> Duration {
    let seconds = factor.max(0.0) * f64::from(2u32.saturating_pow(n - 1)) * (1.0 + fastrand::f64() / 10.0);
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX).max(SHORTEST_WAIT)
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
            resumed: 0,
            resume_point: (None, None),
            notes: Vec::new(),
        }
    }

    fn own_headers(&self, message: &Outgoing) -> Vec<(String, String)> {
        let mut own = vec![
            ("Content-Type".to_owned(), "application/json".to_owned()),
            ("Accept".to_owned(), "application/json, text/event-stream".to_owned()),
        ];
        let mirror = &message.mirror;
        let mut add = |name: &str, value: &str| own.push((name.to_owned(), value.to_owned()));
        if let Some(version) = mirror.version {
            add("MCP-Protocol-Version", version.date());
        }
        if let Some(method) = &mirror.method {
            add("Mcp-Method", method);
        }
        if let Some(name) = &mirror.name {
            add("Mcp-Name", name);
        }
        for (name, value) in &mirror.params {
            add(&format!("Mcp-Param-{name}"), value);
        }
        if let Some(session) = &self.session {
            add("Mcp-Session-Id", session.reveal());
        }
        own
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
                let bytes = body::whole(&mut response, limit, &mut self.link.meter, &self.link.patience)?;
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
        let id = id.or(self.resume_point.0.take());
        let retry_ms = retry_ms.or(self.resume_point.1);
        self.resume_point = (id.clone(), retry_ms);
        let attempts = self.link.options.sse.max_reconnect_attempts;
        let stateless = self.version.is_some_and(|v| v >= Revision::V2026_07_28);
        let Some(id) = id.filter(|_| !stateless && self.resumed < attempts) else {
            // The standard drops an event that the end cut off; an answer is too valuable for that.
            return match stream.unfinished() {
                Some(data) => {
                    self.notes.push(note("unfinished_event", "the stream ended inside its last event"));
                    Ok(Pending::Body(data))
                }
                None => Err(WireError::new(FailureKind::Closed, "the event stream ended before the answer")),
            };
        };
        self.resumed += 1;
        // A server's word on the delay counts; ours is for those that say nothing.
        let wait = retry_ms.map_or(self.link.options.sse.reconnect_delay, Duration::from_millis);
        if wait >= self.link.patience.until.left() {
            let why = format!("the stream closed and is to be resumed in {} s only", wait.as_secs());
            return Err(WireError::new(FailureKind::Closed, why));
        }
        self.link.patience.cancel.sleep(Deadline::after(wait.max(SHORTEST_WAIT)));
        self.link.patience.check()?;
        let mut own = vec![
            ("Accept".to_owned(), "text/event-stream".to_owned()),
            ("Last-Event-ID".to_owned(), id.replace(['\r', '\n'], "")),
        ];
        own.extend(self.version.map(|v| ("MCP-Protocol-Version".to_owned(), v.date().to_owned())));
        own.extend(self.session.as_ref().map(|s| ("Mcp-Session-Id".to_owned(), s.reveal().to_owned())));
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

    /// The next message event of `stream`.
    fn next_message(&mut self, mut stream: Box<EventStream>) -> Result<Pending, WireError> {
        loop {
            match stream.next(&mut self.link.meter, &self.link.patience)? {
                Some(Event { kind, data }) if kind == "message" && !data.is_empty() => {
                    return Ok(Pending::Event(data, stream));
                }
                // Priming events and kinds of other protocols.
                Some(_) => {}
                None => return self.resume(*stream),
            }
        }
    }
}

pub(super) fn note(code: &'static str, message: &str) -> Note {
    Note { code, message: message.to_owned(), count: 1 }
}

impl Wire for HttpWire {
    fn send(&mut self, message: &Outgoing) -> Result<(), WireError> {
        if message.mirror.opens_session {
            self.session = None;
        }
        self.version = message.mirror.version.or(self.version);
        let own = self.own_headers(message);
        if !message.is_request {
            let budget = self.link.budget();
            let mut response = self.link.exchange("POST", &own, Some(&message.body), budget)?;
            self.link.drain(&mut response);
            if !response.status().is_success() {
                let status = response.status().as_u16();
                self.notes.push(note(
                    "notification_refused",
                    &format!("HTTP {status} for a message without answer"),
                ));
            }
            return Ok(());
        }
        // An old stream may still be open; it has given its answer.
        self.pending = Pending::Nothing;
        self.resume_point = (None, None);
        let mut response = self.link.persist(&own, &message.body)?;
        if response.status().is_success() {
            if message.mirror.opens_session {
                self.keep_session(response.headers())?;
            }
            self.pending = self.accept(response)?;
        } else {
            self.pending = Pending::Refused(self.link.refusal(&mut response, self.session.is_some()));
        }
        Ok(())
    }

    fn recv(&mut self) -> Result<Inbound<'_>, WireError> {
        self.link.patience.check()?;
        let mut pending = std::mem::replace(&mut self.pending, Pending::Nothing);
        loop {
            pending = match pending {
                Pending::Nothing => {
                    let why = "the answer does not belong to the request";
                    return Err(WireError::new(FailureKind::InvalidMessage, why));
                }
                Pending::Refused(refusal) => return Ok(Inbound::Refused(refusal)),
                Pending::Stream(stream) | Pending::Event(_, stream) => self.next_message(stream)?,
                ready @ Pending::Body(_) => ready,
            };
            if matches!(pending, Pending::Body(_) | Pending::Event(..)) {
                break;
            }
        }
        // Kept here so that what is returned can be borrowed; the next turn drops it.
        self.pending = pending;
        match &self.pending {
            Pending::Body(bytes) | Pending::Event(bytes, _) => Ok(Inbound::Text(bytes)),
            Pending::Nothing | Pending::Refused(_) | Pending::Stream(_) => Ok(Inbound::Text(b"")),
        }
    }

    fn transport(&self) -> Transport {
        Transport::Http
    }

    fn connect_time(&self) -> Duration {
        self.link.connecting
    }

    fn close(mut self: Box<Self>) -> Parting {
        self.pending = Pending::Nothing;
        if let Some(session) = self.session.take().filter(|_| self.link.patience.check().is_ok()) {
            let mut own = vec![("Mcp-Session-Id".to_owned(), session.reveal().to_owned())];
            own.extend(self.version.map(|v| ("MCP-Protocol-Version".to_owned(), v.date().to_owned())));
            let budget = Budget { total: DELETE_TIME, read: DELETE_TIME, connect: DELETE_TIME };
            // 405 means that the server does not let clients end sessions; anything else is its business.
            if let Ok(mut response) = self.link.exchange("DELETE", &own, None, budget) {
                self.link.drain(&mut response);
            }
        }
        Parting { notes: self.notes, stderr: String::new() }
    }
}
