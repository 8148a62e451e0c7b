//! Real servers, written by others and pinned, over all three transports: is what hawkeye lists what they have?

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

#[path = "support/servers.rs"]
mod servers;
mod support;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use servers::{Entry, Listening, write_targets};

/// The lists of a server: method, key in the report, key in `_expect`.
const LISTS: [(&str, &str, &str); 4] = [
    ("tools/list", "tools", "tools"),
    ("resources/list", "resources", "resources"),
    ("resources/templates/list", "resource_templates", "resourceTemplates"),
    ("prompts/list", "prompts", "prompts"),
];
const HANDSHAKES: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];
const STATELESS: &str = "2026-07-28";

#[test]
fn every_server_is_listed_whole() {
    let _alone = one_at_a_time();
    let entries = Entry::all();
    assert_eq!(entries.len(), 53);
    let report = scan("zoo-all", &entries, &[], 3);

    let rows = report["targets"].as_array().unwrap();
    let mut mismatches = Vec::new();
    let mut right = 0;
    for entry in &entries {
        let before = mismatches.len();
        compare(entry, rows, newest(entry), &mut mismatches);
        right += usize::from(before == mismatches.len());
    }
    let total = |key: &str| rows.iter().map(|row| row[key].as_array().map_or(0, Vec::len)).sum::<usize>();
    let count = |status: &str| rows.iter().filter(|row| row["status"] == status).count();
    for (key, expected) in [
        ("targets", rows.len()),
        ("complete", count("complete")),
        ("partial", count("partial")),
        ("failed", count("failed")),
        ("tools", total("tools")),
        ("resources", total("resources")),
        ("resource_templates", total("resource_templates")),
        ("prompts", total("prompts")),
    ] {
        if report["summary"][key] != expected {
            mismatches.push(format!("summary: {key}: expected {expected}, found {}", report["summary"][key]));
        }
    }
    assert!(mismatches.is_empty(), "{right} of {} as expected\n{}", entries.len(), mismatches.join("\n"));
    assert_eq!((right, rows.len()), (entries.len(), entries.len()));
    let schemas: usize = rows.iter().map(schemas_judged_as_others_do).sum();
    assert!(schemas > 100, "{schemas}");
}

/// Whether we find a schema invalid where another validator does, by each draft that it may be meant by; how
/// many there are.
fn schemas_judged_as_others_do(row: &Value) -> usize {
    const DRAFTS: [&str; 3] = [
        "https://json-schema.org/draft/2020-12/schema",
        "http://json-schema.org/draft-07/schema#",
        "http://json-schema.org/draft-04/schema#",
    ];
    let mut seen = 0;
    for (at, tool) in row["tools"].as_array().into_iter().flatten().enumerate() {
        let schema = &tool["inputSchema"];
        if !schema.is_object() {
            continue;
        }
        let valid = |draft: &&str| {
            let mut schema = schema.clone();
            schema["$schema"] = Value::from(*draft);
            jsonschema::meta::is_valid(&schema)
        };
        let place = format!("/tools/{at}/inputSchema");
        let found = row["findings"].as_array().into_iter().flatten().any(|f| {
            let here = f["pointer"].as_str().unwrap().starts_with(&place);
            here && f["rule"] == "HK-SCH-001" && f["severity"] == "medium"
        });
        assert_eq!(!found, DRAFTS.iter().any(valid), "{}: {place}: {schema}", row["name"]);
        seen += 1;
    }
    seen
}

