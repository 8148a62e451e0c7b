//! Outcomes of every kind, for tests of what reports make of them.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};

use super::RunEnd;
use crate::model::inventory::{CacheHint, Coverage, CoverageState, Inventory, Json, List, Protocol};
use crate::model::notes::Note;
use crate::model::outcome::{
    Auth, EndpointView, Failure, FailureKind, Outcome, Owner, Phase, Posture, Status, Timing, Transport,
};
use crate::model::revision::Era;
use crate::model::run::{RuleSet, RunInfo, Tally};

/// ANSI, OSC 52 and 8, C1, NUL, newline, bidi, zero width, tag characters, DEL, line separator.
pub(super) const HOSTILE: &str = "evil\x1b[2J\x1b]52;c;QQ==\x07\u{9b}2J\u{9d}8;;x\0\n\rok: complete\u{202e}gpj\u{200b}\u{e0041}\
                       \x7f\u{2028}\u{2061}<b>&";

pub(super) fn object(value: &Value) -> Json {
    Json::parse(value.to_string()).unwrap()
}

pub(super) fn row(phase: List, state: CoverageState, items: usize, reason: Option<&str>) -> Coverage {
    let reason = reason.map(str::to_owned);
    Coverage { phase, state, items, pages: 1, bytes: 512, ms: 3.125, reason }
}

pub(super) fn coverage(states: [(CoverageState, usize); 4]) -> Vec<Coverage> {
    let reason = |s| (s != CoverageState::Complete).then_some("not declared");
    List::ALL.into_iter().zip(states).map(|(l, (s, n))| row(l, s, n, reason(s))).collect()
}

pub(super) fn failure(kind: FailureKind, phase: Phase, message: &str) -> Option<Failure> {
    Some(Failure { kind, phase, message: message.to_owned() })
}

pub(super) fn complete() -> Outcome {
    use CoverageState::{Complete, Unsupported};
    let tool = |i: usize| object(&json!({"name": format!("t{i}"), "inputSchema": {}, "x-unknown": [null]}));
    Outcome {
        name: "files".into(),
        owners: vec![Owner { file: "servers.json".into(), line: Some(4), name: "files".into() }],
        transport: Some(Transport::Stdio),
        endpoint: EndpointView {
            command: Some("mcp-files".into()),
            args: Some(vec!["--root".into(), "/srv".into()]),
            url: None,
        },
        status: Status::Complete,
        failure: None,
        inventory: Inventory {
            protocol: Some(Protocol { version: "2025-11-25".into(), era: Era::Handshake }),
            server: Some(object(&json!({"name": "mcp-files", "version": "1.2.0"}))),
            instructions: Some("Be careful.\nVery.".into()),
            capabilities: Some(object(&json!({"tools": {}, "prompts": {}}))),
            tools: (0..14).map(tool).collect(),
            coverage: coverage([(Complete, 14), (Unsupported, 0), (Unsupported, 0), (Complete, 0)]),
            cache_hint: Some(CacheHint { ttl_ms: 500, public: false }),
            ..Inventory::default()
        },
        auth: Auth { posture: Posture::None, ..Auth::default() },
        findings: vec![],
        tags: Vec::new(),
        risk: None,
        drift: None,
        notes: vec![Note {
            code: "banner".into(),
            message: "text before the first message".into(),
            count: 3,
        }],
        stderr: None,
        timing: Timing {
            total_ms: 212.0,
            connect_ms: 1.9,
            handshake_ms: 180.2,
            listing_ms: 9.875,
            ..Timing::default()
        },
        attempts: 1,
        cached: None,
        worker: None,
        saved: None,
    }
}

