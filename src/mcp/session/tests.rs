//! Conversations by script: what a server of some quirk says, and what the session makes of it.

use serde_json::{Value, json};

use super::*;
use crate::mcp::outgoing::Client;
use crate::model::inventory::CoverageState;
use crate::model::outcome::Phase;

/// A session and everything it has sent.
pub(super) struct Stage {
    pub session: Session,
    pub sent: Vec<Value>,
    /// Times at which something was sent that waits for an answer.
    pub flights: usize,
}

pub(super) fn plan(binding: Binding, opening: Opening) -> Plan {
    let limits = Limits { json_depth: 32, pages: 20, ..Limits::default() };
    Plan { binding, opening, client: Client::Hawkeye, limits, redaction: Redaction::default(), seed: 7 }
}

impl Stage {
    pub(super) fn new(binding: Binding) -> Stage {
        Stage::with(plan(binding, Opening::Detect))
    }

    pub(super) fn with(plan: Plan) -> Stage {
        let mut stage = Stage { session: Session::new(plan), sent: Vec::new(), flights: 0 };
        stage.flush();
        stage
    }

    /// Sends until the session waits; true once it is done.
    pub(super) fn flush(&mut self) -> bool {
        let mut requests = 0;
        loop {
            match self.session.next(Duration::ZERO) {
                Step::Send(message) => {
                    requests += usize::from(message.is_request);
                    // As on HTTP: what needs no answer is an exchange of its own.
                    if !message.is_request && self.session.plan.binding == Binding::Exchange {
                        self.flights += 1;
                    }
                    self.sent.push(serde_json::from_str(&message.body).unwrap());
                }
                step => {
                    self.flights += usize::from(requests > 0);
                    return matches!(step, Step::Done);
                }
            }
        }
    }

    /// The server says `text`.
    pub(super) fn say(&mut self, text: &str) -> Result<bool, Stop> {
        self.session.handle(Inbound::Text(text.as_bytes()), Duration::ZERO)?;
        Ok(self.flush())
    }

    pub(super) fn refuse(&mut self, status: u16, body: &str) -> Result<bool, Stop> {
        let refusal = Refusal { status, body: body.into(), authenticate: Vec::new(), had_session: true };
        self.session.handle(Inbound::Refused(refusal), Duration::ZERO)?;
        Ok(self.flush())
    }

    /// The id of the last request for `method`.
    pub(super) fn id(&self, method: &str) -> Value {
        self.sent.iter().rfind(|m| m["method"] == method).unwrap_or_else(|| panic!("no {method}"))["id"]
            .clone()
    }

    pub(super) fn count(&self, method: &str) -> usize {
        self.sent.iter().filter(|m| m["method"] == method).count()
    }

    fn result(&mut self, method: &str, result: Value) -> Result<bool, Stop> {
        let id = self.id(method);
        self.say(&json!({"jsonrpc": "2.0", "id": id, "result": result}).to_string())
    }

    fn error(&mut self, method: &str, code: i64, data: Value) -> Result<bool, Stop> {
        let id = self.id(method);
        let error = json!({"code": code, "message": "no", "data": data});
        self.say(&json!({"jsonrpc": "2.0", "id": id, "error": error}).to_string())
    }

