//! Which era a server belongs to, read from its reply to an opening. Transport-independent.

use serde_json::value::RawValue;

use super::json;
use super::json_rpc::{Body, RpcError, code};
use crate::model::revision::{Era, Revision};

/// The key of a result's `_meta` under which a stateless server names itself.
const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";

/// What a reply to `server/discover` says.
#[derive(Debug)]
pub enum Verdict<'a> {
    /// A stateless server, and the revision to use.
    Stateless(Revision, Discovery<'a>),
    /// It wants this revision named: ask once more.
    AskAgain(Revision),
    /// A server of the handshake era, or one that says nothing of use; why.
    Handshake(String),
    /// Stateless, and speaks no revision of ours: what it listed.
    Incompatible(String),
}

/// What a discover result holds.
#[derive(Debug, Default)]
pub struct Discovery<'a> {
    /// `capabilities`
    pub capabilities: Option<&'a RawValue>,
    /// `instructions`
    pub instructions: Option<&'a RawValue>,
    /// From `_meta`, or from the top level, where several early servers put it.
    pub server: Option<&'a RawValue>,
}

/// Reads a reply to `server/discover`.
pub fn verdict(body: Body<'_>) -> Verdict<'_> {
    match body {
        Body::Result(result) => from_result(result),
        Body::Error(error) => from_error(&error),
        Body::Faulty(what) => Verdict::Handshake(format!("answered with {what}")),
    }
}

fn from_result(result: &str) -> Verdict<'_> {
    let keys = ["supportedVersions", "capabilities", "instructions", "_meta", "serverInfo"];
    let Some(picked) = json::pick(result, keys) else {
        return Verdict::Handshake("the discover result is not an object".into());
    };
    let [versions, capabilities, instructions, meta, top_level] = picked.members;
    // Some handshake servers answer `{}` to anything: only a list of versions makes this a DiscoverResult.
    let Some(versions) = versions.and_then(|v| serde_json::from_str::<Vec<String>>(v.get()).ok()) else {
        return Verdict::Handshake("the discover result names no versions".into());
    };
    match newest(&versions, Era::Stateless) {
        Some(revision) => {
            let server = meta.and_then(server_info).or(top_level);
            Verdict::Stateless(revision, Discovery { capabilities, instructions, server })
        }
        None if newest(&versions, Era::Handshake).is_some() => {
            Verdict::Handshake("discover lists handshake revisions only".into())
        }
        None => Verdict::Incompatible(listed(&versions)),
    }
}

fn from_error<'a>(error: &RpcError<'_>) -> Verdict<'a> {
    if error.code != code::UNSUPPORTED_VERSION {
        return Verdict::Handshake(format!("error {} to server/discover", error.code));
    }
    match supported(error) {
        Some(versions) => match newest(&versions, Era::Stateless) {
            Some(revision) => Verdict::AskAgain(revision),
            None if versions.is_empty() || newest(&versions, Era::Handshake).is_some() => {
                Verdict::Handshake("supports handshake revisions only".into())
            }
            None => Verdict::Incompatible(listed(&versions)),
        },
        None => Verdict::Handshake("an unsupported-version error that lists no versions".into()),
    }
}

/// `data.supported` of a version error.
pub fn supported(error: &RpcError<'_>) -> Option<Vec<String>> {
    let [supported] = json::pick(error.data?, ["supported"])?.members;
    serde_json::from_str(supported?.get()).ok()
}

/// The newest of `versions` that we speak in `era`.
pub fn newest(versions: &[String], era: Era) -> Option<Revision> {
    versions.iter().filter_map(|v| v.parse::<Revision>().ok()).filter(|r| r.era() == era).max()
}

/// `serverInfo` in a result's `_meta`.
pub fn server_info(meta: &RawValue) -> Option<&RawValue> {
    let [info] = json::pick(meta.get(), [SERVER_INFO])?.members;
    info
}

fn listed(versions: &[String]) -> String {
    crate::base::text::quote(&versions.join(", "), 200)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn say(body: Body<'_>) -> String {
        match verdict(body) {
            Verdict::Stateless(r, d) => format!("stateless {r} {:?}", d.server.map(RawValue::get)),
            Verdict::AskAgain(r) => format!("again {r}"),
            Verdict::Handshake(_) => "handshake".into(),
            Verdict::Incompatible(v) => format!("incompatible {v}"),
        }
    }

    fn error(code: i64, data: &'static str) -> Body<'static> {
        Body::Error(RpcError { code, message: "m".into(), data: (!data.is_empty()).then_some(data) })
    }

    #[test]
    fn every_row_of_the_table() {
        let rows = [
            (
                Body::Result(r#"{"supportedVersions":["2026-07-28","2025-11-25"]}"#),
                "stateless 2026-07-28 None",
            ),
            (
                Body::Result(
                    r#"{"supportedVersions":["2026-07-28"],"serverInfo":1,"_meta":{"io.modelcontextprotocol/serverInfo":2}}"#,
                ),
                "stateless 2026-07-28 Some(\"2\")",
            ),
            (
                Body::Result(r#"{"supportedVersions":["2026-07-28"],"serverInfo":1}"#),
                "stateless 2026-07-28 Some(\"1\")",
            ),
            (Body::Result("{}"), "handshake"),
            (Body::Result("[]"), "handshake"),
            (Body::Result(r#"{"supportedVersions":"2026-07-28"}"#), "handshake"),
            (Body::Result(r#"{"supportedVersions":["2025-11-25"]}"#), "handshake"),
            (Body::Result(r#"{"supportedVersions":["2099-01-01"]}"#), "incompatible 2099-01-01"),
            (error(-32022, r#"{"supported":["2026-07-28"]}"#), "again 2026-07-28"),
            (error(-32022, r#"{"supported":["2030-01-01"]}"#), "incompatible 2030-01-01"),
            (error(-32022, r#"{"supported":["2025-06-18"]}"#), "handshake"),
            (error(-32022, ""), "handshake"),
            (error(-32601, ""), "handshake"),
            (error(-32602, ""), "handshake"),
            (error(-32000, ""), "handshake"),
        ];
        for (body, want) in rows {
            let shown = format!("{body:?}");
            assert_eq!(say(body), want, "{shown}");
        }
    }
}
