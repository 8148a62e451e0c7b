//! JSON-RPC as the demo servers need it: reading one message, writing one answer.
//!
//! Invariant: no I/O in this module.

use serde_json::{Map, Value, json};

/// A message from the client.
pub(super) enum Incoming {
    Request(Request),
    /// It needs no answer and changes nothing here.
    Notification,
    /// An answer; the demo servers ask nothing, so it is dropped.
    Response,
}

/// A request from the client.
pub(super) struct Request {
    /// A string or a number, echoed as it came.
    pub(super) id: Value,
    pub(super) method: String,
    pub(super) params: Map<String, Value>,
}

impl Incoming {
    /// Tells the kinds apart by shape.
    pub(super) fn read(message: Value) -> Result<Incoming, Reply> {
        let invalid = |id: &Value, why: &str| Err(Reply::fault(id, &Fault::new(INVALID_REQUEST, why)));
        let Value::Object(mut message) = message else {
            return invalid(&Value::Null, "a message is an object");
        };
        let id = message.remove("id");
        let Some(Value::String(method)) = message.remove("method") else {
            return match id {
                Some(_) if message.contains_key("result") || message.contains_key("error") => {
                    Ok(Incoming::Response)
                }
                _ => invalid(&Value::Null, "neither a request nor a notification nor a response"),
            };
        };
        let id = match id {
            None => return Ok(Incoming::Notification),
            Some(id @ (Value::String(_) | Value::Number(_))) => id,
            Some(_) => return invalid(&Value::Null, "an id is a string or a number"),
        };
        match message.remove("params") {
            None => Ok(Incoming::Request(Request { id, method, params: Map::new() })),
            Some(Value::Object(params)) => Ok(Incoming::Request(Request { id, method, params })),
            Some(_) => invalid(&id, "params is an object"),
        }
    }
}

const META_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const META_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

impl Request {
    /// A parameter that is a string.
    pub(super) fn param(&self, key: &str) -> Option<&str> {
        self.params.get(key)?.as_str()
    }

    /// The revision this one request is written in; only the stateless era has it.
    pub(super) fn meta_version(&self) -> Option<&str> {
        self.params.get("_meta")?.get(META_VERSION)?.as_str()
    }

    /// Whether it says what the client can do, as the stateless era requires.
    pub(super) fn has_meta_capabilities(&self) -> bool {
        self.params.get("_meta").and_then(|meta| meta.get(META_CAPABILITIES)).is_some_and(Value::is_object)
    }
}

/// The text was not JSON.
pub(super) const PARSE_ERROR: i64 = -32700;
/// JSON, but not a JSON-RPC request, or not one for this moment.
pub(super) const INVALID_REQUEST: i64 = -32600;
/// No such method.
pub(super) const METHOD_NOT_FOUND: i64 = -32601;
/// Parameters missing or wrong.
pub(super) const INVALID_PARAMS: i64 = -32602;
/// The server's own fault.
pub(super) const INTERNAL_ERROR: i64 = -32603;
/// Headers and body disagree (2026-07-28).
pub(super) const HEADER_MISMATCH: i64 = -32020;
/// A revision that is not spoken here (2026-07-28).
pub(super) const UNSUPPORTED_VERSION: i64 = -32022;

/// Why a request failed.
pub(super) struct Fault {
    code: i64,
    message: String,
    data: Option<Value>,
    status: u16,
}

impl Fault {
    /// A fault that HTTP carries in an ordinary 200.
    pub(super) fn new(code: i64, message: impl Into<String>) -> Fault {
        Fault { code, message: message.into(), data: None, status: 200 }
    }

    /// A fault of the stateless era, which HTTP shows in its status line too.
    pub(super) fn with_status(self, status: u16) -> Fault {
        Fault { status, ..self }
    }

    /// The same with structured details.
    pub(super) fn with_data(self, data: Value) -> Fault {
        Fault { data: Some(data), ..self }
    }

    /// Whether it says that there is no such method.
    pub(super) fn is_no_method(&self) -> bool {
        self.code == METHOD_NOT_FOUND
    }

    /// There is no such method.
    pub(super) fn no_method(method: &str) -> Fault {
        Fault::new(METHOD_NOT_FOUND, format!("method not found: {method}"))
    }
}

/// An answer, ready to send.
#[derive(Debug)]
pub(super) struct Reply {
    /// One JSON-RPC response, or in 2025-03-26 an array of them.
    pub(super) body: String,
    /// What HTTP says about it.
    pub(super) status: u16,
}

impl Reply {
    /// Success; `result` is JSON text.
    pub(super) fn result(id: &Value, result: &str) -> Reply {
        Reply { body: format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#), status: 200 }
    }

    /// Failure. An id that could not be read is `null`.
    pub(super) fn fault(id: &Value, fault: &Fault) -> Reply {
        let mut error = json!({"code": fault.code, "message": fault.message});
        if let Some(data) = &fault.data {
            error["data"] = data.clone();
        }
        Reply { body: format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#), status: fault.status }
    }
}

/// The text as JSON, or the answer that says that it is not.
pub(super) fn parse(text: &str) -> Result<Value, Reply> {
    serde_json::from_str(text).map_err(|e| {
        let fault = Fault::new(PARSE_ERROR, format!("parse error: {e}")).with_status(400);
        Reply::fault(&Value::Null, &fault)
    })
}