pub(super) fn partial() -> Outcome {
    use CoverageState::{Complete, Failed, Skipped, Truncated};
    Outcome {
        name: "wiki".into(),
        owners: Vec::new(),
        transport: Some(Transport::Http),
        endpoint: EndpointView { url: Some("https://wiki.example/mcp".into()), ..EndpointView::default() },
        status: Status::Partial,
        failure: failure(FailureKind::RpcError, Phase::List(List::Resources), "error -32603: internal"),
        inventory: Inventory {
            protocol: Some(Protocol { version: "2026-07-28".into(), era: Era::Stateless }),
            server: Some(object(&json!({"name": "wiki"}))),
            coverage: vec![
                row(List::Tools, Truncated, 140, Some("cursor \"a\" came twice")),
                row(List::Resources, Failed, 3, Some("error -32603: internal")),
                row(List::ResourceTemplates, Skipped, 0, Some("cut short")),
                row(List::Prompts, Complete, 2, None),
            ],
            prompts: vec![object(&json!({"name": "p"})), object(&json!({"name": "q"}))],
            cache_hint: None,
            ..complete().inventory
        },
        timing: Timing { total_ms: 9.04, ..Timing::default() },
        notes: vec![],
        ..complete()
    }
}

pub(super) fn failed() -> Outcome {
    Outcome {
        name: "gone".into(),
        owners: Vec::new(),
        transport: Some(Transport::Sse),
        status: Status::Failed,
        failure: failure(FailureKind::ConnectFailed, Phase::Connect, "connection refused"),
        inventory: Inventory { coverage: coverage([(CoverageState::Skipped, 0); 4]), ..Inventory::default() },
        notes: vec![],
        ..partial()
    }
}

pub(super) fn not_evaluated() -> Outcome {
    Outcome {
        name: "off".into(),
        owners: vec![Owner { file: "command line".into(), line: None, name: "off".into() }],
        transport: None,
        endpoint: EndpointView::default(),
        status: Status::NotEvaluated,
        failure: failure(FailureKind::Config, Phase::Config, "excluded by --no-stdio"),
        inventory: Inventory::default(),
        timing: Timing::default(),
        attempts: 0,
        ..failed()
    }
}

pub(super) fn hostile() -> Outcome {
    let text = || HOSTILE.to_owned();
    Outcome {
        name: format!("{HOSTILE}{}", "A".repeat(1 << 20)),
        owners: vec![Owner { file: text(), line: Some(1), name: text() }],
        endpoint: EndpointView { command: Some(text()), args: Some(vec![text()]), url: None },
        failure: failure(FailureKind::InvalidMessage, Phase::List(List::Tools), HOSTILE),
        inventory: Inventory {
            protocol: Some(Protocol { version: text(), era: Era::Handshake }),
            server: Some(object(&json!({"name": HOSTILE, "version": HOSTILE.repeat(1_000)}))),
            instructions: Some(text()),
            tools: vec![object(&json!({HOSTILE: HOSTILE}))],
            coverage: vec![row(List::Tools, CoverageState::Truncated, 1, Some(HOSTILE))],
            ..Inventory::default()
        },
        auth: Auth { challenges: vec![text()], facts: vec![text()], ..Auth::default() },
        notes: vec![Note { code: "stderr".into(), message: text(), count: 1 }],
        worker: Some(text()),
        saved: None,
        ..partial()
    }
}

pub(super) fn rules() -> RuleSet {
    RuleSet {
        version: "2026-11-22".into(),
        count: 28,
        sha256: "0".repeat(64),
        not_assessed: vec!["what the code does".into()],
        rules: Arc::new([]),
    }
}

pub(super) fn run_info() -> RunInfo {
    RunInfo {
        id: "r-1".into(),
        started: UNIX_EPOCH + Duration::from_secs(1_795_348_800),
        planned: 4,
        rules: rules(),
    }
}

pub(super) fn run_end(outcomes: &[Outcome]) -> RunEnd {
    let mut tally = Tally::default();
    outcomes.iter().for_each(|o| tally.add(o));
    RunEnd { finished: run_info().started + Duration::from_millis(1_234), interrupted: false, tally }
}

pub(super) fn four() -> [Outcome; 4] {
    [complete(), partial(), failed(), not_evaluated()]
}
