//! Messages to a server, with what the HTTP binding must mirror of them.

use serde_json::{Value, json};

use crate::base::encoding::base64;
use crate::model::revision::{Era, Revision};

/// Whom we say we are. Other names than our own only where the user asked whether a server cares.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Client {
    /// What we are.
    #[default]
    Hawkeye,
    /// What Claude's applications say.
    Claude,
    /// What Cursor says.
    Cursor,
    /// What Visual Studio Code says.
    VsCode,
}

impl Client {
    /// Well-known ones that are not us.
    pub const OTHERS: [Client; 3] = [Client::Claude, Client::Cursor, Client::VsCode];

    /// The name, as a server hears it.
    pub const fn name(self) -> &'static str {
        match self {
            Client::Hawkeye => "hawkeye",
            Client::Claude => "claude-ai",
            Client::Cursor => "cursor-vscode",
            Client::VsCode => "Visual Studio Code",
        }
    }

    /// The JSON of `clientInfo`.
    const fn info(self) -> &'static str {
        match self {
            Client::Hawkeye => {
                concat!(r#"{"name":"hawkeye","version":""#, env!("CARGO_PKG_VERSION"), "\"}")
            }
            Client::Claude => r#"{"name":"claude-ai","version":"0.1.0"}"#,
            Client::Cursor => r#"{"name":"cursor-vscode","version":"1.0.0"}"#,
            Client::VsCode => r#"{"name":"Visual Studio Code","version":"1.130.0"}"#,
        }
    }
}

/// A message ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// One line of JSON.
    pub body: String,
    /// Whether an answer is awaited.
    pub is_request: bool,
    /// Headers of the HTTP binding; of no meaning on stdio.
    pub mirror: Mirror,
}

/// What HTTP headers repeat of a message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mirror {
    /// `MCP-Protocol-Version`; absent on `initialize` and before a revision is agreed.
    pub version: Option<Revision>,
    /// `Mcp-Method`, from 2026-07-28.
    pub method: Option<String>,
    /// `Mcp-Name`, from 2026-07-28, for what is addressed by name or URI.
    pub name: Option<String>,
    /// `Mcp-Param-*` headers (2026-07-28, `x-mcp-header`), ready for the wire.
    pub params: Vec<(String, String)>,
    /// This message opens a session: whatever session there was is over.
    pub opens_session: bool,
}

/// How a request is dressed in each era.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dress {
    /// Nothing is agreed yet.
    Opening,
    /// In this revision, by this client.
    Agreed(Revision, Client),
}

