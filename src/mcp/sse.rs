//! Event streams (WHATWG HTML, "server-sent events"): bytes in, events out. Shared by Streamable HTTP and
//! HTTP+SSE.

use memchr::memchr2;

/// One dispatched event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// `message` unless the stream said otherwise.
    pub kind: String,
    /// The data lines, joined by line feeds. Empty for a priming event.
    pub data: Vec<u8>,
}

/// An event, or the rest of a line, grew beyond the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLarge;

/// Cuts a byte stream into events, however the bytes are cut.
#[derive(Debug)]
pub struct Decoder {
    limit: usize,
    line: Vec<u8>,
    /// The last byte ended a line as CR; an LF that follows belongs to it.
    after_cr: bool,
    at_start: bool,
    data: Vec<u8>,
    has_data: bool,
    kind: String,
    last_id: Option<String>,
    retry_ms: Option<u64>,
}

impl Decoder {
    /// No line and no event may exceed `limit` bytes.
    pub fn new(limit: usize) -> Decoder {
        Decoder {
            limit,
            line: Vec::new(),
            after_cr: false,
            at_start: true,
            data: Vec::new(),
            has_data: false,
            kind: String::new(),
            last_id: None,
            retry_ms: None,
        }
    }

    /// The id to resume from (`Last-Event-ID`), if the stream gave one.
    pub fn last_id(&self) -> Option<&str> {
        self.last_id.as_deref()
    }

    /// The reconnection delay the stream asked for.
    pub fn retry_ms(&self) -> Option<u64> {
        self.retry_ms
    }

    /// Takes the next bytes and hands each event that they complete to `each`.
    pub fn push(&mut self, mut bytes: &[u8], mut each: impl FnMut(Event)) -> Result<(), TooLarge> {
        while !bytes.is_empty() {
            if std::mem::take(&mut self.after_cr) && bytes[0] == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let Some(end) = memchr2(b'\n', b'\r', bytes) else {
                self.line.extend_from_slice(bytes);
                return self.within_limit();
            };
            self.line.extend_from_slice(&bytes[..end]);
            self.after_cr = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            self.within_limit()?;
            let mut line = std::mem::take(&mut self.line);
            if let Some(event) = self.line_ended(&line) {
                each(event);
            }
            line.clear();
            self.line = line;
            self.within_limit()?;
        }
        Ok(())
    }

    /// The data of an event that was not ended by a blank line before the stream ended. The standard drops
    /// it; a caller that still waits for an answer may look whether it is one.
    pub fn unfinished(mut self) -> Option<Vec<u8>> {
        if !self.line.is_empty() {
            let line = std::mem::take(&mut self.line);
            self.line_ended(&line);
        }
        self.has_data.then(|| {
            self.data.pop();
            self.data
        })
    }

    fn within_limit(&self) -> Result<(), TooLarge> {
        if self.line.len() + self.data.len() > self.limit { Err(TooLarge) } else { Ok(()) }
    }

    fn line_ended(&mut self, line: &[u8]) -> Option<Event> {
        let bom = std::mem::take(&mut self.at_start).then(|| line.strip_prefix(b"\xef\xbb\xbf")).flatten();
        let line = bom.unwrap_or(line);
        if line.is_empty() {
            return self.dispatch();
        }
        let (field, value) = match memchr::memchr(b':', line) {
            Some(0) => return None,
            Some(at) => (&line[..at], line[at + 1..].strip_prefix(b" ").unwrap_or(&line[at + 1..])),
            None => (line, &b""[..]),
        };
        match field {
            b"data" => {
                self.data.extend_from_slice(value);
                self.data.push(b'\n');
                self.has_data = true;
            }
            b"event" => self.kind = String::from_utf8_lossy(value).into_owned(),
            b"id" if !value.contains(&0) => {
                self.last_id = (!value.is_empty()).then(|| String::from_utf8_lossy(value).into_owned());
            }
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                let digits = String::from_utf8_lossy(value);
                self.retry_ms = Some(digits.parse().unwrap_or(u64::MAX));
            }
            _ => {}
        }
        None
    }

    fn dispatch(&mut self) -> Option<Event> {
        let kind = std::mem::take(&mut self.kind);
        if !std::mem::take(&mut self.has_data) {
            return None;
        }
        let mut data = std::mem::take(&mut self.data);
        data.pop();
        Some(Event { kind: if kind.is_empty() { "message".into() } else { kind }, data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn events(chunks: &[&[u8]]) -> Vec<(String, String)> {
        let mut decoder = Decoder::new(1 << 20);
        let mut out = Vec::new();
        for chunk in chunks {
            decoder
                .push(chunk, |e| out.push((e.kind, String::from_utf8_lossy(&e.data).into_owned())))
                .unwrap();
        }
        out
    }

    fn message(data: &str) -> (String, String) {
        ("message".into(), data.into())
    }

    #[test]
    fn line_ends_bom_comments_and_multi_line_data() {
        assert_eq!(events(&[b"\xef\xbb\xbfdata: a\r", b"\n\r\n"]), [message("a")]);
        assert_eq!(events(&[b"data:a\rdata: b\r\r"]), [message("a\nb")]);
        assert_eq!(events(&[b": keep-alive\n\ndata:  x\nfoo: y\n\n"]), [message(" x")]);
        assert_eq!(events(&[b"event: endpoint\ndata: /m?s=1\n\n"]), [("endpoint".into(), "/m?s=1".into())]);
        assert_eq!(events(&[b"event: x\n\ndata: y\n\n"]), [message("y")]);
        assert_eq!(events(&[b"data\n\n"]), [message("")]);
        assert_eq!(events(&[b"data: unfinished\n"]), []);
    }

    #[test]
    fn ids_and_retry_persist_and_odd_ones_are_ignored() {
        let mut d = Decoder::new(100);
        d.push(b"id: 7\nretry: 500\ndata:\n\nid: a\0b\nretry: -1\nretry: 5s\ndata: x\n\n", |_| {}).unwrap();
        assert_eq!((d.last_id(), d.retry_ms()), (Some("7"), Some(500)));
        d.push(b"id\n\nretry: 99999999999999999999\n", |_| {}).unwrap();
        assert_eq!((d.last_id(), d.retry_ms()), (None, Some(u64::MAX)));
    }

    #[test]
    fn endless_lines_and_endless_events_hit_the_limit() {
        assert_eq!(Decoder::new(10).push(&[b'x'; 11], |_| {}), Err(TooLarge));
        let mut d = Decoder::new(10);
        assert_eq!((0..9).map(|_| d.push(b"data: x\n", |_| {})).find(Result::is_err), Some(Err(TooLarge)));
    }

    #[test]
    fn an_unfinished_event_can_still_be_read() {
        let mut d = Decoder::new(100);
        d.push(b"data: {\"a\":\ndata: 1}", |_| panic!("not dispatched")).unwrap();
        assert_eq!(d.unfinished(), Some(b"{\"a\":\n1}".to_vec()));
    }

    proptest! {
        #[test]
        fn any_way_of_cutting_the_bytes_gives_the_same_events(
            text in proptest::collection::vec(prop_oneof![
                Just("data: x"), Just("\n"), Just("\r"), Just("\r\n"), Just("event: e"), Just(":"), Just("id: 1"),
                Just("ü✓"), Just("data"), Just(" "), Just("\u{feff}"),
            ], 0..40),
            cut in 1usize..7,
        ) {
            let bytes = text.concat().into_bytes();
            let chunks: Vec<&[u8]> = bytes.chunks(cut).collect();
            prop_assert_eq!(events(&[&bytes]), events(&chunks));
        }
    }
}
