//! JSON-RPC 2.0 messages as they come in, read tolerantly and without copying.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::json;

/// One message of a server.
#[derive(Debug)]
pub enum Incoming<'a> {
    /// It asks us something; `id` is to be sent back as it is.
    Request {
        /// JSON text of the id.
        id: &'a str,
        /// What it asks.
        method: Cow<'a, str>,
    },
    /// It tells us something.
    Notification {
        /// What it tells.
        method: Cow<'a, str>,
    },
    /// It answers something.
    Response {
        /// JSON text of the id; `None` for an error that carries none (or `null`).
        id: Option<&'a str>,
        /// The answer.
        body: Body<'a>,
    },
}

/// The answer in a response.
#[derive(Debug)]
pub enum Body<'a> {
    /// The JSON text of the result.
    Result(&'a str),
    /// The error.
    Error(RpcError<'a>),
    /// Neither or both, or an error of no known shape: what is wrong with it.
    Faulty(&'static str),
}

/// An error object.
#[derive(Debug, Clone)]
pub struct RpcError<'a> {
    /// What went wrong, as a number.
    pub code: i64,
    /// The same in words.
    pub message: Cow<'a, str>,
    /// JSON text of whatever else the server had to say.
    pub data: Option<&'a str>,
}

/// Codes that mean something to us.
pub mod code {
    /// The method does not exist.
    pub const METHOD_NOT_FOUND: i64 = -32601;
    /// The parameters are wrong.
    pub const INVALID_PARAMS: i64 = -32602;
    /// 2026-07-28: the version is not spoken.
    pub const UNSUPPORTED_VERSION: i64 = -32022;
}

/// Why a text is no JSON-RPC message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// Not JSON.
    NotJson,
    /// Nested beyond the limit.
    TooDeep,
    /// JSON, but nothing that JSON-RPC knows.
    NotRpc,
}

/// Deviations met while reading.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Oddities {
    /// `"jsonrpc"` was absent or not `"2.0"`.
    pub version: u32,
    /// A key of the message stood there twice.
    pub repeated: u32,
    /// An array of messages.
    pub batch: u32,
}

/// Reads one message, or an array of them (revision 2025-03-26 allows batches; accepted always), and hands
/// each to `each`.
pub fn decode<'a>(
    text: &'a str,
    max_depth: usize,
    mut each: impl FnMut(Incoming<'a>),
) -> Result<Oddities, Malformed> {
    if !json::depth_within(text.as_bytes(), max_depth) {
        return Err(Malformed::TooDeep);
    }
    let mut odd = Oddities::default();
    if text.trim_start().starts_with('[') {
        let mut known = 0;
        json::for_each(text, |raw| {
            if let Ok(message) = one(raw.get(), &mut odd) {
                known += 1;
                each(message);
            }
        })
        .ok_or(Malformed::NotJson)?;
        odd.batch = 1;
        return if known > 0 { Ok(odd) } else { Err(Malformed::NotRpc) };
    }
    each(one(text, &mut odd)?);
    Ok(odd)
}

fn one<'a>(text: &'a str, odd: &mut Oddities) -> Result<Incoming<'a>, Malformed> {
    let Some(picked) = json::pick(text, ["jsonrpc", "id", "method", "result", "error"]) else {
        let is_json = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
        return Err(if is_json { Malformed::NotRpc } else { Malformed::NotJson });
    };
    let [version, id, method, result, error] = picked.members;
    let id = id.map(RawValue::get);
    let message = match (id, method.and_then(json::string), result, error) {
        (Some(id), Some(method), _, _) => Incoming::Request { id, method },
        (None, Some(method), None, None) => Incoming::Notification { method },
        (id, None, Some(result), None) if id.is_some() => {
            Incoming::Response { id, body: Body::Result(result.get()) }
        }
        (id, None, None, Some(error)) => Incoming::Response { id, body: error_body(error) },
        (Some(id), None, Some(_), Some(_)) => {
            Incoming::Response { id: Some(id), body: Body::Faulty("both a result and an error") }
        }
        (Some(id), None, None, None) => {
            Incoming::Response { id: Some(id), body: Body::Faulty("neither a result nor an error") }
        }
        _ => return Err(Malformed::NotRpc),
    };
    odd.version += u32::from(version.map(RawValue::get) != Some("\"2.0\""));
    odd.repeated += picked.repeated;
    Ok(message)
}

fn error_body(error: &RawValue) -> Body<'_> {
    let Some(picked) = json::pick(error.get(), ["code", "message", "data"]) else {
        // OAuth-style bodies have a string here.
        return Body::Faulty("an error that is not an object");
    };
    let [code, message, data] = picked.members;
    let Some(code) = code.and_then(|c| serde_json::from_str::<f64>(c.get()).ok()) else {
        return Body::Faulty("an error without a numeric code");
    };
    Body::Error(RpcError {
        code: code as i64,
        message: message.and_then(json::string).unwrap_or_default(),
        data: data.map(RawValue::get),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        let mut all = Vec::new();
        match decode(text, 128, |m| all.push(format!("{m:?}"))) {
            Ok(_) => all.join(" + "),
            Err(e) => format!("{e:?}"),
        }
    }

    #[test]
    fn shape_decides_the_kind() {
        let rows = [
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, r#"Request { id: "1", method: "ping" }"#),
            (r#"{"jsonrpc":"2.0","method":"x","params":{}}"#, r#"Notification { method: "x" }"#),
            (r#"{"id":"1","result":{}}"#, r#"Response { id: Some("\"1\""), body: Result("{}") }"#),
            (r#"{"id":1,"result":1,"error":{}}"#, "Faulty(\"both"),
            (r#"{"id":1}"#, "Faulty(\"neither"),
            (r#"{"id":1,"error":"invalid_token"}"#, "Faulty(\"an error that is not an object"),
            (r#"{"id":null,"error":{"code":-32700,"message":"m"}}"#, "Response { id: None, body: Error"),
            (r#"{"error":{"code":-1e3,"message":5}}"#, "code: -1000, message: \"\""),
            (r#"[{"id":1,"result":{}},{"id":2,"result":{}}]"#, "} + Response"),
            (r#"{"level":"info"}"#, "NotRpc"),
            ("[info] starting", "NotJson"),
            ("[]", "NotRpc"),
            ("Listening on 3000", "NotJson"),
            (r#"{"id":1,"result":{"#, "NotJson"),
        ];
        for (text, want) in rows {
            let got = read(text);
            assert!(got.contains(want), "{text}: {got}");
        }
    }

    #[test]
    fn depth_is_checked_before_anything_is_parsed() {
        let deep = format!("{{\"id\":1,\"result\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(read(&deep), "TooDeep");
        let fine = format!("{{\"id\":1,\"result\":{}1{}}}", "[".repeat(110), "]".repeat(110));
        assert!(read(&fine).starts_with("Response"));
    }
}