#[test]
fn a_pinned_revision_is_the_one_spoken() {
    let _alone = one_at_a_time();
    let mut entries = Entry::all();
    entries.retain(|e| {
        ["everything-http", "everything-sse", "ts2-http", "py2-http", "py2-sse", "ts2"]
            .contains(&e.name.as_str())
    });
    assert_eq!(entries.len(), 6);
    let folder = support::fresh_folder("zoo-pins");
    let _listening = Listening::start(&entries, &support::installed(), &folder);

    let mut mismatches = Vec::new();
    for date in HANDSHAKES {
        let report = run(&folder, &entries, &["--protocol-version", date], 0);
        for entry in &entries {
            let mut found = Vec::new();
            compare(entry, report["targets"].as_array().unwrap(), date, &mut found);
            mismatches.extend(found.into_iter().map(|m| format!("pinned to {date}: {m}")));
        }
    }
    let modern: Vec<Entry> = entries.into_iter().filter(|e| newest(e) == STATELESS).collect();
    assert_eq!(modern.len(), 3);
    let report = run(&folder, &modern, &["--protocol-version", STATELESS], 0);
    for entry in &modern {
        compare(entry, report["targets"].as_array().unwrap(), STATELESS, &mut mismatches);
    }
    assert!(mismatches.is_empty(), "\n{}", mismatches.join("\n"));
}

#[test]
fn a_server_without_a_handshake_is_listed_and_refuses_older_revisions() {
    let _alone = one_at_a_time();
    let mut entries = Entry::all();
    entries.retain(|e| ["ts2", "ts2-http"].contains(&e.name.as_str()));
    for entry in &mut entries {
        let start = if entry.transport() == "stdio" { &mut entry.value } else { &mut entry.value["_start"] };
        start["args"].as_array_mut().unwrap().push(json!("--modern-only"));
    }
    let folder = support::fresh_folder("zoo-modern-only");
    let _listening = Listening::start(&entries, &support::installed(), &folder);

    let mut mismatches = Vec::new();
    let report = run(&folder, &entries, &[], 0);
    for entry in &entries {
        compare(entry, report["targets"].as_array().unwrap(), STATELESS, &mut mismatches);
    }
    let report = run(&folder, &entries, &["--protocol-version", "2025-11-25"], 3);
    for entry in &mut entries {
        entry.value["_expect"] = json!({"fails": "version_unsupported"});
        compare(entry, report["targets"].as_array().unwrap(), "", &mut mismatches);
    }
    assert!(mismatches.is_empty(), "\n{}", mismatches.join("\n"));
}

/// The revision that hawkeye should settle on when it has the choice. HTTP+SSE knows none without a handshake.
fn newest(entry: &Entry) -> &str {
    let modern = entry.expect()["modern"] == true && entry.transport() != "sse";
    if modern { STATELESS } else { entry.expect()["protocolVersion"].as_str().unwrap_or_default() }
}

/// Adds to `mismatches` whatever is not as `entry` expects it, listed in `revision`.
fn compare(entry: &Entry, rows: &[Value], revision: &str, mismatches: &mut Vec<String>) {
    let mine: Vec<&Value> = rows.iter().filter(|row| row["name"] == entry.name.as_str()).collect();
    let [row] = mine[..] else {
        mismatches.push(format!("{}: {} rows in the report", entry.name, mine.len()));
        return;
    };
    let mut differ = |what: &str, expected: Value, found: &Value| {
        if expected != *found {
            let why = if row["failure"].is_null() { String::new() } else { format!("; {}", row["failure"]) };
            mismatches.push(format!("{}: {what}: expected {expected}, found {found}{why}", entry.name));
        }
    };
    differ("transport", json!(entry.transport()), &row["transport"]);
    let expect = entry.expect();
    if let Some(kind) = expect.get("fails") {
        differ("status", json!("failed"), &row["status"]);
        differ("failure kind", kind.clone(), &row["failure"]["kind"]);
        return;
    }
    let era = if revision == STATELESS { "stateless" } else { "handshake" };
    differ("protocol", json!({"version": revision, "era": era}), &row["protocol"]);
    differ("rows of coverage", json!(LISTS.len()), &json!(row["coverage"].as_array().map_or(0, Vec::len)));

    let mut whole = true;
    for (method, key, expect_key) in LISTS {
        let expected = &expect[expect_key];
        let covered = row["coverage"].as_array().into_iter().flatten().find(|c| c["phase"] == method);
        let covered = covered.unwrap_or(&Value::Null);
        let said = |words: &str| {
            let reason = covered["reason"].as_str().unwrap_or_default().to_lowercase();
            if reason.contains(words) { json!(words) } else { covered["reason"].clone() }
        };
        let (state, items, pages) = match expected.as_str() {
            Some("error" | "malformed") => ("failed", json!(0), &Value::Null),
            Some(_) => ("unsupported", json!(0), &Value::Null),
            None if expected.is_null() => ("unsupported", json!(0), &Value::Null),
            None => ("complete", expected.clone(), &expect["pages"][expect_key]),
        };
        whole &= state != "failed";
        differ(&format!("{method} state"), json!(state), &covered["state"]);
        differ(&format!("{method} items"), items.clone(), &covered["items"]);
        differ(&format!("{key} in the report"), items, &json!(row[key].as_array().map_or(0, Vec::len)));
        match state {
            "complete" => {
                differ(&format!("{method} pages"), json!(pages.as_u64().unwrap_or(1)), &covered["pages"]);
                differ(&format!("{method} reason"), Value::Null, &covered["reason"]);
            }
            "unsupported" => {
                let words = expected.as_str().unwrap_or("not declared");
                differ(&format!("{method} reason"), json!(words), &said(words));
            }
            _ => {
                differ(&format!("{method} has a reason"), json!(true), &json!(covered["reason"].is_string()))
            }
        }
    }
    differ("status", json!(if whole { "complete" } else { "partial" }), &row["status"]);
    differ("has a failure", json!(!whole), &json!(!row["failure"].is_null()));
}