/// A request. `params` is the JSON text of an object; written as text, because a thousand servers are asked
/// the same few things.
pub fn request(id: u32, method: &str, params: &str, dress: Dress) -> Outgoing {
    let version = match dress {
        Dress::Agreed(revision, client) if revision.era() == Era::Stateless => {
            return stateless_request(id, method, params, revision, client);
        }
        Dress::Agreed(revision, _) => Some(revision),
        Dress::Opening => None,
    };
    let head = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}""#);
    let body = if params == "{}" { head + "}" } else { format!(r#"{head},"params":{params}}}"#) };
    let mirror = Mirror { version, opens_session: method == "initialize", ..Mirror::default() };
    Outgoing { body, is_request: true, mirror }
}

/// A request of 2026-07-28: it carries version, capabilities and our name itself (brief 4.1).
fn stateless_request(id: u32, method: &str, params: &str, revision: Revision, client: Client) -> Outgoing {
    let info = client.info();
    let meta = format!(
        r#""_meta":{{"io.modelcontextprotocol/protocolVersion":"{revision}","io.modelcontextprotocol/clientCapabilities":{{}},"io.modelcontextprotocol/clientInfo":{info}}}"#
    );
    let more = params.strip_prefix('{').filter(|rest| *rest != "}");
    let (comma, more) = more.map_or(("", "}"), |rest| (",", rest));
    let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{{{meta}{comma}{more}}}"#);
    let mirror = Mirror { version: Some(revision), method: Some(method.to_owned()), ..Mirror::default() };
    Outgoing { body, is_request: true, mirror }
}

/// What a list request carries.
pub fn cursor_params(cursor: Option<&str>) -> String {
    cursor.map_or_else(|| "{}".into(), |c| json!({ "cursor": c }).to_string())
}

/// `server/discover`, the opening of 2026-07-28.
pub fn discover(id: u32, revision: Revision, client: Client) -> Outgoing {
    stateless_request(id, "server/discover", "{}", revision, client)
}

/// `initialize`, the opening of all earlier revisions.
pub fn initialize(id: u32, offer: Revision, client: Client) -> Outgoing {
    let info = client.info();
    let params = format!(r#"{{"protocolVersion":"{offer}","capabilities":{{}},"clientInfo":{info}}}"#);
    request(id, "initialize", &params, Dress::Opening)
}

/// `notifications/initialized`, the end of the handshake.
pub fn initialized(revision: Revision) -> Outgoing {
    Outgoing {
        body: r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#.to_owned(),
        is_request: false,
        mirror: Mirror { version: Some(revision), ..Mirror::default() },
    }
}

/// Anything else that is asked, with what the HTTP binding mirrors of it: name or URI, and `header_params`.
pub fn call(
    id: u32,
    method: &str,
    params: &Value,
    header_params: &[(String, String)],
    dress: Dress,
) -> Outgoing {
    let mut message = request(id, method, &params.to_string(), dress);
    let named = matches!(method, "tools/call" | "prompts/get" | "resources/read");
    if named && message.mirror.method.is_some() {
        message.mirror.name = ["name", "uri"].iter().find_map(|k| params.get(k)?.as_str()).map(header_value);
    }
    message.mirror.params =
        header_params.iter().map(|(n, v)| (format!("Mcp-Param-{n}"), v.clone())).collect();
    message
}

/// The answer to a `ping` of the server. `id` is JSON text of the server's own making.
pub fn pong(id: &str, dress: Dress) -> Outgoing {
    answer(id, "\"result\":{}", dress)
}

/// The answer to anything else a server asks: we declared no capability for it.
pub fn refusal(id: &str, dress: Dress) -> Outgoing {
    answer(id, r#""error":{"code":-32601,"message":"method not found"}"#, dress)
}

fn answer(id: &str, rest: &str, dress: Dress) -> Outgoing {
    let version = match dress {
        Dress::Agreed(revision, _) => Some(revision),
        Dress::Opening => None,
    };
    Outgoing {
        body: format!(r#"{{"jsonrpc":"2.0","id":{id},{rest}}}"#),
        is_request: false,
        mirror: Mirror { version, ..Mirror::default() },
    }
}

/// `value` as an `Mcp-*` header carries it: as it is where it is empty or plain visible ASCII, else in the
/// base64 form of 2026-07-28.
pub fn header_value(value: &str) -> String {
    let plain = value.bytes().all(|b| (0x20..0x7f).contains(&b))
        && value.trim_ascii() == value
        && !(value.starts_with("=?base64?") && value.ends_with("?="));
    if plain { value.to_owned() } else { format!("=?base64?{}?=", base64(value.as_bytes())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_openings_are_those_of_the_specification() {
        let init = initialize(7, Revision::NEWEST_HANDSHAKE, Client::Hawkeye);
        let body: Value = serde_json::from_str(&init.body).unwrap();
        assert_eq!(body["params"]["protocolVersion"], "2025-11-25");
        assert_eq!(body["params"]["clientInfo"]["name"], "hawkeye");
        assert!(init.mirror.opens_session && init.mirror.version.is_none());

        let discover = discover(8, Revision::NEWEST, Client::Cursor);
        let body: Value = serde_json::from_str(&discover.body).unwrap();
        assert_eq!(body["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
        assert_eq!(body["params"]["_meta"]["io.modelcontextprotocol/clientInfo"]["name"], "cursor-vscode");
        for client in [Client::Hawkeye, Client::Claude, Client::Cursor, Client::VsCode] {
            let info: Value = serde_json::from_str(client.info()).unwrap();
            assert_eq!(info["name"], client.name());
        }
        assert_eq!(discover.mirror.method.as_deref(), Some("server/discover"));
    }

    #[test]
    fn header_values_that_are_not_plain_go_as_base64() {
        assert_eq!(header_value("read_file"), "read_file");
        assert_eq!(header_value("a b"), "a b");
        assert_eq!(header_value(" a"), "=?base64?IGE=?=");
        assert_eq!(header_value("ü"), "=?base64?w7w=?=");
        assert_eq!(header_value("=?base64?IGE=?="), "=?base64?PT9iYXNlNjQ/SUdFPT89?=");
        assert_eq!(header_value(""), "");
    }
}
