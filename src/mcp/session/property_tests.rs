//! Whatever a server says, the session neither panics nor believes what was not asked.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::tests::{Stage, plan};
use super::*;

/// Something a server may say.
#[derive(Debug, Clone)]
enum Line {
    Bytes(Vec<u8>),
    Text(String),
    /// A true answer to the request of this number, counted from the newest.
    Answer(usize, Value),
    /// The same, cut off.
    Cut(usize, Value, usize),
    Refusal(u16, String),
}

/// The words that server messages are made of.
fn fragments() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\",
        "\\ud800",
        "null",
        "-1",
        "1e999",
        "0",
        "\"id\"",
        "\"jsonrpc\"",
        "\"2.0\"",
        "\"result\"",
        "\"error\"",
        "\"method\"",
        "\"ping\"",
        "\"tools\"",
        "\"nextCursor\"",
        "\"capabilities\"",
        "\"code\":-32022",
        "\u{feff}",
        "ü",
        " ",
        "x-mcp-header",
    ]);
    prop::collection::vec(word, 0..24).prop_map(|words| words.concat())
}

fn result() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!({}),
        json!([]),
        json!("text"),
        json!({"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}, "prompts": {}}}),
        json!({"supportedVersions": ["2099-01-01"]}),
        json!({"supportedVersions": 7, "capabilities": 7}),
        json!({"protocolVersion": "2025-03-26", "capabilities": {"tools": {}, "resources": {}}}),
        json!({"protocolVersion": "1.0.0", "capabilities": []}),
        json!({"tools": [{"name": "t"}, 7], "nextCursor": ""}),
        json!({"tools": [{"name": "t"}], "nextCursor": "c"}),
        json!({"tools": [], "resources": [], "resourceTemplates": [], "prompts": []}),
        json!({"resultType": "input_required"}),
    ])
}

fn line() -> impl Strategy<Value = Line> {
    let status = prop::sample::select(vec![400u16, 401, 403, 404, 405, 406, 429, 500, 503]);
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..64).prop_map(Line::Bytes),
        fragments().prop_map(Line::Text),
        (0usize..6, result()).prop_map(|(n, r)| Line::Answer(n, r)),
        (0usize..6, result()).prop_map(|(n, r)| Line::Answer(n, r)),
        (0usize..6, result(), 0usize..80).prop_map(|(n, r, at)| Line::Cut(n, r, at)),
        (status, fragments()).prop_map(|(s, body)| Line::Refusal(s, body)),
    ]
}

fn binding() -> impl Strategy<Value = Binding> {
    prop::sample::select(vec![Binding::Lines, Binding::Exchange, Binding::EventStream])
}

fn opening() -> impl Strategy<Value = Opening> {
    prop::sample::select(vec![
        Opening::Detect,
        Opening::Handshake,
        Opening::Pinned(Revision::V2024_11_05),
        Opening::Pinned(Revision::V2026_07_28),
    ])
}

fn answer(stage: &Stage, nth: usize, result: &Value) -> String {
    let asked: Vec<&Value> = stage.sent.iter().filter_map(|m| m.get("id")).collect();
    let id = asked.iter().rev().nth(nth).map_or(json!(nth), |id| (*id).clone());
    json!({"jsonrpc": "2.0", "id": id, "result": result}).to_string()
}

fn hear(stage: &mut Stage, line: &Line) -> Result<(), Stop> {
    let mut take = |inbound: Inbound<'_>| stage.session.handle(inbound, Duration::ZERO);
    match line {
        Line::Bytes(bytes) => take(Inbound::Text(bytes)),
        Line::Text(text) => take(Inbound::Text(text.as_bytes())),
        Line::Refusal(status, body) => take(Inbound::Refused(Refusal {
            status: *status,
            body: body.as_str().into(),
            authenticate: vec![body.clone()],
            had_session: true,
        })),
        Line::Answer(nth, result) => {
            let text = answer(stage, *nth, result);
            stage.session.handle(Inbound::Text(text.as_bytes()), Duration::ZERO)
        }
        Line::Cut(nth, result, at) => {
            let text = answer(stage, *nth, result);
            let cut = &text.as_bytes()[..text.len().min(*at)];
            stage.session.handle(Inbound::Text(cut), Duration::ZERO)
        }
    }
}

proptest! {
    #[test]
    fn nothing_a_server_says_is_too_much(
        binding in binding(),
        opening in opening(),
        lines in prop::collection::vec(line(), 0..24),
    ) {
        let mut stage = Stage::with(plan(binding, opening));
        for line in &lines {
            let stopped = hear(&mut stage, line).is_err();
            if stopped || stage.flush() {
                break;
            }
        }
        let cut = Failure { kind: FailureKind::Closed, phase: stage.session.phase(), message: "cut".into() };
        let ending = stage.session.finish(Some(cut));
        let inventory = ending.inventory;
        prop_assert_eq!(inventory.coverage.iter().map(|c| c.phase).collect::<Vec<_>>(), List::ALL.to_vec());
        for row in &inventory.coverage {
            prop_assert_eq!(row.items, inventory.items(row.phase).len());
        }
        prop_assert!(ending.cause.is_some());
    }

    #[test]
    fn an_id_that_was_not_sent_is_never_accepted(
        binding in binding(),
        ids in prop::collection::vec(any::<u32>(), 1..20),
        result in result(),
    ) {
        let mut stage = Stage::new(binding);
        let before = stage.sent.clone();
        let asked: Vec<u64> = before.iter().filter_map(|m| m["id"].as_u64()).collect();
        let forged = ids.into_iter().filter(|id| !asked.contains(&u64::from(*id)));
        for id in forged {
            for id in [json!(id), json!(id.to_string()), json!([id])] {
                let text = json!({"jsonrpc": "2.0", "id": id, "result": result}).to_string();
                prop_assert_eq!(stage.say(&text), Ok(false));
            }
        }
        prop_assert_eq!(&stage.sent, &before);
        prop_assert!(stage.session.agreed_at().is_none());
    }

    #[test]
    fn the_order_of_pipelined_answers_does_not_matter(order in Just(List::ALL.to_vec()).prop_shuffle()) {
        let mut stage = Stage::new(Binding::Lines);
        let id = stage.id("initialize");
        let welcome = json!({"protocolVersion": "2025-11-25",
            "capabilities": {"tools": {}, "resources": {}, "prompts": {}}});
        prop_assert_eq!(stage.say(&json!({"jsonrpc": "2.0", "id": id, "result": welcome}).to_string()), Ok(false));
        for (nth, list) in order.iter().enumerate() {
            let id = stage.id(list.method());
            let text = json!({"jsonrpc": "2.0", "id": id, "result": {list.key(): [{"name": "x"}]}}).to_string();
            prop_assert_eq!(stage.say(&text), Ok(nth == 3));
        }
        let ending = stage.session.finish(None);
        prop_assert!(ending.cause.is_none());
        prop_assert!(List::ALL.iter().all(|l| ending.inventory.items(*l).len() == 1));
    }
}