/// Starts what has to listen, scans `entries` once, and checks the report against its published schema.
fn scan(name: &str, entries: &[Entry], flags: &[&str], code: i32) -> Value {
    let folder = support::fresh_folder(name);
    let _listening = Listening::start(entries, &support::installed(), &folder);
    run(&folder, entries, flags, code)
}

/// One scan of `entries`, which are running; `code` is the exit code it must end with.
fn run(folder: &Path, entries: &[Entry], flags: &[&str], code: i32) -> Value {
    let targets = write_targets(entries, folder);
    let mut command = Command::new("timeout");
    command
        .args(["--kill-after=20", "900", env!("CARGO_BIN_EXE_hawkeye"), "scan", "--targets"])
        .arg(&targets);
    command.args(["--format", "json", "--timeout", "60", "--concurrency", "4"]);
    // What is found is looked at below; these tests are about what is listed.
    command.args(["--fail-on", "never"]).args(flags);
    for name in support::foreign_variables() {
        command.env_remove(name);
    }
    let output = command.env("HAWKEYE_ZOO", support::installed()).env("HOME", folder).output().unwrap();
    fs::write(folder.join("report.json"), &output.stdout).unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("no report ({error}), {}; stderr:\n{said}", output.status));
    assert_valid(&report);
    nothing_bad_is_told(&report);
    assert_eq!(output.status.code(), Some(code), "exit code; summary {}; stderr:\n{said}", report["summary"]);
    report
}

/// Honest servers all of them: nothing is high but the token that the list of targets holds in plain sight.
fn nothing_bad_is_told(report: &Value) {
    let bad: Vec<String> = report["targets"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|row| row["findings"].as_array().into_iter().flatten().map(move |f| (row, f)))
        .filter(|(_, f)| f["severity"] == "high" || f["severity"] == "critical")
        .filter(|(_, f)| f["rule"] != "HK-SEC-001")
        .map(|(row, f)| format!("{}: {} {} ({})", row["name"], f["rule"], f["message"], f["excerpt"]))
        .collect();
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

fn assert_valid(report: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/report-v1.schema.json");
    let schema = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> =
        schema.iter_errors(report).take(20).map(|e| format!("{}: {e:.300}", e.instance_path())).collect();
    assert!(errors.is_empty(), "the report breaks its schema:\n{}", errors.join("\n"));
}

/// These tests keep both cores busy for themselves; side by side they would only make each other slow.
fn one_at_a_time() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}
