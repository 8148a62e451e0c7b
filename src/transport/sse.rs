//! HTTP+SSE of 2024-11-05: one GET whose event stream carries every answer, and POSTs to the URL that the
//! stream's first event names.

use std::sync::Arc;
use std::time::Duration;

use crate::base::text::quote;
use crate::base::time::Deadline;
use crate::mcp::origin;
use crate::mcp::outgoing::Outgoing;
use crate::mcp::session::{Inbound, Refusal};
use crate::model::notes::Notes;
use crate::model::outcome::{FailureKind, Transport};
use crate::model::target::Remote;

use super::http::{Budget, EventStream, HttpClient, LONGEST_REFERENCE, Link, Sizes};
use super::options::WireOptions;
use super::{Parting, Patience, Phases, Wire, WireError};

/// The option that bounds the stream's silence.
const KEEP_ALIVE: &str = "sse_config.keep_alive_interval";

/// The carrier of one conversation over HTTP+SSE.
pub struct SseWire {
    link: Link,
    stream: Option<EventStream>,
    endpoint: String,
    refused: Option<Refusal<'static>>,
    current: Vec<u8>,
    notes: Notes,
}

impl SseWire {
    /// Talks to `remote` through `client`; opens the stream with the first message.
    pub fn new(
        client: &Arc<HttpClient>,
        remote: &Remote,
        options: &WireOptions,
        patience: Patience,
    ) -> SseWire {
        SseWire {
            link: Link::new(client, remote, options, patience),
            stream: None,
            endpoint: String::new(),
            refused: None,
            current: Vec::new(),
            notes: Notes::default(),
        }
    }

    /// Opens the stream and waits for its `endpoint` event; a stream that ends before it is opened again.
    fn open(&mut self) -> Result<(), WireError> {
        for attempt in 0.. {
            let Some(mut stream) = self.get()? else { return Ok(()) };
            if let Some(endpoint) = self.await_endpoint(&mut stream)? {
                self.endpoint = endpoint;
                self.stream = Some(stream);
                return Ok(());
            }
            let (_, retry_ms) = stream.resume_point();
            let delay = retry_ms.map_or(Duration::ZERO, Duration::from_millis);
            let delay = delay.max(self.link.options.sse.reconnect_delay);
            if attempt >= self.link.options.sse.max_reconnect_attempts
                || delay >= self.link.patience.until().left()
            {
                break;
            }
            self.link.patience.cancel.sleep(Deadline::after(delay));
            self.link.patience.check()?;
        }
        Err(WireError::new(FailureKind::Closed, "the event stream ended before its endpoint event"))
    }

    /// The stream, or `None` after a refusal.
    fn get(&mut self) -> Result<Option<EventStream>, WireError> {
        let own = [("Accept", "text/event-stream")];
        let budget = Budget {
            // The stream lives as long as the conversation, which may be taken up again: each wait for an
            // event has an end of its own.
            total: None,
            read: self.link.options.sse.keep_alive_interval,
            read_option: KEEP_ALIVE,
            connect: self.link.options.http.connect_timeout,
        };
        let mut url = self.link.url.clone();
        let (mut response, _) = self.link.persist("GET", &mut url, &own, None, budget)?;
        self.link.url = url;
        if !response.status().is_success() {
            self.refused = Some(self.link.refusal(&mut response, false));
            return Ok(None);
        }
        let mime = response.body().mime_type().unwrap_or("no content type").to_ascii_lowercase();
        if mime != "text/event-stream" {
            let why = format!("{} where an event stream was asked for", quote(&mime, 80));
            return Err(WireError::new(FailureKind::ContentType, why));
        }
        Ok(Some(EventStream::new(response, Sizes { read_option: KEEP_ALIVE, ..self.link.sizes() })))
    }

    fn await_endpoint(&mut self, stream: &mut EventStream) -> Result<Option<String>, WireError> {
        while let Some(event) = stream.next(&mut self.link.meter, &self.link.patience)? {
            if event.kind != "endpoint" {
                continue;
            }
            let refuse = |why: String| Err(WireError::new(FailureKind::OriginRefused, why));
            if event.data.len() > LONGEST_REFERENCE {
                return refuse(format!("an endpoint of {} bytes", event.data.len()));
            }
            let named = String::from_utf8_lossy(&event.data);
            return match origin::same_origin(&self.link.url, &named) {
                Ok(url) => Ok(Some(url)),
                Err(why) => refuse(format!("endpoint {}: {why}", quote(&named, 200))),
            };
        }
        Ok(None)
    }
}

impl Wire for SseWire {
    fn send(&mut self, message: &Outgoing) -> Result<(), WireError> {
        if self.stream.is_none() && self.refused.is_none() {
            self.open()?;
        }
        if self.refused.is_some() {
            return Ok(());
        }
        let own = [("Content-Type", "application/json"), ("Accept", "application/json, text/event-stream")];
        let budget = self.link.budget();
        let mut endpoint = std::mem::take(&mut self.endpoint);
        let result = self.link.persist("POST", &mut endpoint, &own, Some(&message.body), budget);
        self.endpoint = endpoint;
        let (mut response, _) = result?;
        if response.status().is_success() {
            self.link.drain(response);
        } else if message.is_request {
            self.refused = Some(self.link.refusal(&mut response, false));
        } else {
            let status = response.status().as_u16();
            self.notes.add("notification_refused", || format!("HTTP {status} for a message without answer"));
        }
        Ok(())
    }

    fn recv(&mut self) -> Result<Inbound<'_>, WireError> {
        if let Some(refusal) = self.refused.take() {
            return Ok(Inbound::Refused(refusal));
        }
        let Some(stream) = &mut self.stream else {
            return Err(WireError::new(FailureKind::Closed, "there is no event stream"));
        };
        loop {
            match stream.next(&mut self.link.meter, &self.link.patience)? {
                Some(event) if event.kind == "message" && !event.data.is_empty() => {
                    self.current = event.data;
                    return Ok(Inbound::Text(&self.current));
                }
                Some(event) if event.kind == "endpoint" => {
                    self.notes.add("endpoint_changed", || "a second endpoint event was ignored".into());
                }
                Some(_) => {}
                None => {
                    let why = "the event stream ended before the answer";
                    return Err(WireError::new(FailureKind::Closed, why));
                }
            }
        }
    }

    fn transport(&self) -> Transport {
        Transport::Sse
    }

    fn connect_time(&self) -> Duration {
        self.link.connecting
    }

    fn phases(&self) -> Phases {
        self.link.phases
    }

    fn pause(&mut self) -> Parting {
        self.current = Vec::new();
        self.link.rest();
        Parting { notes: self.notes.clone(), stderr: String::new() }
    }

    fn renew(&mut self, patience: Patience) {
        self.link.renew(patience);
    }

    fn overhear(&mut self) -> Result<Option<Inbound<'_>>, WireError> {
        let Some(stream) = &mut self.stream else {
            return Err(WireError::new(FailureKind::Closed, "there is no event stream"));
        };
        loop {
            match stream.at_once(&mut self.link.meter, &self.link.patience)? {
                None => return Ok(None),
                Some(event) if event.kind == "message" && !event.data.is_empty() => {
                    self.current = event.data;
                    return Ok(Some(Inbound::Text(&self.current)));
                }
                Some(_) => {}
            }
        }
    }

    fn close(self: Box<Self>) -> Parting {
        // Dropping the stream closes its connection, and that ends the session.
        Parting { notes: self.notes, stderr: String::new() }
    }
}
