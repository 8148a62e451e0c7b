//! `scan --differential` against servers that are two-faced, each in its own way, and against honest ones.

#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_hawkeye");

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("differential-{name}"));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }

    fn run(&self, args: &[&str]) -> Output {
        Command::new(PROGRAM).args(args).current_dir(&self.0).env("HOME", &self.0).output().unwrap()
    }

    /// Scans the server of this mode, which has a secret in its entry.
    fn scan(&self, mode: &str, args: &[&str]) -> Value {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/differential/server.py");
        let line = ["-E", "-s", "-S", "-B", script.to_str().unwrap(), mode, "starts"];
        let entry = json!({"command": "python3", "args": line, "env": {"API_KEY": "sekret-value-1"}});
        fs::write(self.0.join("t.json"), json!({"mcpServers": {"double": entry}}).to_string()).unwrap();
        let _ = fs::remove_file(self.0.join("starts"));
        let fixed = ["scan", "--targets", "t.json", "--format", "json", "--fail-on", "never"];
        let output = self.run(&[&fixed, args].concat());
        assert!(!String::from_utf8_lossy(&output.stdout).contains("sekret"), "{output:?}");
        let mut report: Value = serde_json::from_slice(&output.stdout).unwrap();
        report["targets"][0].take()
    }

    fn starts(&self) -> usize {
        fs::read(self.0.join("starts")).unwrap().len()
    }
}

/// Rule, severity and message of what was found.
fn cloaks(target: &Value) -> Vec<String> {
    let all = target["findings"].as_array().unwrap().iter();
    let cloaks = all.filter(|f| f["rule"].as_str().unwrap().starts_with("HK-CLK"));
    let text = |f: &Value, key: &str| f[key].as_str().unwrap().to_owned();
    cloaks.map(|f| [text(f, "rule"), text(f, "severity"), text(f, "message")].join(" ")).collect()
}

fn note(target: &Value, code: &str) -> String {
    let all = target["notes"].as_array().unwrap();
    let note = all.iter().find(|n| n["code"] == code);
    note.map_or(String::new(), |n| n["message"].as_str().unwrap().to_owned())
}

#[test]
fn each_kind_of_two_faced_server_is_found_and_named() {
    let folder = Folder::new("faces");
    for (mode, expected) in [
        ("honest", ""),
        ("shuffled", ""),
        (
            "name",
            "HK-CLK-001 high offers clients called \"claude-ai\", \"cursor-vscode\" and \"Visual Studio Code\" other things than \"hawkeye\": 1 tool different (\"read\"), 1 tool more (\"archive\"); HK-POI-016 tells of what is only there",
        ),
        (
            "cursor",
            "HK-CLK-001 high offers clients called \"cursor-vscode\" other things than \"hawkeye\": 1 tool more (\"archive\")",
        ),
        (
            "stateless",
            "HK-CLK-001 high offers clients called \"claude-ai\", \"cursor-vscode\" and \"Visual Studio Code\" other things than \"hawkeye\": 1 tool more (\"archive\")",
        ),
        (
            "random",
            "HK-CLK-002 medium says another thing each time it is asked the same: 1 tool different (\"read\")",
        ),
        (
            "clock",
            "HK-CLK-002 low says another thing each time it is asked the same: 1 tool different (\"read\")",
        ),
        (
            "later",
            "HK-CLK-002 medium says another thing each time it is asked the same: 1 tool more (\"archive\")",
        ),
        (
            "era-more",
            "HK-CLK-003 medium offers other things in revision 2024-11-05 than in 2025-11-25: 1 tool more (\"archive\")",
        ),
        (
            "era-less",
            "HK-CLK-003 info offers other things in revision 2024-11-05 than in 2025-11-25: 1 tool missing (\"write\")",
        ),
        ("locked", "HK-CLK-003 info offers less to those without credentials: 1 tool missing (\"write\")"),
        (
            "trap",
            "HK-CLK-003 medium offers other things to those without credentials: 1 tool more (\"login\")",
        ),
    ] {
        let target = folder.scan(mode, &["--differential"]);
        assert_eq!(cloaks(&target).join("; "), expected, "{mode}");
        assert_eq!(target["status"], "complete", "{mode}");
        assert_eq!(note(&target, "differential_incomplete"), "", "{mode}");
        assert!(folder.starts() <= 17, "{mode}: {} starts", folder.starts());
    }
}

#[test]
fn what_could_not_be_asked_is_said_to_be_not_compared() {
    let folder = Folder::new("missing");
    let shy = folder.scan("shy", &["--differential"]);
    assert!(
        note(&shy, "differential_incomplete").starts_with("not compared: without credentials: exited"),
        "{shy}"
    );
    assert!(note(&shy, "differential_compared").contains("as \"claude-ai\""));
    assert!(note(&shy, "differential_not_spoken").ends_with("in 2026-07-28"));
    let rude = folder.scan("rude", &["--differential"]);
    let missing = note(&rude, "differential_incomplete");
    assert_eq!(
        (missing.matches("once is enough").count(), note(&rude, "differential_compared").as_str()),
        (7, "")
    );
}

#[test]
fn nobody_is_asked_twice_who_does_not_ask_for_it() {
    let folder = Folder::new("once");
    let target = folder.scan("name", &[]);
    assert_eq!((cloaks(&target).len(), folder.starts()), (0, 1));
    // The key does the same as the option; a pinned revision is the only one that is spoken.
    fs::create_dir_all(folder.0.join(".hawkeye")).unwrap();
    let settings =
        "mcp_introspection: {enable_differential_introspection: true, enable_result_caching: true}";
    fs::write(folder.0.join(".hawkeye/hawkeye.yaml"), settings).unwrap();
    for _ in 0..2 {
        let target = folder.scan("name", &["--protocol-version", "2025-06-18"]);
        assert_eq!((cloaks(&target).len(), target["cached"].is_null()), (1, true));
        assert!(!note(&target, "differential_compared").contains("2024-11-05"));
        assert_eq!(folder.starts(), 1 + 1 + 3 + 1 + 3 + 1);
    }
    for (args, said) in [
        (["--differential", "--watch", "5"], "--differential and --watch exclude each other"),
        (["--differential", "--refresh", "-q"], "--differential never uses the cache"),
    ] {
        let output = folder.run(&[&["scan"], args.as_slice()].concat());
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains(said), "{output:?}");
    }
}

#[test]
fn a_report_that_is_judged_again_still_says_that_a_server_is_two_faced() {
    let folder = Folder::new("again");
    let told = folder.scan("name", &["--differential"]);
    let scan = ["scan", "--targets", "t.json", "--differential", "--fail-on", "never", "--output", "r.json"];
    assert_eq!(folder.run(&scan).status.code(), Some(0));
    let output = folder.run(&["assess", "r.json", "--format", "json"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let again: Value = serde_json::from_slice(&output.stdout).unwrap();
    let rules = |target: &Value| -> Vec<String> {
        let all = target["findings"].as_array().unwrap().iter();
        all.map(|f| f["rule"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(cloaks(&again["targets"][0]), cloaks(&told));
    assert_eq!(rules(&again["targets"][0]), rules(&told), "how often it was asked is no deviation");
}
