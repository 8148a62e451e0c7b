//! HTTP+SSE (2024-11-05): a GET holds the event stream, POSTs carry the messages, and every
//! answer travels on the stream.
//!
//! The thread of the GET does nothing but wait for its client to leave. The threads of the POSTs
//! write to the stream themselves, one event at a time.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::thread;

use super::answer::Conversation;
use super::http::Shared;
use super::http1::{self, HttpRequest, Response};
use super::message;

/// An open event stream and what was agreed on it.
pub(super) struct Stream {
    socket: Arc<TcpStream>,
    /// Held while an event is written, so that events do not mix.
    conversation: Mutex<Conversation>,
}

/// Turns a connection into an event stream and returns when its client has gone.
pub(super) fn listen(shared: &Shared, socket: &Arc<TcpStream>, mut rest: impl Read) -> io::Result<()> {
    let stream = Stream { socket: Arc::clone(socket), conversation: Mutex::default() };
    let id = super::lock(&shared.streams).open(Arc::new(stream));
    let outcome = hold(socket, &id, &mut rest);
    super::lock(&shared.streams).close(&id);
    outcome
}

fn hold(mut socket: &TcpStream, id: &str, rest: &mut impl Read) -> io::Result<()> {
    // A client may be silent here for as long as it likes: it speaks on other connections.
    socket.set_read_timeout(None)?;
    let endpoint = http1::chunk(&format!("event: endpoint\ndata: /message?session={id}\n\n"));
    let head = format!("HTTP/1.1 200 OK\r\n{}{endpoint}", http1::EVENT_STREAM_HEADERS);
    socket.write_all(head.as_bytes())?;
    let mut ignored = [0; 256];
    while rest.read(&mut ignored)? > 0 {}
    Ok(())
}

/// Takes a message for the stream that its query names.
pub(super) fn post(shared: &Arc<Shared>, request: &HttpRequest) -> Response {
    if request.method != "POST" {
        return Response::text(405, "POST only").with("Allow", "POST");
    }
    let Some(id) = request.query.split('&').find_map(|pair| pair.strip_prefix("session=")) else {
        return Response::text(400, "the query names no session");
    };
    let Some(stream) = super::lock(&shared.streams).find(id).map(|stream| Arc::clone(stream)) else {
        return Response::text(404, "no such session");
    };
    let Ok(message) = message::parse(&String::from_utf8_lossy(&request.body)) else {
        return Response::text(400, "not JSON");
    };
    shared.counters.count_message(&message);
    let mut conversation = super::lock(&stream.conversation);
    let Some(reply) = shared.answerer.reply_to_value(&mut conversation, message) else {
        return Response::text(202, "Accepted");
    };
    let event = http1::chunk(&format!("event: message\ndata: {}\n\n", reply.body));
    let delay = shared.options.delay;
    let outcome = if delay.is_zero() {
        (&*stream.socket).write_all(event.as_bytes())
    } else {
        drop(conversation);
        // The POST is accepted at once; only the answer takes its time, and answers to messages
        // posted one after the other overlap.
        thread::Builder::new()
            .name("demo-late-answer".into())
            .spawn(move || {
                thread::sleep(delay);
                let _one_at_a_time = super::lock(&stream.conversation);
                if let Err(error) = (&*stream.socket).write_all(event.as_bytes()) {
                    log::debug!("demo server: {error}");
                }
            })
            .map(drop)
    };
    match outcome {
        Ok(()) => Response::text(202, "Accepted"),
        Err(_) => Response::text(404, "the event stream is gone"),
    }
}
