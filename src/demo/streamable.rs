//! Streamable HTTP: one POST per message, in both eras.
//!
//! The handshake era has sessions; the stateless era mirrors version, method and name of every
//! request in headers. Which rules apply is decided per request, as in [`super::answer`].

use serde_json::Value;

use super::answer::Conversation;
use super::http::Shared;
use super::http1::{HttpRequest, Response};
use super::message::{self, Fault, HEADER_MISMATCH, INVALID_REQUEST, Incoming, Reply, Request};
use crate::model::revision::{Era, Revision};

const SESSION: &str = "Mcp-Session-Id";
const VERSION: &str = "MCP-Protocol-Version";

/// Answers one HTTP request at the endpoint.
pub(super) fn answer(shared: &Shared, request: &HttpRequest) -> Response {
    match request.method.as_str() {
        "POST" => {
            std::thread::sleep(shared.options.delay);
            post(shared, request)
        }
        "DELETE" if shared.answerer.speaks(Era::Handshake) => end_session(shared, request),
        _ if shared.answerer.speaks(Era::Handshake) => {
            Response::text(405, "POST or DELETE").with("Allow", "POST, DELETE")
        }
        _ => Response::text(405, "POST only").with("Allow", "POST"),
    }
}

fn end_session(shared: &Shared, request: &HttpRequest) -> Response {
    match request.header(SESSION).map(|id| super::lock(&shared.sessions).close(id)) {
        Some(Some(_)) => Response::empty(200),
        Some(None) => Response::text(404, "no such session"),
        None => Response::text(400, "no session named"),
    }
}

fn post(shared: &Shared, request: &HttpRequest) -> Response {
    if !request.header_has("content-type", "application/json") {
        return Response::text(415, "a message is application/json");
    }
    let accepts = |kind| request.header_has("accept", kind) || request.header_has("accept", "*/*");
    if !accepts("application/json") || !accepts("text/event-stream") {
        return Response::text(406, "accept both application/json and text/event-stream");
    }
    let message = match message::parse(&String::from_utf8_lossy(&request.body)) {
        Ok(message) => message,
        Err(reply) => return Response::json(400, reply.body),
    };
    shared.counters.count_message(&message);
    if message.is_array() {
        return in_session(shared, request, message);
    }
    let method = message["method"].as_str().unwrap_or("").to_owned();
    if is_stateless(shared, request, &method, &message) {
        stateless(shared, request, message)
    } else if method == "initialize" {
        initialize(shared, request, message)
    } else {
        in_session(shared, request, message)
    }
}

/// A body that names a revision decides; without one, the headers of the stateless era do.
fn is_stateless(shared: &Shared, request: &HttpRequest, method: &str, message: &Value) -> bool {
    if !shared.answerer.speaks(Era::Stateless) {
        return false;
    }
    let in_body = !message["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"].is_null();
    let handshake_possible = shared.answerer.speaks(Era::Handshake);
    let stateless_header = request.header("Mcp-Method").is_some()
        || request.header(VERSION).is_some_and(|date| date == Revision::V2026_07_28.date());
    in_body
        || (method != "initialize"
            && (stateless_header || !handshake_possible)
            && request.header(SESSION).is_none_or(|_| !handshake_possible))
}

fn stateless(shared: &Shared, request: &HttpRequest, message: Value) -> Response {
    let incoming = match Incoming::read(message) {
        Ok(incoming) => incoming,
        Err(reply) => return Response::json(400, reply.body),
    };
    let Incoming::Request(asked) = incoming else {
        return Response::empty(202);
    };
    match header_fault(request, &asked) {
        Some(fault) => Response::json(400, Reply::fault(&asked.id, &fault).body),
        None => render(shared, shared.answerer.stateless_reply(&asked), None),
    }
}

/// Where headers and body disagree. A body without a version is not the headers' fault.
fn header_fault(request: &HttpRequest, asked: &Request) -> Option<Fault> {
    let mismatch =
        |name: &str| Some(Fault::new(HEADER_MISMATCH, format!("header {name} is missing or wrong")));
    let version = asked.meta_version()?;
    if request.header(VERSION) != Some(version) {
        return mismatch(VERSION);
    }
    // The headers of a revision we do not speak are not ours to judge.
    if version != Revision::V2026_07_28.date() {
        return None;
    }
    if request.header("Mcp-Method") != Some(&asked.method) {
        return mismatch("Mcp-Method");
    }
    let name = match asked.method.as_str() {
        "tools/call" | "prompts/get" => asked.param("name"),
        "resources/read" => asked.param("uri"),
        _ => None,
    };
    let mirrored = request.header("Mcp-Name");
    // An encoded name is legal and never compared: nothing here can be called anyway.
    let encoded = mirrored.is_some_and(|value| value.starts_with("=?base64?"));
    if name.is_some() && mirrored != name && !encoded { mismatch("Mcp-Name") } else { None }
}

fn initialize(shared: &Shared, request: &HttpRequest, message: Value) -> Response {
    if request.header(SESSION).is_some() {
        return refuse(400, INVALID_REQUEST, "initialized already");
    }
    let mut conversation = Conversation::default();
    let Some(reply) = shared.answerer.reply_to_value(&mut conversation, message) else {
        return refuse(400, INVALID_REQUEST, "initialize is a request");
    };
    let Some(revision) = conversation.agreed() else {
        return render(shared, reply, None);
    };
    let id = super::lock(&shared.sessions).open(conversation);
    render(shared, reply, Some(revision)).with(SESSION, id)
}

fn in_session(shared: &Shared, request: &HttpRequest, message: Value) -> Response {
    let Some(id) = request.header(SESSION) else {
        return match message["method"].as_str() {
            Some(method @ "server/discover") => {
                let reply = Reply::fault(&message["id"], &Fault::no_method(method));
                Response::json(400, reply.body)
            }
            _ => refuse(400, INVALID_REQUEST, "Mcp-Session-Id is missing"),
        };
    };
    let mut sessions = super::lock(&shared.sessions);
    let Some(conversation) = sessions.find(id) else {
        return refuse(404, INVALID_REQUEST, "session not found");
    };
    let agreed = conversation.agreed();
    // Absent is tolerated, as the specification asks of servers; wrong is not.
    if let Some(date) = request.header(VERSION)
        && agreed.is_some_and(|revision| revision.date() != date)
    {
        return refuse(400, INVALID_REQUEST, "MCP-Protocol-Version is not the revision agreed on");
    }
    match shared.answerer.reply_to_value(conversation, message) {
        Some(reply) => {
            drop(sessions);
            render(shared, reply, agreed)
        }
        None => Response::empty(202),
    }
}

fn refuse(status: u16, code: i64, why: &str) -> Response {
    Response::json(status, Reply::fault(&Value::Null, &Fault::new(code, why)).body)
}

fn render(shared: &Shared, reply: Reply, revision: Option<Revision>) -> Response {
    if !shared.options.stream || reply.status != 200 {
        return Response::json(reply.status, reply.body);
    }
    // 2025-11-25 begins a stream with an event that has an id and no data.
    let priming = if revision == Some(Revision::V2025_11_25) { "id: 0\ndata: \n\n" } else { "" };
    Response::events(format!("{priming}event: message\ndata: {}\n\n", reply.body))
}
