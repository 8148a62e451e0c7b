//! What a user sees of findings: reports, exit codes, settings, the list of rules.

#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_hawkeye");

/// A home of its own, with these settings.
struct Home(PathBuf);

impl Home {
    fn new(name: &str, settings: &str) -> Home {
        let dir = std::env::temp_dir().join(format!("hawkeye-analysis-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(dir.join(".hawkeye")).unwrap();
        fs::write(dir.join(".hawkeye/hawkeye.yaml"), settings).unwrap();
        Home(dir)
    }

    fn run(&self, args: &[&str]) -> Output {
        Command::new(PROGRAM).args(args).current_dir(&self.0).env("HOME", &self.0).output().unwrap()
    }

    /// Scans one demo server as a process.
    fn scan(&self, persona: &str, args: &[&str]) -> Output {
        let server = ["--", PROGRAM, "demo-server", "--persona", persona];
        self.run(&[&["scan"], args, &server].concat())
    }

    fn rules(&self, persona: &str) -> Vec<String> {
        let report = json(&self.scan(persona, &["--format", "json"]));
        let findings = report["targets"][0]["findings"].as_array().unwrap();
        findings.iter().map(|f| f["rule"].as_str().unwrap().to_owned()).collect()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"))
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn honest_servers_pass_and_a_poisoned_one_fails() {
    let home = Home::new("codes", "");
    let code = |persona, args: &[&str]| home.scan(persona, args).status.code();
    assert_eq!(code("weather", &["--fail-on", "info"]), Some(0));
    assert_eq!(code("files", &[]), Some(0));
    assert_eq!(code("files", &["--fail-on", "medium"]), Some(0));
    assert_eq!(code("files", &["--fail-on", "low"]), Some(1));
    assert_eq!(code("files", &["--fail-on", "never"]), Some(0));
    // One of the shop's tools wants a private key read and the user kept in the dark; its resources are broken.
    assert_eq!(code("shop", &[]), Some(1));
    assert_eq!(code("shop", &["--fail-on", "critical", "--allow-incomplete"]), Some(1));
    assert_eq!(code("shop", &["--fail-on", "never"]), Some(3));
}

#[test]
fn every_report_tells_the_findings_and_whose_rules_they_are() {
    let home = Home::new("reports", "");
    let output = home.scan("shop", &["--format", "json"]);
    let report = json(&output);
    let counts = &report["summary"]["findings"];
    let findings = report["targets"][0]["findings"].as_array().unwrap();
    let critical = findings.iter().filter(|f| f["severity"] == "critical").count();
    assert!(critical > 0 && counts["critical"] == critical, "{counts}");
    assert!(report["targets"][0]["timing"]["analysis_ms"].as_f64().unwrap() > 0.0);
    for finding in findings {
        let place = finding["pointer"].as_str().unwrap();
        assert!(report["targets"][0].pointer(place).is_some(), "{place} leads nowhere");
    }
    let listed = json(&home.run(&["rules", "list", "--format", "json"]));
    for key in ["version", "count", "sha256"] {
        assert_eq!(report["tool"]["rules"][key], listed[key]);
    }
    assert_eq!(listed["count"], listed["rules"].as_array().unwrap().len());

    let lines = home.scan("shop", &["--format", "ndjson"]);
    let lines: Vec<Value> = text(&lines.stdout).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines[1]["findings"], report["targets"][0]["findings"]);
    assert_eq!(lines.last().unwrap()["summary"]["findings"], *counts);

    let table = home.scan("shop", &[]);
    let table = text(&table.stdout);
    assert!(table.contains("  critical  HK-POI-003 tool \"import_catalog\""), "{table}");
    assert!(table.contains(&format!("findings: {critical} critical")), "{table}");
    // The mild ones are only counted.
    assert!(table.contains("HK-CAP-002 x2)") && !table.contains("can erase"), "{table}");
}

#[test]
fn settings_decide_what_is_judged() {
    let setting = |name: &str, line: &str| {
        let settings = format!("mcp_introspection:\n  {line}\n");
        Home::new(name, &settings).rules("shop")
    };
    let has = |rules: &[String], group: &str| rules.iter().any(|r| r.starts_with(group));
    let all = setting("all", "enable_risk_assessment: true");
    assert!(has(&all, "HK-POI") && has(&all, "HK-CAP-002"));
    let names_only = setting("names", "enable_detailed_analysis: false");
    assert!(!has(&names_only, "HK-POI") && !has(&names_only, "HK-CAP-005") && has(&names_only, "HK-CAP-002"));
    assert_eq!(setting("none", "enable_risk_assessment: false"), [""; 0]);
}

#[test]
fn schemas_are_checked_as_deep_as_the_settings_say() {
    let server = r#"import json, sys
deep = {"type": "nonsense"}
for _ in range(4):
    deep = {"type": "object", "properties": {"p": deep}}
for line in sys.stdin:
    m = json.loads(line)
    if "id" not in m:
        continue
    if m["method"] == "initialize":
        result = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "s", "version": "1"}}
    elif m["method"] == "tools/list":
        result = {"tools": [{"name": "t", "description": "T.", "inputSchema": deep}]}
    else:
        print(json.dumps({"jsonrpc": "2.0", "id": m["id"], "error": {"code": -32601, "message": "no"}}), flush=True)
        continue
    print(json.dumps({"jsonrpc": "2.0", "id": m["id"], "result": result}), flush=True)
"#;
    for (name, line, expected) in [
        ("deep", "max_tool_analysis_depth: 10", vec!["HK-SCH-001"]),
        ("shallow", "max_tool_analysis_depth: 2", vec!["HK-SCH-003"]),
        ("unchecked", "enable_schema_validation: false", vec![]),
    ] {
        let home = Home::new(name, &format!("mcp_introspection:\n  {line}\n"));
        fs::write(home.0.join("server.py"), server).unwrap();
        let report = json(&home.run(&["scan", "--format", "json", "--", "python3", "server.py"]));
        let findings = report["targets"][0]["findings"].as_array().unwrap();
        let rules = findings.iter().map(|f| f["rule"].as_str().unwrap());
        // That the schema says little is told at any depth.
        let rules: Vec<&str> = rules.filter(|r| *r != "HK-SCH-002").collect();
        assert_eq!(rules, expected, "{line}: {report}");
    }
}

#[test]
fn rules_are_listed_and_explained() {
    let home = Home::new("rules", "");
    let list = home.run(&["rules", "list"]);
    assert_eq!(list.status.code(), Some(0));
    assert!(text(&list.stdout).contains("HK-UNI-001"));
    let explained = home.run(&["rules", "explain", "hk-uni-001"]);
    assert_eq!(explained.status.code(), Some(0));
    assert!(text(&explained.stdout).starts_with("HK-UNI-001: invisible characters\n"));
    let unknown = home.run(&["rules", "explain", "HK-UNI-0001\u{1b}"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert_eq!(text(&unknown.stderr), "hawkeye: no rule HK-UNI-0001\\u{1b} (did you mean HK-UNI-001?)\n");
}

#[test]
fn a_secret_in_a_text_is_told_without_telling_it() {
    let secret = format!("ghp_{}", "q7Zp2Lw9Xc4Vb8Nm1Kj6Hg3Fd5Sa0Rt2Yu7I");
    let listing = format!(
        r#"{{"tools": [{{"name": "t", "description": "Use {secret}.", "inputSchema": {{"type": "object"}}}}]}}"#
    );
    let server = r#"import json, sys
listing = json.load(open("listing.json"))
for line in sys.stdin:
    m = json.loads(line)
    if "id" not in m:
        continue
    if m["method"] == "initialize":
        result = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "s", "version": "1"}}
    elif m["method"] == "tools/list":
        result = listing
    else:
        print(json.dumps({"jsonrpc": "2.0", "id": m["id"], "error": {"code": -32601, "message": "no"}}), flush=True)
        continue
    print(json.dumps({"jsonrpc": "2.0", "id": m["id"], "result": result}), flush=True)
"#;
    let home = Home::new("secret", "");
    fs::write(home.0.join("server.py"), server).unwrap();
    fs::write(home.0.join("listing.json"), listing).unwrap();
    let table = home.run(&["scan", "--", "python3", "server.py"]);
    let told = text(&table.stdout);
    assert_eq!(table.status.code(), Some(1), "{told}");
    assert!(told.contains("critical  HK-SEC-001 tool \"t\" tells everybody a GitHub token"), "{told}");
    assert!(!told.contains(&secret), "{told}");
    let report = json(&home.run(&["scan", "--format", "json", "--", "python3", "server.py"]));
    assert!(!report["targets"][0]["findings"].to_string().contains(&secret));
}
