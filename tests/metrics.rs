//! Metrics as Prometheus sees them: checked by the real promtool, scraped over real sockets.

#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_hawkeye");
/// Nothing here takes a second on an idle machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A directory of its own, which is also the home of the user who scans.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Place {
        let dir = env::temp_dir().join(format!("hawkeye-metrics-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(dir.join(".hawkeye")).unwrap();
        Place(dir)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).unwrap();
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    fn hawkeye(&self, args: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
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

/// Where scripts/install-promtool.sh puts it, or where the system has it.
fn promtool() -> PathBuf {
    let zoo = env::var_os("HAWKEYE_ZOO")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/zoo"), PathBuf::from);
    let ours = zoo.join("prometheus/usr/bin/promtool");
    let paths = env::var_os("PATH").unwrap_or_default();
    let theirs = env::split_paths(&paths).map(|folder| folder.join("promtool"));
    let found = std::iter::once(ours).chain(theirs).find(|path| path.is_file());
    found.expect("no promtool: run scripts/install-promtool.sh")
}

fn promtool_says(args: &[&OsStr], input: &str) -> (Option<i32>, String) {
    let mut child = Command::new(promtool())
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

/// Holds `text` against the format and the customs of Prometheus: 3 would be an objection to the customs.
fn check(text: &str) {
    let (code, said) = promtool_says(&["check".as_ref(), "metrics".as_ref()], text);
    assert_eq!((code, said.as_str()), (Some(0), ""), "{text}");
}

/// The value of one series.
fn value(text: &str, series: &str) -> f64 {
    let found = text.lines().find_map(|l| l.strip_prefix(series)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("no {series} in\n{text}")).parse().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn promtool_objects_to_what_is_wrong() {
    let (code, said) = promtool_says(&["check".as_ref(), "metrics".as_ref()], "a{b=\"c} 1\n");
    assert_eq!(code, Some(1), "{said}");
}

#[test]
fn what_a_real_scan_writes_satisfies_promtool() {
    let place = Place::new("real");
    place.write(".hawkeye/hawkeye.yaml", "monitoring: {enabled: true, collect_detailed_metrics: true}\n");
    let output = place.run(&[
        "scan",
        "--demo",
        "-q",
        "--format",
        "prometheus",
        "--output",
        "r.txt",
        "--output",
        "s.prom",
    ]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let collected = place.text(".hawkeye/metrics/hawkeye.prom");
    for text in [&collected, &place.text("r.txt"), &place.text("s.prom")] {
        check(text);
        assert_eq!(value(text, "hawkeye_targets_total{status=\"complete\",transport=\"sse\"}"), 1.0);
        assert_eq!(value(text, "hawkeye_target_up{target=\"files-2025-11-http\"}"), 1.0);
        assert_eq!(value(text, "hawkeye_target_up{target=\"files-locked-http\"}"), 0.0);
        assert_eq!(value(text, "hawkeye_run_targets{status=\"failed\"}"), 1.0);
    }
    assert!(value(&collected, "hawkeye_connections_total{state=\"reused\"}") > 0.0);
    assert_eq!(value(&collected, "hawkeye_processes_started_total"), 5.0);
    let sums: f64 = ["http", "sse", "stdio"]
        .map(|t| value(&collected, &format!("hawkeye_connection_setup_seconds_count{{transport=\"{t}\"}}")))
        .iter()
        .sum();
    assert_eq!(sums, 10.0);
}

#[test]
fn nothing_is_collected_that_nobody_asked_for() {
    let place = Place::new("off");
    place.write(".hawkeye/hawkeye.yaml", "monitoring: {enabled: false, listen: 0, export_interval: 1}\n");
    let output = place.run(&["scan", "-v", "--", PROGRAM, "demo-server"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(!place.0.join(".hawkeye/metrics").exists() && !stderr(&output).contains("metrics on"));
}

#[test]
fn names_that_no_format_likes_stay_within_their_label() {
    let place = Place::new("hostile");
    let names = [
        "quote\"} 1\nforged{a=\"b",
        "back\\slash\\",
        "line\nbreak\r\ttab\0nul",
        "\u{1b}[2J\u{202e}bidi\u{2028}",
        "ünïcödé ✓ 名前 {}=,#",
        &format!("{}a", "long".repeat(2560)),
        &format!("{}b", "long".repeat(2560)),
        "https://user:hunter2@example.com/mcp?token=hunter2",
    ];
    // Each with a variable of its own: the same command twice would be one server.
    let server = |n: usize| json!({"command": PROGRAM, "args": ["demo-server"], "env": {"N": n.to_string()}});
    let servers: serde_json::Map<String, Value> =
        names.iter().enumerate().map(|(n, name)| ((*name).to_owned(), server(n))).collect();
    place.write("servers.json", &json!({ "mcpServers": servers }).to_string());
    let output = place.run(&[
        "scan",
        "--targets",
        "servers.json",
        "-q",
        "--metrics-file",
        "m.prom",
        "--output",
        "r.json",
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = place.text("m.prom");
    check(&text);
    let of_targets: Vec<&str> =
        text.lines().filter(|l| l.starts_with("hawkeye_target_last_success_timestamp_seconds{")).collect();
    assert_eq!(of_targets.len(), names.len(), "{of_targets:#?}");
    assert!(of_targets.iter().all(|l| l.chars().count() < 400), "{of_targets:#?}");
    assert!(!text.contains("hunter2") && !text.contains("\nforged"));
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'));
    // And what was read back is the same, not escaped twice.
    place.run(&["scan", "--targets", "servers.json", "-q", "--metrics-file", "m.prom", "--output", "r.json"]);
    let labels = |text: &str| -> BTreeSet<String> {
        let series = text.lines().filter(|l| l.contains("{target="));
        series.map(|l| l.rsplit_once(' ').unwrap().0.to_owned()).collect()
    };
    assert_eq!(labels(&place.text("m.prom")), labels(&text));
}

#[test]
fn a_file_goes_on_where_the_last_run_ended_and_everybody_may_read_it() {
    let place = Place::new("file");
    let scan = |targets: &[&str]| {
        let common = ["scan", "-q", "--timeout", "20", "--metrics-file", "m.prom", "--output", "r.json"];
        let output = place.run(&[&common[..], targets].concat());
        assert!(output.status.code().is_some_and(|c| [0, 3].contains(&c)), "{}", stderr(&output));
        let text = place.text("m.prom");
        check(&text);
        text
    };
    let dead = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{dead}/mcp");
    let first = scan(&[&url, "--", PROGRAM, "demo-server"]);
    let mode = fs::metadata(place.0.join("m.prom")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o644);
    let success = "hawkeye_target_last_success_timestamp_seconds{target=\"hawkeye\"}";
    let when = value(&first, success);
    assert_eq!(value(&first, "hawkeye_failures_total{kind=\"connect_failed\",phase=\"connect\"}"), 1.0);
    assert_eq!((value(&first, "hawkeye_success_ratio"), value(&first, "hawkeye_error_ratio")), (0.5, 0.5));
    // The same name, which now fails.
    let second = scan(&["--", PROGRAM, "demo-server", "--no-such-option"]);
    assert_eq!(value(&second, success), when);
    assert_eq!(value(&second, "hawkeye_runs_total{ended=\"whole\"}"), 2.0);
    assert_eq!(value(&second, "hawkeye_failures_total{kind=\"connect_failed\",phase=\"connect\"}"), 1.0);
    assert_eq!(value(&second, "hawkeye_success_ratio"), 0.0);
    // What is no file of ours is replaced, and counted from nothing.
    place.write("m.prom", "hawkeye_runs_total{ended=\"whole\"} 41\n");
    let third = scan(&["--", PROGRAM, "demo-server"]);
    assert_eq!(value(&third, "hawkeye_runs_total{ended=\"whole\"}"), 1.0);
}

#[test]
fn what_cannot_be_written_or_served_is_said_before_anything_is_run() {
    let place = Place::new("refused");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (option, value, complaint) in [
        (
            "--metrics-file",
            "none/m.prom",
            "hawkeye: cannot write metrics: none/m.prom: no such directory\n".to_owned(),
        ),
        (
            "--metrics-file",
            "/dev/null",
            "hawkeye: cannot write metrics: /dev/null: is no regular file\n".to_owned(),
        ),
        (
            "--metrics-listen",
            &address,
            format!("hawkeye: cannot serve metrics on {address}: it is in use (give another port)\n"),
        ),
        (
            "--profile-folded",
            "none/f",
            "hawkeye: cannot write the profile: none/f: no such directory\n".to_owned(),
        ),
    ] {
        let output = place.run(&["scan", option, value, "--", "touch", "touched"]);
        assert_eq!((output.status.code(), stderr(&output)), (Some(4), complaint));
        assert!(!place.0.join("touched").exists());
    }
    // What fails only at the end is said there, however quiet the run is.
    fs::create_dir(place.0.join("gone")).unwrap();
    let script = "rmdir gone; exec \"$0\" demo-server";
    let args = [
        "scan",
        "-q",
        "--output",
        "r.json",
        "--metrics-file",
        "gone/m.prom",
        "--",
        "sh",
        "-c",
        script,
        PROGRAM,
    ];
    let output = place.run(&args);
    let complaint = "hawkeye: cannot write metrics: gone/m.prom: no such directory\n";
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(4), complaint));
    // A setting that holds for every run is no reason for none.
    place.write(".hawkeye/hawkeye.yaml", "monitoring: {enabled: true, file: /dev/null}\n");
    let output = place.run(&["scan", "--", PROGRAM, "demo-server"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(stderr(&output).contains("/dev/null: is no regular file; this run goes without metrics"));
}

/// A scan that is being scraped; ended when dropped.
struct Scan {
    child: Child,
    address: SocketAddr,
}

impl Scan {
    /// Of a server that does not answer, and of one that does.
    fn slow(place: &Place, more: &[&str]) -> Scan {
        let servers = json!({"mcpServers": {
            "slow": {"command": PROGRAM, "args": ["demo-server", "--delay-ms", "100000"]},
            "quick": {"command": PROGRAM, "args": ["demo-server"]},
        }});
        place.write("servers.json", &servers.to_string());
        let args = ["scan", "--targets", "servers.json", "--timeout", "100", "-v", "--metrics-listen", "0"];
        let mut child = place
            .hawkeye(&[&args[..], more].concat())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        let address = lines.find_map(|line| {
            line.strip_prefix("hawkeye: info: metrics on http://")?.strip_suffix("/metrics")?.parse().ok()
        });
        // Read on, so that the scan is never stopped by a full pipe.
        thread::spawn(move || lines.for_each(drop));
        Scan { child, address: address.expect("it says where it listens") }
    }

    fn ask(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn metrics(&self) -> String {
        let answer = self.ask("GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: text/plain\r\n\r\n");
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(
            head.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n")
        );
        assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())));
        body.to_owned()
    }

    /// The first scrape that `wanted` likes.
    fn once(&self, wanted: impl Fn(&str) -> bool) -> String {
        let begun = Instant::now();
        loop {
            let text = self.metrics();
            if wanted(&text) {
                return text;
            }
            assert!(begun.elapsed() < PATIENCE, "{text}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn end(mut self) -> Option<i32> {
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Scan {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_scan_that_goes_on_can_be_scraped() {
    let place = Place::new("scrape");
    let scan = Scan::slow(&place, &[]);
    let done = "hawkeye_targets_total{status=\"complete\",transport=\"stdio\"} 1";
    let text = scan.once(|text| text.contains(done));
    check(&text);
    assert_eq!(value(&text, "hawkeye_targets_pending"), 1.0);
    assert!(value(&text, "hawkeye_memory_bytes{state=\"resident\"}") > 1e6);
    let first_line = |request: &str| scan.ask(request).lines().next().unwrap_or_default().to_owned();
    assert!(scan.ask("GET /healthz HTTP/1.0\r\n\r\n").ends_with("\r\n\r\nok\n"));
    assert!(scan.ask("GET /metrics?x=y HTTP/1.1\n\n").contains("\nhawkeye_build_info"));
    let head = scan.ask("HEAD /metrics HTTP/1.1\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 200 OK") && head.ends_with("\r\n\r\n"), "{head}");
    assert!(scan.ask("POST /metrics HTTP/1.1\r\n\r\n{}").contains("\r\nAllow: GET, HEAD\r\n"));
    assert_eq!(first_line("POST /metrics HTTP/1.1\r\n\r\n{}"), "HTTP/1.1 405 Method Not Allowed");
    assert_eq!(first_line("GET / HTTP/1.1\r\n\r\n"), "HTTP/1.1 404 Not Found");
    assert_eq!(first_line("GET /../metrics HTTP/1.1\r\n\r\n"), "HTTP/1.1 404 Not Found");
    assert_eq!(first_line("\x16\x03\x01\u{0}\r\n\r\n"), "HTTP/1.1 400 Bad Request");
    assert_eq!(first_line("GET /metrics HTTP/9\r\n\r\n"), "HTTP/1.1 400 Bad Request");
    let huge = format!("GET /metrics HTTP/1.1\r\nX: {}", "a".repeat(20_000));
    assert_eq!(first_line(&huge), "HTTP/1.1 431 Request Header Fields Too Large");
    let address = scan.address;
    assert_eq!(scan.end(), Some(143));
    assert!(TcpStream::connect(address).is_err(), "nobody listens after the end");
}

#[test]
fn guests_that_stay_silent_hold_up_neither_scrapes_nor_the_end() {
    let place = Place::new("loris");
    let scan = Scan::slow(&place, &[]);
    let guests: Vec<TcpStream> = (0..200)
        .map(|n| {
            let mut guest = TcpStream::connect(scan.address).unwrap();
            // Some have begun to ask, some never read their answer. One that was sent away may see a reset.
            let begun: &[u8] = if n % 2 == 0 { b"GET /metr" } else { b"GET /metrics HTTP/1.1\r\n\r\n" };
            let _ = guest.write_all(begun);
            guest
        })
        .collect();
    check(&scan.metrics());
    let begun = Instant::now();
    assert_eq!(scan.end(), Some(143));
    assert!(begun.elapsed() < PATIENCE);
    drop(guests);
}

#[test]
fn the_file_is_written_while_the_scan_goes_on() {
    let place = Place::new("interval");
    place.write(".hawkeye/hawkeye.yaml", "monitoring: {export_interval: 1}\n");
    let scan = Scan::slow(&place, &["--metrics-file", "m.prom"]);
    let begun = Instant::now();
    let path = place.0.join("m.prom");
    while !path.exists() {
        assert!(begun.elapsed() < PATIENCE);
        thread::sleep(Duration::from_millis(50));
    }
    // Renamed when it was whole.
    let text = place.text("m.prom");
    check(&text);
    assert_eq!(value(&text, "hawkeye_targets_pending"), 1.0);
    assert_eq!(scan.end(), Some(143));
    let text = place.text("m.prom");
    assert_eq!(value(&text, "hawkeye_run_interrupted"), 1.0);
    assert_eq!(value(&text, "hawkeye_runs_total{ended=\"interrupted\"}"), 1.0);
}

#[test]
fn the_profile_is_on_stderr_and_the_report_is_not_touched() {
    let place = Place::new("profile");
    let args = ["scan", "--format", "json", "--profile-report", "--profile-folded", "f.txt", "--"];
    let output = place.run(&[&args[..], &[PROGRAM, "demo-server", "--delay-ms", "30"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let told = stderr(&output);
    assert!(told.starts_with("profile: 1 targets in "), "{told}");
    for part in ["by phase, top 20 of", "by target, top 20 of 1", "handshake", "processor: ", "MiB at most"] {
        assert!(told.contains(part), "{part} in {told}");
    }
    let folded = place.text("f.txt");
    let sum: u64 = folded.lines().map(|l| l.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()).sum();
    assert_eq!(sum as f64, (report["targets"][0]["timing"]["total_ms"].as_f64().unwrap() * 1000.0).round());
    assert!(folded.lines().all(|l| l.starts_with("hawkeye;stdio;hawkeye;")), "{folded}");
}

#[test]
fn alert_rules_and_scrape_example_are_valid_and_the_alerts_fire() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (what, file) in [
        (["check", "rules"], "config/prometheus/hawkeye-alerts.yml"),
        (["check", "config"], "config/prometheus/scrape.example.yml"),
        (["test", "rules"], "tests/prometheus/alerts.test.yml"),
    ] {
        let path = root.join(file);
        let (code, said) = promtool_says(&[what[0].as_ref(), what[1].as_ref(), path.as_os_str()], "");
        assert_eq!(code, Some(0), "{file}: {said}");
    }
}

#[test]
fn every_query_of_the_dashboard_is_one() {
    let place = Place::new("dashboard");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/grafana/hawkeye-dashboard.json");
    let dashboard: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<u64> = panels.iter().map(|p| p["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len(), "panel ids are unique");
    let targets = panels.iter().filter_map(|p| p["targets"].as_array()).flatten();
    let rules: Vec<Value> = targets
        .enumerate()
        .map(|(n, target)| json!({"record": format!("query:{n}"), "expr": target["expr"]}))
        .collect();
    assert!(rules.len() > 25, "{}", rules.len());
    // JSON is YAML.
    place.write("rules.yml", &json!({"groups": [{"name": "dashboard", "rules": rules}]}).to_string());
    let path = place.0.join("rules.yml");
    let (code, said) = promtool_says(&["check".as_ref(), "rules".as_ref(), path.as_os_str()], "");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(&format!("SUCCESS: {} rules found", rules.len())), "{said}");
}
