//! What people decide about findings: rules of the settings, policy, suppressions, `--fail-on`; and how runs end.

#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_hawkeye");

/// A home of its own, with these settings.
struct Home(PathBuf);

impl Home {
    fn new(name: &str, settings: &str) -> Home {
        let dir = std::env::temp_dir().join(format!("hawkeye-gate-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(dir.join(".hawkeye")).unwrap();
        let home = Home(dir);
        home.write(".hawkeye/hawkeye.yaml", settings);
        home
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).unwrap();
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(args).current_dir(&self.0).env_clear().env("HOME", &self.0);
        command.env("PATH", std::env::var_os("PATH").unwrap());
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Scans one demo server as a process.
    fn scan(&self, persona: &str, args: &[&str]) -> Output {
        let server = ["--", PROGRAM, "demo-server", "--persona", persona];
        self.run(&[&["scan"], args, &server].concat())
    }

    fn report(&self, persona: &str, args: &[&str]) -> Value {
        json_of(&self.scan(persona, &[&["--format", "json"], args].concat()))
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"))
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn findings(report: &Value) -> &Vec<Value> {
    report["targets"][0]["findings"].as_array().unwrap()
}

/// A file of suppressions: one for each of `findings`, until `expires`.
fn suppressions(findings: &[Value], expires: &str) -> String {
    let entry = |f: &Value| {
        let (fingerprint, rule) = (f["fingerprint"].as_str().unwrap(), f["rule"].as_str().unwrap());
        format!(
            "- fingerprint: \"{fingerprint}\"\n  rule: {rule}\n  server: hawkeye\n  owner: ops\n  reason: it is the demo\n  expires: {expires}\n"
        )
    };
    findings.iter().map(entry).collect()
}

#[test]
fn runs_end_with_the_first_code_that_applies() {
    let home = Home::new("codes", "");
    home.write("dead.json", r#"{"mcpServers": {"a": {"command": "false"}, "b": {"command": "false"}}}"#);
    let half = json!({"mcpServers": {"a": {"command": "false"},
        "b": {"command": PROGRAM, "args": ["demo-server"]}}});
    home.write("half.json", &half.to_string());
    let long = "scan --format json --targets";
    for (expected, what, args) in [
        (0, "weather", ""),
        (0, "weather", "--fail-on info"),
        (0, "files", ""),
        (0, "files", "--fail-on never"),
        // What is named adds to the threshold.
        (1, "files", "--fail-on low"),
        (1, "files", "--fail-on HK-CAP-004"),
        (1, "files", "--fail-on never,hk-cap-*"),
        (1, "files", "--fail-on never --fail-on HK-CAP-002"),
        (1, "shop", "--fail-on HK-SCH-001"),
        (0, "files", "--fail-on HK-POI-*,drift,incomplete"),
        // Incomplete, and what accepts it.
        (3, "shop", "--fail-on never"),
        (0, "shop", "--fail-on never --allow-incomplete"),
        (3, "shop", "--fail-on never,incomplete --allow-incomplete"),
        // Findings weigh more than gaps, an unwritten report more than findings, usage more than all.
        (1, "shop", ""),
        (1, "shop", "--allow-incomplete"),
        (4, "shop", "--output missing/report.json"),
        (2, "shop", "--output missing/report.json --fail-on hihg"),
        (2, "shop", "--fail-on HK-NIX-001"),
        (2, "shop", "--fail-on never,low"),
        (2, "shop", "--suppressions missing.yaml"),
    ] {
        let args: Vec<&str> = args.split_whitespace().collect();
        let output = home.scan(what, &args);
        assert_eq!(output.status.code(), Some(expected), "{what} {args:?}: {}", stderr(&output));
        assert_eq!(expected == 2, output.stdout.is_empty() && expected != 4, "{what} {args:?}");
    }
    // Where nothing at all was evaluated there is nothing to accept.
    for (expected, args) in [
        (3, "dead.json"),
        (3, "dead.json --allow-incomplete"),
        (3, "half.json"),
        (0, "half.json --allow-incomplete"),
        (3, "half.json --allow-incomplete --no-stdio"),
        (3, "half.json --allow-incomplete --fail-on incomplete"),
    ] {
        let args: Vec<&str> = long.split(' ').chain(args.split(' ')).collect();
        let output = home.run(&args);
        assert_eq!(output.status.code(), Some(expected), "{args:?}: {}", stderr(&output));
    }
}

#[test]
fn a_signal_weighs_more_than_findings() {
    let home = Home::new("signal", "");
    let servers = json!({"mcpServers": {
        "shop": {"command": PROGRAM, "args": ["demo-server", "--persona", "shop"]},
        "mute": {"command": "sleep", "args": ["600"]}}});
    home.write("two.json", &servers.to_string());
    let args =
        ["scan", "--targets", "two.json", "--format", "ndjson", "--concurrency", "2", "--timeout", "300"];
    let mut command = home.command(&args);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut failing = 0;
    for line in lines {
        let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
        if line["type"] == "target" && line["name"] == "shop" {
            failing = line["findings"].as_array().unwrap().iter().filter(|f| f["fails"] == true).count();
            let id = child.id().to_string();
            assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        }
    }
    assert!(failing > 0);
    assert_eq!(child.wait().unwrap().code(), Some(143));
}

#[test]
fn quiet_runs_say_which_findings_fail_them() {
    let home = Home::new("quiet", "");
    let failing = home.report("shop", &[])["summary"]["failing"].as_u64().unwrap();
    let said = stderr(&home.scan("shop", &["-q"]));
    let lines: Vec<&str> = said.lines().collect();
    let expected = format!(
        "hawkeye: {failing} findings fail (HK-POI-001 on hawkeye; HK-POI-003 on hawkeye; HK-POI-006 on hawkeye; {} more)",
        failing - 3
    );
    assert_eq!(lines[0], expected);
    assert!(lines[1].starts_with("hawkeye: 1 of 1 server incomplete (hawkeye: "), "{said}");
    assert_eq!(stderr(&home.scan("weather", &["-q"])), "");
    let said = stderr(&home.scan("files", &["-q", "--fail-on", "HK-CAP-002"]));
    assert_eq!(said, "hawkeye: 2 findings fail (HK-CAP-002 on hawkeye; HK-CAP-002 on hawkeye)\n");
}

#[test]
fn rules_are_switched_off_graded_and_added() {
    let settings = "rules:
  disable: [HK-POI-*, HK-CAP-005]
  severity: {HK-CAP-*: critical, HK-CAP-003: info}
  files: own.yaml
  custom:
    - {id: ACME-001, title: names the catalogue, severity: low, confidence: high, pattern: '\\bcatalogue\\b',
       unless: export, where: [description, name], kinds: [tool, resource], remedy: Rename it., references: [CWE-200]}
";
    let home = Home::new("rules", settings);
    home.write(
        ".hawkeye/own.yaml",
        "- {id: ACME-002, title: t, severity: high, patterns: [nothing like it], remedy: r}\n",
    );
    let output = home.scan("shop", &["--format", "json"]);
    let report = json_of(&output);
    let of = |rule: &str| -> Vec<&Value> { findings(&report).iter().filter(|f| f["rule"] == rule).collect() };
    assert!(of("HK-POI-001").is_empty() && of("HK-CAP-005").is_empty(), "{report}");
    assert!(of("HK-CAP-002").len() == 2 && of("HK-CAP-002").iter().all(|f| f["severity"] == "critical"));
    assert_eq!(of("HK-CAP-003")[0]["severity"], "info");
    let own = of("ACME-001");
    assert!(!own.is_empty() && own.iter().all(|f| f["severity"] == "low" && f["confidence"] == "high"));
    assert_eq!(own[0]["references"], json!(["CWE-200"]));
    assert!(own[0]["excerpt"].as_str().unwrap().contains("catalogue"), "{own:?}");
    for finding in &own {
        let place = finding["pointer"].as_str().unwrap();
        assert!(report["targets"][0].pointer(place).is_some(), "{place} leads nowhere");
    }
    assert_eq!(output.status.code(), Some(1));

    // The rules of a run are named as those that they are.
    let plain = Home::new("plain", "");
    let (theirs, ours) = (&report["tool"]["rules"], &plain.report("weather", &[])["tool"]["rules"]);
    assert!(theirs["version"] != ours["version"] && theirs["sha256"] != ours["sha256"], "{theirs} {ours}");
    let listed = json_of(&home.run(&["rules", "list", "--format", "json"]));
    for key in ["version", "count", "sha256"] {
        assert_eq!(theirs[key], listed[key], "{key}");
    }
    let rule = |id: &str| listed["rules"].as_array().unwrap().iter().find(|r| r["id"] == id).unwrap().clone();
    assert_eq!(
        (&rule("HK-POI-001")["enabled"], &rule("HK-CAP-001")["enabled"]),
        (&json!(false), &json!(true))
    );
    let held = listed["rules"].as_array().unwrap().iter().filter(|r| r["enabled"] == true).count();
    assert_eq!(listed["count"], held);
    assert_eq!(
        (&rule("HK-CAP-002")["severity"], &rule("ACME-002")["custom"]),
        (&json!("critical"), &json!(true))
    );
    let unassessed = theirs["not_assessed"].to_string();
    assert!(unassessed.contains("HK-POI-*, HK-CAP-005"), "{unassessed}");
    let table = String::from_utf8(home.run(&["rules", "list"]).stdout).unwrap();
    for part in ["HK-POI-001  off", "critical (was ", "ACME-001", "rules in force, "] {
        assert!(table.contains(part), "{part}: {table}");
    }
    let explained = String::from_utf8(home.run(&["rules", "explain", "acme-001"]).stdout).unwrap();
    assert!(explained.contains("hawkeye.yaml:6") && explained.contains("unless `export`"), "{explained}");
}

#[test]
fn where_no_rule_is_in_force_nothing_passes_for_judged() {
    let off = "mcp_introspection: {enable_risk_assessment: false, enable_schema_validation: false}\n";
    let home = Home::new("nothing", off);
    let output = home.scan("shop", &["--format", "json"]);
    let report = json_of(&output);
    assert_eq!(report["tool"]["rules"]["count"], 0);
    let unassessed = report["tool"]["rules"]["not_assessed"][0].as_str().unwrap();
    assert!(unassessed.contains("no rule is in force"), "{unassessed}");
    let table = String::from_utf8(home.scan("shop", &[]).stdout).unwrap();
    assert!(table.contains("nothing was judged"), "{table}");
    for format in ["html", "markdown", "sarif"] {
        let text = String::from_utf8(home.scan("shop", &["--format", format]).stdout).unwrap().to_lowercase();
        assert!(text.contains("nothing was judged") && !text.contains("no finding"), "{format}: {text}");
    }
    home.write("saved.json", "{\"tools\": []}");
    let output = home.run(&["assess", "saved.json"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("no rule is in force, and assess only judges"), "{}", stderr(&output));

    for settings in ["rules: {disable: '*'}".to_owned(), format!("{off}rules: {{disable: HK-POI-*}}")] {
        let home = Home::new("none", &settings);
        let output = home.scan("weather", &[]);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains("no rule is left"), "{}", stderr(&output));
        home.write("saved.json", "{\"tools\": []}");
        let output = home.run(&["assess", "saved.json"]);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains("no rule is left"), "{}", stderr(&output));
    }
    // A rule of one's own is one.
    let own =
        "rules: {disable: HK-*, custom: [{id: A-1, title: t, severity: high, pattern: xyz, remedy: r}]}";
    assert_eq!(Home::new("own", own).scan("weather", &[]).status.code(), Some(0));
}

#[test]
fn what_cannot_be_used_is_named_with_its_place() {
    let rule = "id: ACME-001, title: t, severity: high, remedy: r";
    let entry = "fingerprint: 0123456789abcdef0123456789abcdef, owner: o, reason: r, expires: 2099-01-01";
    for (settings, expected) in [
        (
            "rules:\n  disable: [HK-SCH-01]\n".to_owned(),
            "hawkeye.yaml:2: rules.disable: no rule \"HK-SCH-01\" (did you mean HK-SCH-001?)",
        ),
        (
            "rules: {severity: {HK-CAP-001: hihg}}".to_owned(),
            "must be one of info, low, medium, high, critical (did you mean \"high\"?)",
        ),
        ("rules: {severity: {NO-1: high}}".to_owned(), "no rule \"NO-1\""),
        (format!("rules:\n  custom:\n    - {{{rule}, pattern: '('}}"), "hawkeye.yaml:3:"),
        (
            format!("rules: {{custom: [{{{rule}, pattern: '('}}]}}"),
            "rule ACME-001: pattern \"(\" is no pattern",
        ),
        (format!("rules: {{custom: [{{{rule}, pattern: 'a*'}}]}}"), "fits every text"),
        (format!("rules: {{custom: [{{{rule}}}]}}"), "rule ACME-001: pattern is missing"),
        (
            format!("rules: {{custom: [{{{rule}, pattern: x, patern: y}}]}}"),
            "unknown key \"patern\" (did you mean \"pattern\"?)",
        ),
        (
            format!("rules: {{custom: [{{{rule}, pattern: x}}, {{{rule}, pattern: x}}]}}"),
            "rule ACME-001 stands in ",
        ),
        (format!("rules: {{custom: [{{{rule}, pattern: x, where: nmae}}]}}"), "did you mean \"name\"?"),
        (
            format!("rules: {{custom: [{{{rule}, pattern: x, where: instructions, kinds: tool}}]}}"),
            "add server",
        ),
        (
            "rules: {custom: [{id: HK-OWN-1, title: t, severity: high, pattern: x, remedy: r}]}".to_owned(),
            "begins with HK-",
        ),
        (
            "rules: {custom: [{id: high, title: t, severity: high, pattern: x, remedy: r}]}".to_owned(),
            "a hyphen",
        ),
        ("rules: {files: missing.yaml}".to_owned(), "missing.yaml cannot be read"),
        ("policy: [{action: allow, rule: HK-CAP-001}]".to_owned(), "reason is missing"),
        ("policy: [{action: deny, rule: HK-CAP-001}]".to_owned(), "must be one of allow, warn, fail"),
        ("policy: [{action: fail}]".to_owned(), "says nothing of what it is for"),
        (
            "policy:\n  - {action: warn, server: x}\n  - {action: fail, rule: HK-NO-*}".to_owned(),
            "hawkeye.yaml:3: policy: no rule \"HK-NO-*\"",
        ),
        ("fail_on: [never, high]".to_owned(), "never and high exclude each other"),
        ("fail_on: ACME-9".to_owned(), "hawkeye.yaml:1: fail_on: no rule \"ACME-9\""),
        ("suppressions: s.yaml\n".to_owned(), ""),
    ] {
        let home = Home::new("errors", &settings);
        home.write(".hawkeye/s.yaml", &format!("- {{{entry}}}\n"));
        let output = home.scan("weather", &[]);
        let said = stderr(&output);
        let code = if expected.is_empty() { 0 } else { 2 };
        assert_eq!(output.status.code(), Some(code), "{settings}: {said}");
        let one_line = said.lines().count() == usize::from(!expected.is_empty()) || expected.is_empty();
        assert!(said.contains(expected) && one_line, "{settings}: {said}");
        if code == 2 {
            let checked = home.run(&["config", "check", ".hawkeye/hawkeye.yaml"]);
            assert_eq!(checked.status.code(), Some(2), "{settings}");
        }
    }
    for (text, expected) in [
        (
            "- {fingerprint: 12, owner: o, reason: r, expires: 2099-01-01}".to_owned(),
            "s.yaml:1:17: suppression 12: fingerprint: 12 must be text",
        ),
        ("a: 1".to_owned(), "must be a list of suppressions"),
        (format!("- {{{}}}", entry.replace("0123", "xyz")), "must be 32 digits"),
        (
            format!("\n- {{{}}}", entry.replace("owner: o, ", "")),
            "s.yaml:2:4: suppression 0123456789abcdef0123456789abcdef: owner is missing",
        ),
        (format!("- {{{}}}", entry.replace("reason: r", "reason: ''")), "reason is empty"),
        (format!("- {{{}}}", entry.replace("2099-01-01", "2099-02-30")), "must be a day"),
        (format!("- {{{}}}", entry.replace(", expires: 2099-01-01", "")), "expires is missing"),
        (format!("- {{{entry}, rule: HK-NO-1}}"), "s.yaml:1:4: suppression: rule: no rule"),
        (format!("- {{{entry}}}\n- {{{entry}}}"), "stands in s.yaml:1 already"),
        (format!("- {{{entry}, until: x}}"), "unknown key \"until\""),
    ] {
        let home = Home::new("entries", "");
        home.write("s.yaml", &text);
        let output = home.scan("weather", &["--suppressions", "s.yaml"]);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{text}: {said}");
        assert!(said.contains(expected) && said.lines().count() == 1, "{text}: {said}");
    }
}

#[test]
fn suppressed_findings_are_shown_and_count_for_nothing_until_their_day() {
    let home = Home::new("suppressed", "mcp_introspection: {enable_result_caching: true}\n");
    let before = home.report("shop", &[]);
    // What its tools can do together is one of them.
    let together = before["clients"][0]["findings"].as_array().unwrap();
    let all = findings(&before).iter().chain(together);
    let failing: Vec<Value> = all.filter(|f| f["fails"] == true).cloned().collect();
    assert_eq!(before["summary"]["failing"], failing.len());
    assert!(failing.iter().any(|f| f["rule"] == "HK-FLW-001"), "{before}");
    home.write("s.yaml", &suppressions(&failing, "2099-12-31"));
    let scan = |persona: &str| home.scan(persona, &["--format", "json", "--suppressions", "s.yaml"]);
    let output = scan("shop");
    let report = json_of(&output);
    // Three of its lists are broken, nothing else is left to complain about.
    assert_eq!(output.status.code(), Some(3), "{report}");
    assert_eq!(report["summary"]["suppressed"], failing.len());
    assert_eq!(
        (&report["summary"]["failing"], &report["summary"]["findings"]["critical"]),
        (&json!(0), &json!(0))
    );
    let first = findings(&report).iter().find(|f| f["fingerprint"] == failing[0]["fingerprint"]).unwrap();
    let expected =
        json!({"by": "s.yaml:1", "owner": "ops", "reason": "it is the demo", "expires": "2099-12-31"});
    assert_eq!(first["suppressed"], expected);
    assert!(first.get("fails").is_none());

    home.write("s.yaml", &suppressions(&failing, "2026-01-31"));
    let output = scan("shop");
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(said.contains("s.yaml:1: ") && said.contains("by ops has expired on 2026-01-31"), "{said}");
    assert_eq!(said.lines().count(), failing.len(), "{said}");

    // An answer that is remembered is judged as one that was just given.
    let low = home.report("files", &[]);
    home.write("s.yaml", &suppressions(findings(&low), "2099-12-31"));
    let output = home.scan("files", &["--format", "json", "--fail-on", "info", "--suppressions", "s.yaml"]);
    let report = json_of(&output);
    assert_eq!(output.status.code(), Some(0), "{report}");
    assert!(report["targets"][0]["cached"].is_object(), "{report}");
    assert_eq!(stderr(&output), "");

    // What is not found any more is named, but only where everything could be looked at.
    home.write("s.yaml", &suppressions(&failing, "2099-12-31"));
    let said = stderr(&scan("weather"));
    assert!(said.contains("s.yaml:1: nothing is found any more"), "{said}");
    assert_eq!(said.lines().count(), failing.len(), "{said}");
    home.write("s.yaml", &suppressions(findings(&low), "2099-12-31"));
    assert!(!stderr(&scan("shop")).contains("any more"));
    let elsewhere = suppressions(findings(&low), "2099-12-31").replace("server: hawkeye", "server: other");
    home.write("s.yaml", &elsewhere);
    assert!(!stderr(&scan("weather")).contains("any more"));

    let valid = format!("valid, {} suppressions", findings(&low).len());
    for (name, expected) in [("s.yaml", valid.as_str()), ("own.yaml", "valid, 1 rule")] {
        home.write("own.yaml", "- {id: A-1, title: t, severity: low, pattern: x, remedy: r}\n");
        let checked = home.run(&["config", "check", name]);
        assert!(String::from_utf8(checked.stdout).unwrap().contains(expected), "{name}");
    }
}

#[test]
fn the_policy_goes_by_rule_severity_server_and_tag() {
    let settings = "policy:
  - {action: allow, rule: HK-POI-*, server: lab-*, reason: it is a lab}
  - {action: fail, rule: HK-CAP-002, tag: prod}
  - {action: warn, tag: CWE-1427}
  - {action: fail, severity: medium}
";
    let home = Home::new("policy", settings);
    let shop = |delay: &str, tags: Value| {
        let args = json!(["demo-server", "--persona", "shop", "--delay-ms", delay]);
        json!({"command": PROGRAM, "args": args, "tags": tags})
    };
    let servers = json!({"mcpServers": {
        "lab-1": shop("0", json!([])), "live": shop("1", json!(["prod", "payments"])), "other": shop("2", json!("x")),
        // The same server again: its tags are those of both entries.
        "same": shop("2", json!(["prod"]))}});
    home.write("servers.json", &servers.to_string());
    let output = home.run(&["scan", "--format", "json", "--targets", "servers.json"]);
    let report = json_of(&output);
    assert_eq!(output.status.code(), Some(1), "{report}");
    let target = |name: &str| {
        report["targets"].as_array().unwrap().iter().find(|t| t["name"] == name).unwrap().clone()
    };
    let fate = |name: &str, rule: &str| {
        let target = target(name);
        let finding =
            target["findings"].as_array().unwrap().iter().find(|f| f["rule"] == rule).unwrap().clone();
        match (finding["fails"] == true, finding["suppressed"]["reason"].as_str()) {
            (true, None) => "fails".to_owned(),
            (false, Some(reason)) => format!("{}: {reason}", finding["suppressed"]["by"].as_str().unwrap()),
            (false, None) => "counts".to_owned(),
            both => format!("{both:?}"),
        }
    };
    assert_eq!(target("live")["tags"], json!(["prod", "payments"]));
    assert_eq!(target("other")["tags"], json!(["x", "prod"]));
    for (server, rule, expected) in [
        ("lab-1", "HK-POI-001", "policy: it is a lab"),
        ("lab-1", "HK-CAP-002", "counts"),
        ("live", "HK-POI-001", "counts"),
        ("live", "HK-CAP-002", "fails"),
        ("other", "HK-CAP-002", "fails"),
    ] {
        assert_eq!(fate(server, rule), expected, "{server} {rule}");
    }
    let broken = json!({"mcpServers": {"a": {"command": "true", "tags": {"team": "x"}}}});
    home.write("servers.json", &broken.to_string());
    let report = json_of(&home.run(&["scan", "--format", "json", "--targets", "servers.json"]));
    let failure = report["targets"][0]["failure"]["message"].as_str().unwrap();
    assert!(failure.starts_with("tags: must be"), "{failure}");
}

#[test]
fn the_shipped_examples_of_a_policy_hold_and_do_what_they_say() {
    let shipped = |name: &str| format!("{}/config/{name}", env!("CARGO_MANIFEST_DIR"));
    let home = Home::new("shipped", "");
    for name in ["policy.example.yaml", "suppressions.example.yaml"] {
        let checked = home.run(&["config", "check", &shipped(name)]);
        assert_eq!((checked.status.code(), stderr(&checked).as_str()), (Some(0), ""), "{name}: {checked:?}");
    }
    let tool = |name: &str, text: &str| json!({"name": name, "description": text, "inputSchema": {"type": "object", "properties": {}}});
    let listing = json!({"tools": [
        tool("Payroll_export", "Listed at wiki.c\u{43e}rp.acme.example."),
        tool("find_page", "Listed at docs.corp.acme.example."),
    ]});
    home.write("listing.json", &listing.to_string());
    let judged = home.run(&[
        "assess",
        "listing.json",
        "--format",
        "json",
        "--config",
        &shipped("policy.example.yaml"),
    ]);
    assert_eq!(judged.status.code(), Some(1), "{judged:?}");
    let report = json_of(&judged);
    let own: Vec<_> = findings(&report)
        .iter()
        .filter_map(|f| Some((f["rule"].as_str()?, f["pointer"].as_str()?)))
        .filter(|(rule, _)| rule.starts_with("ACME-"))
        .collect();
    assert_eq!(own, [("ACME-002", "/tools/0/name"), ("ACME-001", "/tools/0/description")]);
    assert_eq!(
        report["clients"][0]["findings"][0]["rule"], "HK-SHW-001",
        "the list of approved servers is read"
    );
}