    fn initialized(&mut self) -> Result<bool, Stop> {
        self.result("initialize", json!({"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}}))
    }

    fn note(&self, code: &str) -> u32 {
        self.session.notes.get(code).map_or(0, |n| n.count)
    }

    fn agreed(&self) -> Option<&'static str> {
        self.session.agreed.map(Revision::date)
    }

    fn tools(self) -> (CoverageState, Vec<String>) {
        let inventory = self.session.finish(None).inventory;
        let names = inventory.tools.iter().filter_map(|tool| tool.string("name")).collect();
        (inventory.coverage_of(List::Tools).unwrap().state, names)
    }
}

/// The server answers the last request for `method`; whether all is done then.
pub(super) fn answered(stage: &mut Stage, method: &str, result: Value) -> bool {
    stage.result(method, result).unwrap()
}

/// The server does not know `method`.
pub(super) fn refused(stage: &mut Stage, method: &str) {
    stage.error(method, -32601, json!(null)).unwrap();
}

fn discovery() -> Value {
    json!({"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}})
}

fn tools(names: &[&str]) -> Value {
    json!({"tools": names.iter().map(|n| json!({"name": n})).collect::<Vec<_>>()})
}

fn kind(stop: Result<bool, Stop>) -> (FailureKind, Phase) {
    match stop.unwrap_err() {
        Stop::Failed(f) | Stop::NotStreamable(f) => (f.kind, f.phase),
    }
}

#[test]
fn a_server_of_both_eras_is_taken_by_whichever_opening_is_answered_first() {
    let mut s = Stage::new(Binding::Lines);
    assert_eq!(s.result("server/discover", discovery()), Ok(false));
    assert_eq!(s.agreed(), Some("2026-07-28"));
    // The other opening's answer no longer matters, and is nothing odd.
    assert_eq!(s.initialized(), Ok(false));
    assert_eq!((s.agreed(), s.note("unknown_id")), (Some("2026-07-28"), 0));
    assert_eq!(s.result("tools/list", tools(&["a"])), Ok(true));
    assert_eq!(s.tools(), (CoverageState::Complete, vec!["a".into()]));

    let mut s = Stage::new(Binding::Lines);
    s.initialized().unwrap();
    assert_eq!(s.agreed(), Some("2025-06-18"));
    // A slow starter's discover answer comes when the lists are under way.
    s.result("server/discover", discovery()).unwrap();
    assert_eq!((s.agreed(), s.note("unknown_id")), (Some("2025-06-18"), 0));
    assert_eq!(s.count("notifications/initialized"), 1);
    assert_eq!(s.result("tools/list", tools(&["a"])), Ok(true));
}

#[test]
fn a_discovery_that_says_nothing_leaves_it_to_initialize() {
    for binding in [Binding::Lines, Binding::Exchange] {
        let mut s = Stage::new(binding);
        s.result("server/discover", json!({})).unwrap();
        assert_eq!((s.agreed(), s.count("initialize")), (None, 1), "{binding:?}");
        s.initialized().unwrap();
        assert_eq!(s.agreed(), Some("2025-06-18"));
    }
}

#[test]
fn a_version_error_to_discover_is_answered_once_with_a_listed_version() {
    let listed = json!({"supported": ["2026-07-28"]});
    let mut s = Stage::new(Binding::Exchange);
    s.error("server/discover", -32022, listed.clone()).unwrap();
    assert_eq!((s.count("server/discover"), s.count("initialize")), (2, 0));
    s.error("server/discover", -32022, listed.clone()).unwrap();
    assert_eq!((s.count("server/discover"), s.count("initialize")), (2, 1));

    let mut s = Stage::new(Binding::Exchange);
    s.refuse(400, &json!({"id": 1, "error": {"code": -32022, "message": "m", "data": listed}}).to_string())
        .unwrap();
    s.result("server/discover", discovery()).unwrap();
    assert_eq!(s.agreed(), Some("2026-07-28"));
}

#[test]
fn a_server_of_unknown_revisions_only_is_incompatible() {
    let mut s = Stage::new(Binding::Exchange);
    let stop = s.error("server/discover", -32022, json!({"supported": ["2099-01-01"]}));
    assert_eq!(kind(stop), (FailureKind::VersionUnsupported, Phase::Discover));
    let mut s = Stage::new(Binding::Lines);
    assert_eq!(s.error("server/discover", -32022, json!({"supported": ["2099-01-01"]})), Ok(false));
    let stop = s.error("initialize", -32022, json!({"supported": ["2099-01-01"]}));
    assert_eq!(kind(stop).0, FailureKind::VersionUnsupported);
}

#[test]
fn a_version_error_to_initialize_is_evidence_of_a_stateless_server() {
    let mut s = Stage::new(Binding::Lines);
    s.error("server/discover", -32600, json!(null)).unwrap();
    s.error("initialize", -32022, json!({"supported": ["2026-07-28"]})).unwrap();
    assert_eq!(s.count("server/discover"), 2);
    s.result("server/discover", discovery()).unwrap();
    assert_eq!(s.agreed(), Some("2026-07-28"));

    // While discover is still out, its answer is simply awaited.
    let mut s = Stage::new(Binding::Lines);
    s.error("initialize", -32022, json!({"supported": ["2026-07-28"]})).unwrap();
    assert_eq!(s.count("server/discover"), 1);
    s.result("server/discover", discovery()).unwrap();
    assert_eq!(s.agreed(), Some("2026-07-28"));
}

#[test]
fn a_handshake_version_named_in_an_error_is_offered() {
    let mut s = Stage::new(Binding::Exchange);
    s.error("server/discover", -32601, json!(null)).unwrap();
    s.error("initialize", -32602, json!({"supported": ["2024-11-05"]})).unwrap();
    assert_eq!(s.sent.last().unwrap()["params"]["protocolVersion"], "2024-11-05");
}

#[test]
fn only_an_answer_to_the_very_id_is_accepted() {
    let mut s = Stage::new(Binding::Lines);
    s.initialized().unwrap();
    let id = s.id("tools/list");
    let forged = [json!(1), json!(id.to_string()), json!(-1), json!(1.5), json!({}), json!([id])];
    for id in &forged {
        s.say(&json!({"jsonrpc": "2.0", "id": id, "result": tools(&["forged"])}).to_string()).unwrap();
    }
    // A result without id is no message at all.
    s.say(&json!({"jsonrpc": "2.0", "id": null, "result": tools(&["forged"])}).to_string()).unwrap();
    assert_eq!((s.note("unknown_id"), s.note("noise")), (forged.len() as u32, 1));
    let answer = json!({"jsonrpc": "2.0", "id": id, "result": tools(&["true"])}).to_string();
    assert_eq!(s.say(&answer), Ok(true));
    assert_eq!(s.say(&answer), Ok(true));
    assert_eq!(s.note("unknown_id"), forged.len() as u32 + 1);
    assert_eq!(s.tools(), (CoverageState::Complete, vec!["true".into()]));
}

#[test]
fn an_answer_sent_ahead_of_its_request_is_not_accepted() {
    // On HTTP the lists are asked for one by one: the second one's id is drawn, but not yet sent.
    let mut s = Stage::new(Binding::Exchange);
    let mut all = discovery();
    all["capabilities"] = json!({"tools": {}, "prompts": {}});
    s.result("server/discover", all).unwrap();
    let ahead = s.session.outbox.front().unwrap().request.unwrap().0;
    s.say(&json!({"jsonrpc": "2.0", "id": ahead, "result": {"prompts": [{"name": "x"}]}}).to_string())
        .unwrap();
    assert_eq!(s.note("unknown_id"), 1);
    s.result("tools/list", tools(&[])).unwrap();
    assert_eq!(s.result("prompts/list", json!({"prompts": []})), Ok(true));
    assert!(s.session.finish(None).inventory.prompts.is_empty());
}

#[test]
fn an_error_without_id_is_taken_only_where_one_request_is_out() {
    let error = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"parse"}}"#;
    let mut s = Stage::new(Binding::Lines);
    s.say(error).unwrap();
    assert_eq!((s.note("unknown_id"), s.note("id_missing")), (1, 0));
    let mut s = Stage::new(Binding::Exchange);
    s.say(error).unwrap();
    assert_eq!((s.note("id_missing"), s.count("initialize")), (1, 1));
}

#[test]
fn a_batch_is_read_message_by_message() {
    let mut s = Stage::new(Binding::Lines);
    let (discover, initialize) = (s.id("server/discover"), s.id("initialize"));
    let batch = json!([
        {"jsonrpc": "2.0", "method": "notifications/message", "params": {}},
        {"jsonrpc": "2.0", "id": discover, "error": {"code": -32601, "message": "m"}},
        {"jsonrpc": "2.0", "id": initialize, "result": {"protocolVersion": "2025-03-26", "capabilities": {}}},
    ]);
    assert_eq!(s.say(&batch.to_string()), Ok(true));
    assert_eq!((s.agreed(), s.note("batch")), (Some("2025-03-26"), 1));
}

#[test]
fn a_ping_is_answered_and_anything_else_refused() {
    let mut s = Stage::new(Binding::Lines);
    s.say(r#"{"jsonrpc":"2.0","id":"p\u0001","method":"ping"}"#).unwrap();
    assert_eq!(s.sent.last().unwrap(), &json!({"jsonrpc": "2.0", "id": "p\u{1}", "result": {}}));
    s.initialized().unwrap();
    s.say(r#"{"jsonrpc":"2.0","id":9,"method":"sampling/createMessage","params":{}}"#).unwrap();
    assert_eq!(s.sent.last().unwrap()["error"]["code"], -32601);
    assert_eq!((s.sent.last().unwrap()["id"].clone(), s.note("server_request")), (json!(9), 1));

    let mut s = Stage::new(Binding::Lines);
    s.result("server/discover", discovery()).unwrap();
    let sent = s.sent.len();
    s.say(r#"{"jsonrpc":"2.0","id":9,"method":"ping"}"#).unwrap();
    assert_eq!((s.sent.len(), s.note("server_request")), (sent, 1));
}

#[test]
fn pages_are_followed_to_the_end_also_behind_an_empty_cursor() {
    let mut s = Stage::new(Binding::Exchange);
    s.result("server/discover", discovery()).unwrap();
    for (i, cursor) in ["", "x", "y"].into_iter().enumerate() {
        let mut page = tools(&[&format!("t{i}")]);
        page["nextCursor"] = json!(cursor);
        assert_eq!(s.result("tools/list", page), Ok(false));
        assert_eq!(s.sent.last().unwrap()["params"]["cursor"], cursor);
    }
    assert_eq!(s.result("tools/list", tools(&["t3"])), Ok(true));
    let (state, names) = s.tools();
    assert_eq!((state, names.len()), (CoverageState::Complete, 4));
}

#[test]
fn a_storm_of_changes_neither_restarts_nor_delays_a_list() {
    let mut s = Stage::new(Binding::Lines);
    let changed = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;
    s.say(changed).unwrap();
    s.initialized().unwrap();
    let sent = s.sent.len();
    for _ in 0..10_000 {
        assert_eq!(s.say(changed), Ok(false));
    }
    assert_eq!((s.sent.len(), s.note("list_changed")), (sent, 10_000));
    assert_eq!(s.result("tools/list", tools(&["a"])), Ok(true));
}

#[test]
fn a_list_that_wants_input_has_failed() {
    let mut s = Stage::new(Binding::Exchange);
    s.result("server/discover", discovery()).unwrap();
    let asks = json!({"resultType": "input_required", "inputRequests": {}});
    assert_eq!(s.result("tools/list", asks), Ok(true));
    assert_eq!(s.tools().0, CoverageState::Failed);
}

#[test]
fn capabilities_of_a_wrong_type_do_not_hide_a_list() {
    for odd in [json!("all"), json!(["tools"]), json!(7), json!(null)] {
        let mut s = Stage::new(Binding::Lines);
        s.result("initialize", json!({"protocolVersion": "2025-11-25", "capabilities": odd})).unwrap();
        assert_eq!(List::ALL.map(|l| s.count(l.method())), [1; 4], "{odd}");
        assert_eq!(s.note("capabilities"), 1);
    }
}

#[test]
fn an_expired_session_is_opened_again_once() {
    let mut s = Stage::new(Binding::Exchange);
    s.error("server/discover", -32601, json!(null)).unwrap();
    s.initialized().unwrap();
    assert_eq!(s.refuse(404, ""), Ok(false));
    assert_eq!((s.count("initialize"), s.note("session_expired")), (2, 1));
    s.initialized().unwrap();
    assert_eq!(s.refuse(404, ""), Ok(true));
    assert_eq!(s.count("initialize"), 2);
    assert_eq!(s.tools().0, CoverageState::Failed);
}

#[test]
fn a_refusal_by_status_decides_who_is_asked_next() {
    for status in [400, 404, 405, 500] {
        let mut s = Stage::new(Binding::Exchange);
        assert_eq!(s.refuse(status, "<html>"), Ok(false), "{status}");
        assert_eq!(s.count("initialize"), 1);
        assert!(matches!(s.refuse(404, ""), Err(Stop::NotStreamable(_))));
    }
    for (status, why) in [(401, FailureKind::AuthRequired), (429, FailureKind::HttpStatus)] {
        let mut s = Stage::new(Binding::Exchange);
        assert_eq!(kind(s.refuse(status, "")), (why, Phase::Discover));
    }
}

#[test]
fn a_tool_that_http_clients_hide_is_noted_and_kept() {
    let mut s = Stage::new(Binding::Lines);
    s.initialized().unwrap();
    let schema = |header: &str| json!({"properties": {"a": {"type": "string", "x-mcp-header": header}}});
    let bad = |name: &str| json!({"name": name, "inputSchema": schema("")});
    let good = json!({"name": "good", "inputSchema": schema("A")});
    s.result("tools/list", json!({"tools": [bad("bad"), good, bad("worse")]})).unwrap();
    let note = s.session.notes.get("tool_header_invalid").unwrap();
    assert_eq!((note.count, note.message.contains("hide bad:")), (2, true), "{}", note.message);
    assert_eq!(s.tools().1.len(), 3);
}

#[test]
fn no_round_trip_is_wasted() {
    let everything = json!({"tools": {}, "resources": {}, "prompts": {}});
    let modern = json!({"supportedVersions": ["2026-07-28"], "capabilities": everything});
    let old = json!({"protocolVersion": "2025-11-25", "capabilities": everything});
    let lists = |s: &mut Stage| {
        let answer = |s: &mut Stage, l: List| s.result(l.method(), json!({l.key(): []})).unwrap();
        assert_eq!(List::ALL.map(|l| answer(s, l)), [false, false, false, true]);
    };
    // stdio: one flight opens in either era, one lists.
    for (method, answer) in [("server/discover", &modern), ("initialize", &old)] {
        let mut s = Stage::new(Binding::Lines);
        s.result(method, answer.clone()).unwrap();
        lists(&mut s);
        assert_eq!(s.flights, 2, "{method}");
    }
    // HTTP, stateless: discover, and one exchange a list.
    let mut s = Stage::new(Binding::Exchange);
    s.result("server/discover", modern).unwrap();
    lists(&mut s);
    assert_eq!(s.flights, 5);
    // HTTP, handshake: discover, initialize, initialized, and one a list.
    let mut s = Stage::new(Binding::Exchange);
    s.error("server/discover", -32601, json!(null)).unwrap();
    s.result("initialize", old).unwrap();
    lists(&mut s);
    assert_eq!(s.flights, 7);
}

#[test]
fn an_initialize_answered_with_nonsense_still_waits_for_discover() {
    let mut s = Stage::new(Binding::Lines);
    let result = json!({"protocolVersion": "2026-07-28", "capabilities": {}});
    assert_eq!(s.result("initialize", result), Ok(false));
    assert_eq!(s.result("server/discover", discovery()), Ok(false));
    assert_eq!(s.agreed(), Some("2026-07-28"));
}

#[test]
fn a_server_that_names_ever_other_revisions_is_not_followed_in_circles() {
    let mut s = Stage::new(Binding::EventStream);
    let mut refused = Ok(false);
    for date in ["2024-11-05", "2025-06-18"] {
        refused = s.error("initialize", -32602, json!({"supported": [date]}));
    }
    assert_eq!(kind(refused), (FailureKind::RpcError, Phase::Initialize));
    assert_eq!(s.count("initialize"), 2);
}

#[test]
fn a_result_with_a_key_twice_is_not_the_whole_list() {
    let mut s = Stage::new(Binding::EventStream);
    s.initialized().unwrap();
    let id = s.id("tools/list");
    s.say(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"tools":[{{"name":"evil"}}],"tools":[]}}}}"#))
        .unwrap();
    assert_eq!(s.tools(), (CoverageState::Failed, vec![]));
}
