//! Outcomes of every kind, for tests of what reports make of them.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};

use super::RunEnd;
use crate::model::client::Client;
use crate::model::drift::{Detail, Difference, Drift, How, Moment, Part, Since};
use crate::model::finding::{Confidence, Finding, Related, Severity, Suppressed};
use crate::model::inventory::{CacheHint, Coverage, CoverageState, Inventory, Json, List, Protocol};
use crate::model::notes::Note;
use crate::model::outcome::{
    Auth, Delivery, EndpointView, Failure, FailureKind, Outcome, Owner, Phase, Posture, Status, Timing,
    Transport,
};
use crate::model::revision::Era;
use crate::model::risk::{Risk, ToolRisk};
use crate::model::run::{RuleSet, RuleText, RunInfo, Tally};

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
        owners: vec![Owner { file: "servers.json".into(), line: Some(4), name: "files".into() }],
        transport: Some(Transport::Stdio),
        endpoint: EndpointView {
            command: Some("mcp-files".into()),
            args: Some(vec!["--root".into(), "/srv".into()]),
            url: None,
        },
        status: Status::Complete,
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
        notes: vec![Note {
            code: "banner".into(),
            message: "text before the first message".into(),
            count: 3,
        }],
        timing: Timing {
            total_ms: 212.0,
            connect_ms: 1.9,
            handshake_ms: 180.2,
            listing_ms: 9.875,
            ..Timing::default()
        },
        attempts: 1,
        ..Outcome::unknown("files")
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
        delivery: Some(Delivery { host: text(), attempt: 2 }),
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
        rules: rule_texts(),
    }
}

pub(super) fn run_info() -> RunInfo {
    RunInfo {
        id: "r-1".into(),
        started: UNIX_EPOCH + Duration::from_secs(1_795_348_800),
        planned: 4,
        rules: rules(),
        shard: None,
        missing: None,
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

/// What spreadsheets, pull requests, XML and SARIF's own messages could take for more than text.
pub(super) const MARKUP: &str =
    "=cmd|' /C calc'!A0 @all #1 [x](https://evil.example) {0} `a` <!--x--> ]]> &amp; ;=1";

fn rule_texts() -> Arc<[RuleText]> {
    let rule = |id: &'static str, severity, title: &'static str, references: &[&'static str]| RuleText {
        id: id.into(),
        severity,
        title: title.into(),
        help: "What is bad about it.".into(),
        remedy: "Do not use it.".into(),
        references: references.iter().map(|reference| (*reference).into()).collect(),
    };
    Arc::new([
        rule("HK-POI-003", Severity::High, "hides from the user", &["MCP03:2025", "ASI09:2026", "CWE-1427"]),
        rule("HK-CAP-001", Severity::Medium, "runs commands or code", &["MCP05:2025", "CWE-78"]),
        rule("HK-FLW-001", Severity::High, "toxic flow of data", &["MCP10:2025", "AML.T0086", "CWE-200"]),
        rule("HK-SHD-001", Severity::Medium, "one name on two servers", &["MCP09:2025", "AML.T0074"]),
        rule("HK-RUG-001", Severity::High, "changed since it was accepted", &["MCP04:2025", "AML.T0109"]),
    ])
}

pub(super) fn finding(rule: &'static str, severity: Severity, pointer: &str) -> Finding {
    let known = rule_texts().iter().find(|known| known.id == rule).cloned();
    Finding {
        rule: rule.into(),
        severity,
        confidence: Confidence::Medium,
        message: format!("{} at {pointer}", known.as_ref().map_or("something", |known| &known.title)),
        pointer: pointer.to_owned(),
        excerpt: None,
        references: known.map_or(Vec::new(), |known| known.references),
        remedy: "Do not use it.".into(),
        // One of its own for each place, as fingerprints are.
        fingerprint: format!("{:0>32}", format!("{}{}", rule.len(), pointer.len())),
        related: Vec::new(),
        fails: false,
        suppressed: None,
    }
}

/// A server with everything that is said of one beyond its inventory: findings that fail, that are suppressed
/// and that have other places, a risk, drift with a history.
pub(super) fn judged() -> Outcome {
    let related = Related { target: "files".into(), pointer: "/tools/3".into(), label: "tool \"t3\"".into() };
    let fails = Finding {
        message: format!("tool \"t0\" says: {MARKUP}"),
        excerpt: Some(format!("{MARKUP} {HOSTILE}")),
        confidence: Confidence::High,
        fails: true,
        related: vec![related],
        ..finding("HK-POI-003", Severity::High, "/tools/0/description")
    };
    let suppressed = Finding {
        suppressed: Some(Suppressed {
            by: ".hawkeye/suppressions.yaml".into(),
            owner: Some("team-a".into()),
            reason: Some("it is meant to | run `make`".into()),
            expires: Some("2026-12-31".into()),
        }),
        ..finding("HK-CAP-001", Severity::Medium, "/tools/1")
    };
    let milder = finding("HK-POI-003", Severity::Low, "/instructions");
    let changed = Difference {
        what: Part::Tool,
        name: "t0".into(),
        change: How::Changed,
        pointer: Some("/tools/0".into()),
        details: vec![Detail {
            pointer: "/description".into(),
            before: Some("Adds.".into()),
            after: Some(MARKUP.into()),
        }],
    };
    let (before, pointer, details) = ("2026-11-21T12:00:00.000Z".to_owned(), None, Vec::new());
    let removed = Difference { name: "old".into(), change: How::Removed, pointer, details, ..changed };
    Outcome {
        name: "mail server".into(),
        owners: vec![
            Owner { file: "conf dir/servers.json".into(), line: Some(12), name: "mail server".into() },
            Owner { file: "/srv/other.yaml".into(), line: Some(3), name: "mail".into() },
        ],
        tags: vec!["prod".into()],
        findings: vec![fails, suppressed, milder],
        risk: Some(Risk {
            score: 71,
            why: "1 high (+60), 1 low (+1), no authentication (+10)".into(),
            tools: vec![ToolRisk {
                name: "t0".into(),
                pointer: "/tools/0".into(),
                score: 60,
                why: "1 high".into(),
            }],
        }),
        drift: Some(Drift {
            since: Since { at: before.clone(), run: Some("r-0".into()), file: None },
            changes: vec![changed, removed],
            timeline: vec![Moment { at: before, run: "r-0".into(), what: "2 tools added".into() }],
        }),
        notes: vec![],
        ..complete()
    }
}

/// The servers of one file, with a finding about two of them.
pub(super) fn client() -> Client {
    let leg = |target: &str, pointer: &str, label: &str| Related {
        target: target.into(),
        pointer: pointer.into(),
        label: label.into(),
    };
    let flow = Finding {
        fails: true,
        related: vec![
            leg("mail server", "/tools/0", "tool \"t0\""),
            leg("files", "/tools/3", "tool \"t3\""),
            leg("elsewhere", "/tools/9", MARKUP),
        ],
        ..finding("HK-FLW-001", Severity::High, "/tools/0")
    };
    Client {
        name: "conf dir/servers.json".into(),
        servers: vec!["files".into(), "mail server".into()],
        unknown: vec!["gone".into()],
        tools: 28,
        not_compared: 0,
        findings: vec![flow],
        risks: Vec::new(),
    }
}

/// The four and the judged one.
pub(super) fn five() -> [Outcome; 5] {
    [complete(), partial(), failed(), not_evaluated(), judged()]
}
