//! An event stream over HTTP, read event by event.

use std::collections::VecDeque;
use std::io::Read;

use ureq::http::Response;
use ureq::{Body, Error};

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
    pub(in crate::transport) total: u64,
    /// The option that bounds a silence.
    pub(in crate::transport) read_option: &'static str,
}

impl EventStream {
    pub(in crate::transport) fn new(response: Response<Body>, sizes: Sizes) -> EventStream {
        EventStream {
            // Beyond the target's total the meter ends it with a better message.
            reader: response.into_body().into_with_config().limit(sizes.total + 1).reader(),
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
            let size = self.chunk.len();
            let read = || socket::reading_by(size, || self.reader.read(&mut self.chunk));
            let read = socket::patiently(patience, read);
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
