//! What a user sees of `hawkeye scan`, on the demo servers.

#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A directory of its own, which is also the home of the user who scans.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Place {
        let dir = std::env::temp_dir().join(format!("hawkeye-scan-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(dir.join(".hawkeye")).unwrap();
        Place(dir)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn hawkeye(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hawkeye"));
        command.args(args).current_dir(&self.0).env("HOME", &self.0);
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.hawkeye(args).output().unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"))
}

fn status_of<'a>(report: &'a Value, name: &str) -> &'a str {
    let targets = report["targets"].as_array().unwrap();
    targets.iter().find(|t| t["name"] == name).unwrap_or_else(|| panic!("no {name}"))["status"]
        .as_str()
        .unwrap()
}

#[test]
fn the_demo_shows_complete_partial_and_failed_servers_over_every_transport() {
    let place = Place::new("demo");
    let output = place.run(&["scan", "--demo", "--format", "json", "--fail-on", "never"]);
    assert_eq!(output.status.code(), Some(3));
    let report = json(&output);
    assert_eq!(report["summary"]["targets"], 10);
    assert_eq!(status_of(&report, "weather-2024-sse"), "complete");
    assert_eq!(status_of(&report, "files-2025-11-http"), "complete");
    assert_eq!(status_of(&report, "weather-2026-stdio"), "complete");
    assert_eq!(status_of(&report, "shop-2025-11-stdio"), "partial");
    let locked =
        report["targets"].as_array().unwrap().iter().find(|t| t["name"] == "files-locked-http").unwrap();
    assert_eq!(locked["failure"]["kind"], "auth_required");
    assert_eq!(locked["auth"]["posture"], "oauth");
}

#[test]
fn servers_of_the_settings_are_run_only_where_the_command_line_names_none() {
    let place = Place::new("settings");
    let touched = place.0.join("touched");
    let settings = format!("mcpServers:\n  mine: {{command: touch, args: [{}]}}\n", touched.display());
    place.write(".hawkeye/hawkeye.yaml", &settings);
    let program = env!("CARGO_BIN_EXE_hawkeye");
    assert_eq!(place.run(&["scan", "--", program, "demo-server"]).status.code(), Some(0));
    place.run(&["scan", "http://127.0.0.1:1/mcp", "--timeout", "5"]);
    assert!(!touched.exists(), "a command nobody asked to run was run");
    place.run(&["scan", "--timeout", "5"]);
    assert!(touched.exists());
}

#[test]
fn a_format_that_is_given_wins_over_the_ending() {
    let place = Place::new("format");
    let program = env!("CARGO_BIN_EXE_hawkeye");
    let args = ["scan", "--output", "a.json", "--output", "b.txt", "--", program, "demo-server"];
    place.run(&args);
    let text = |name: &str| fs::read_to_string(place.0.join(name)).unwrap();
    assert!(text("a.json").starts_with('{') && text("b.txt").starts_with("name"));
    place.run(&["scan", "--format", "ndjson", "--output", "a.json", "--", program, "demo-server"]);
    assert!(text("a.json").starts_with("{\"type\":\"run\""));
    let twice = place.run(&["scan", "--demo", "--output", "a.json", "--output", "./a.json"]);
    assert_eq!(twice.status.code(), Some(2));
}

#[test]
fn ndjson_comes_while_a_slow_server_is_still_asked() {
    let place = Place::new("ndjson");
    let program = env!("CARGO_BIN_EXE_hawkeye");
    let file = format!(
        r#"{{"mcpServers":{{"slow":{{"command":"{program}","args":["demo-server","--delay-ms","60000"]}},
            "quick":{{"command":"{program}","args":["demo-server"]}}}}}}"#
    );
    let file = place.write("servers.json", &file);
    let args = ["scan", "--format", "ndjson", "--targets", file.to_str().unwrap()];
    let mut scan = place.hawkeye(&args).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(scan.stdout.take().unwrap()).lines();
    let kind = |line: String| serde_json::from_str::<Value>(&line).unwrap();
    assert_eq!(kind(lines.next().unwrap().unwrap())["type"], "run");
    assert_eq!(kind(lines.next().unwrap().unwrap())["name"], "quick");
    assert!(scan.try_wait().unwrap().is_none(), "the slow one is still being asked");
    Command::new("kill").args(["-TERM", &scan.id().to_string()]).status().unwrap();
    let rest: Vec<Value> = lines.map(|l| kind(l.unwrap())).collect();
    assert_eq!(rest[0]["failure"]["kind"], "cancelled");
    assert_eq!(rest[rest.len() - 1]["type"], "summary");
    assert_eq!(scan.wait().unwrap().code(), Some(143));
}

#[test]
fn children_that_were_there_before_us_are_left_alone() {
    let place = Place::new("foreign");
    let program = env!("CARGO_BIN_EXE_hawkeye");
    let script =
        format!("sleep 300 & echo $! > pid; exec {program} scan -q --output r.json -- {program} demo-server");
    let status = Command::new("sh")
        .args(["-c", &script])
        .current_dir(&place.0)
        .env("HOME", &place.0)
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(0));
    let pid = fs::read_to_string(place.0.join("pid")).unwrap();
    let alive = Path::new("/proc").join(pid.trim()).exists();
    Command::new("kill").arg(pid.trim()).status().unwrap();
    assert!(alive, "a child of the shell that became us was ended");
}
