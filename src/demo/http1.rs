//! The part of HTTP/1.1 the demo servers need: read one request, write one response.
//!
//! Invariant: nothing here knows of MCP or of sockets; it reads and writes byte streams.

use std::io::{self, BufRead, Read, Write};

const HEAD_BYTES: u64 = 64 << 10;
const BODY_BYTES: u64 = 8 << 20;

/// One request, its body complete and decoded.
pub(super) struct HttpRequest {
    pub(super) method: String,
    pub(super) path: String,
    /// What stands after `?`, empty where there is none.
    pub(super) query: String,
    headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl HttpRequest {
    /// The value of the first header of this name.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name))?;
        Some(&found.1)
    }

    /// Whether a comma-separated header holds `token`, parameters aside.
    pub(super) fn header_has(&self, name: &str, token: &str) -> bool {
        self.header(name).is_some_and(|value| {
            value
                .split(',')
                .any(|part| part.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case(token))
        })
    }
}

/// The next request, or `None` when the client has closed the connection between two.
/// `interim` receives a `100 Continue` where the client waits for one.
pub(super) fn read_request(
    input: &mut impl BufRead,
    mut interim: impl Write,
) -> io::Result<Option<HttpRequest>> {
    let mut head = input.take(HEAD_BYTES);
    let Some(first) = read_line(&mut head)? else { return Ok(None) };
    let mut words = first.split(' ');
    let (Some(method), Some(uri), Some("HTTP/1.1")) = (words.next(), words.next(), words.next()) else {
        return Err(bad("not an HTTP/1.1 request line"));
    };
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    let mut request = HttpRequest {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: read_headers(&mut head)?,
        body: Vec::new(),
    };
    if request.header_has("expect", "100-continue") {
        interim.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    request.body = read_body(&request, input)?;
    Ok(Some(request))
}

fn read_headers(head: &mut impl BufRead) -> io::Result<Vec<(String, String)>> {
    let mut headers = Vec::new();
    loop {
        let line = read_line(head)?.ok_or_else(|| bad("headers end early or are too long"))?;
        if line.is_empty() {
            return Ok(headers);
        }
        let (name, value) = line.split_once(':').ok_or_else(|| bad("header without a colon"))?;
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
}

fn read_body(request: &HttpRequest, input: &mut impl BufRead) -> io::Result<Vec<u8>> {
    if request.header_has("transfer-encoding", "chunked") {
        return read_chunks(input);
    }
    let Some(length) = request.header("content-length") else { return Ok(Vec::new()) };
    let length = length.parse().map_err(|_| bad("content-length is not a number"))?;
    let mut body = Vec::new();
    read_exactly(input, length, &mut body)?;
    Ok(body)
}

fn read_chunks(input: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = read_line(&mut input.take(1024))?.ok_or_else(|| bad("chunks end early"))?;
        let size = line.split(';').next().unwrap_or("").trim();
        let size = u64::from_str_radix(size, 16).map_err(|_| bad("chunk size is not a number"))?;
        if size == 0 {
            // Trailers are read like headers and then ignored.
            read_headers(&mut input.take(HEAD_BYTES))?;
            return Ok(body);
        }
        read_exactly(input, size, &mut body)?;
        if read_line(&mut input.take(2))?.is_none_or(|rest| !rest.is_empty()) {
            return Err(bad("chunk does not end where it said"));
        }
    }
}

fn read_exactly(input: &mut impl BufRead, count: u64, body: &mut Vec<u8>) -> io::Result<()> {
    if count > BODY_BYTES - body.len() as u64 {
        return Err(bad("body too large"));
    }
    if input.take(count).read_to_end(body)? as u64 != count {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}

/// One line without its end; `None` at the end of input.
fn read_line(input: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    if input.read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.pop() != Some(b'\n') {
        return Err(bad("line ends early or is too long"));
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    String::from_utf8(line).map(Some).map_err(|_| bad("headers are not UTF-8"))
}

fn bad(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

/// One response.
pub(super) struct Response {
    pub(super) status: u16,
    headers: Vec<(&'static str, String)>,
    body: Body,
}

enum Body {
    Empty,
    Whole(&'static str, String),
    /// An event stream that is complete already; sent in chunks, as servers do that do not know
    /// its length beforehand.
    Events(String),
}

impl Response {
    /// No body.
    pub(super) fn empty(status: u16) -> Response {
        Response { status, headers: Vec::new(), body: Body::Empty }
    }

    /// A JSON body.
    pub(super) fn json(status: u16, body: String) -> Response {
        Response { status, headers: Vec::new(), body: Body::Whole("application/json", body) }
    }

    /// A line of text.
    pub(super) fn text(status: u16, body: &str) -> Response {
        let body = Body::Whole("text/plain; charset=utf-8", format!("{body}\n"));
        Response { status, headers: Vec::new(), body }
    }

    /// An event stream, given as its text.
    pub(super) fn events(body: String) -> Response {
        Response { status: 200, headers: Vec::new(), body: Body::Events(body) }
    }

    /// The same with one more header.
    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Response {
        self.headers.push((name, value.into()));
        self
    }

    /// Sends it in one write, so that no half of it waits for an acknowledgement.
    pub(super) fn send(&self, mut to: impl Write, last: bool) -> io::Result<()> {
        let mut out = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers {
            out.push_str(&format!("{name}: {value}\r\n"));
        }
        if last {
            out.push_str("Connection: close\r\n");
        }
        match &self.body {
            Body::Empty if self.status == 204 => out.push_str("\r\n"),
            Body::Empty => out.push_str("Content-Length: 0\r\n\r\n"),
            Body::Whole(kind, body) => {
                out.push_str(&format!(
                    "Content-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                ));
            }
            Body::Events(body) => {
                out.push_str(EVENT_STREAM_HEADERS);
                out.push_str(&chunk(body));
                out.push_str("0\r\n\r\n");
            }
        }
        to.write_all(out.as_bytes())
    }
}

/// The headers of an event stream, and the empty line that ends them.
pub(super) const EVENT_STREAM_HEADERS: &str = "Content-Type: text/event-stream\r\nCache-Control: no-cache, no-transform\r\nTransfer-Encoding: chunked\r\n\r\n";

/// `data` as one chunk of a chunked body.
pub(super) fn chunk(data: &str) -> String {
    format!("{:x}\r\n{data}\r\n", data.len())
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        202 => "Accepted",
        204 => "No Content",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        415 => "Unsupported Media Type",
        503 => "Service Unavailable",
        _ => "Other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> io::Result<Option<HttpRequest>> {
        read_request(&mut text.as_bytes(), io::sink())
    }

    #[test]
    fn both_body_framings_give_the_same_body() {
        let sized = "POST /mcp?a=b HTTP/1.1\r\nContent-Length: 5\r\n\r\nhelloX";
        let chunked = "POST /mcp?a=b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\nT: 1\r\n\r\nX";
        for text in [sized, chunked] {
            let request = read(text).unwrap().unwrap();
            assert_eq!((request.path.as_str(), request.query.as_str()), ("/mcp", "a=b"));
            assert_eq!(request.body, b"hello", "{text}");
        }
    }

    #[test]
    fn broken_requests_are_errors_and_a_closed_connection_is_not() {
        assert!(read("").unwrap().is_none());
        for text in [
            "GET /\r\n\r\n",
            "GET / HTTP/1.1\r\nno colon\r\n\r\n",
            "GET / HTTP/1.1\r\nA: b\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
        ] {
            assert_eq!(read(text).err().unwrap().kind(), io::ErrorKind::InvalidData, "{text:?}");
        }
    }
}
