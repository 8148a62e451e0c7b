//! An event stream over HTTP, read event by event.

use std::collections::VecDeque;
use std::io::Read;
use std::time::Duration;

use ureq::http::Response;
use ureq::{Body, Error};

use crate::base::time::Deadline;
use crate::mcp::sse::{Decoder, Event};
use crate::model::outcome::FailureKind;
use crate::transport::{Patience, WireError};

use super::agent::explain;
use super::body::Meter;
use super::socket;

/// How much of a read is decoded before looking whether enough events are held.
const BITE: usize = 512;

/// The stream and what was read of it.
pub(in crate::transport) struct EventStream {
    reader: ureq::BodyReader<'static>,
    chunk: Vec<u8>,
    undecoded: std::ops::Range<usize>,
    decoder: Decoder,
    events: VecDeque<Event>,
    most_events: usize,
    message_limit: usize,
    read_option: &'static str,
}

/// Sizes of an event stream's buffers.
#[derive(Debug, Clone, Copy)]
pub(in crate::transport) struct Sizes {
    pub(in crate::transport) chunk: usize,
    pub(in crate::transport) events: usize,
    pub(in crate::transport) message: usize,
    /// The option that bounds a silence.
    pub(in crate::transport) read_option: &'static str,
}

impl EventStream {
    pub(in crate::transport) fn new(response: Response<Body>, sizes: Sizes) -> EventStream {
        EventStream {
            // The meter bounds it, and says so better.
            reader: response.into_body().into_with_config().limit(u64::MAX).reader(),
            chunk: vec![0; sizes.chunk.clamp(1 << 10, 1 << 20)],
            undecoded: 0..0,
            decoder: Decoder::new(sizes.message),
            events: VecDeque::new(),
            most_events: sizes.events.max(1),
            message_limit: sizes.message,
            read_option: sizes.read_option,
        }
    }

    /// The next event; `None` when the stream has ended.
    pub(in crate::transport) fn next(
        &mut self,
        meter: &mut Meter,
        patience: &Patience,
    ) -> Result<Option<Event>, WireError> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(Some(event));
            }
            self.decode()?;
            if !self.events.is_empty() {
                continue;
            }
            patience.check()?;
            let read =
                socket::reading(self.chunk.len(), patience.until(), || self.reader.read(&mut self.chunk));
            let n = read.map_err(|e| explain(Error::from(e), patience, self.read_option))?;
            // A shutdown on cancellation looks like an ordinary end.
            patience.check()?;
            if n == 0 {
                return Ok(None);
            }
            meter.add(n)?;
            self.undecoded = 0..n;
        }
    }

    /// Reads on without waiting, if all that was read is used up: to find the end where it is near.
    pub(in crate::transport) fn meet_end(&mut self, meter: &mut Meter) {
        if !self.undecoded.is_empty() {
            return;
        }
        let now = Deadline::after(Duration::ZERO);
        if let Ok(n) = socket::reading(self.chunk.len(), now, || self.reader.read(&mut self.chunk)) {
            self.undecoded = 0..n;
            // What is too much is too much also at the next read, where it is told.
            let _ = meter.add(n);
        }
    }

    /// The next event that is there already; `None` when there is none, or not the whole of it.
    pub(in crate::transport) fn at_once(
        &mut self,
        meter: &mut Meter,
        patience: &Patience,
    ) -> Result<Option<Event>, WireError> {
        loop {
            self.decode()?;
            if let Some(event) = self.events.pop_front() {
                return Ok(Some(event));
            }
            let now = Deadline::after(Duration::ZERO);
            let read = socket::reading(self.chunk.len(), now, || self.reader.read(&mut self.chunk));
            let n = match read.map_err(Error::from) {
                Ok(n) => n,
                Err(Error::Timeout(_)) => return Ok(None),
                Err(e) => return Err(explain(e, patience, self.read_option)),
            };
            if n == 0 {
                return Err(WireError::new(FailureKind::Closed, "the event stream ended"));
            }
            meter.add(n)?;
            self.undecoded = 0..n;
        }
    }

    fn decode(&mut self) -> Result<(), WireError> {
        while !self.undecoded.is_empty() && self.events.len() < self.most_events {
            let end = self.undecoded.end.min(self.undecoded.start + BITE);
            let bite = &self.chunk[self.undecoded.start..end];
            self.decoder.push(bite, |event| self.events.push_back(event)).map_err(|_| {
                let why = format!("an event of more than {} bytes", self.message_limit);
                WireError::new(FailureKind::LimitExceeded, why)
            })?;
            self.undecoded.start = end;
        }
        Ok(())
    }

    /// What a resumption needs: the last event id and the delay asked for.
    pub(in crate::transport) fn resume_point(&self) -> (Option<String>, Option<u64>) {
        (self.decoder.last_id().map(str::to_owned), self.decoder.retry_ms())
    }

    /// The data of an event that the stream's end cut off.
    pub(in crate::transport) fn unfinished(self) -> Option<Vec<u8>> {
        self.decoder.unfinished()
    }
}
