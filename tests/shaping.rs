//! How the load is shaped, as a user sees it: width, rate, batches, reports that are written as they come.

#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_hawkeye");

/// A directory of its own, which is also the home of the user who scans.
struct Place(PathBuf);

impl Place {
    fn new(name: &str, settings: &str) -> Place {
        let dir = std::env::temp_dir().join(format!("hawkeye-shaping-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(dir.join(".hawkeye")).unwrap();
        fs::write(dir.join(".hawkeye/hawkeye.yaml"), settings).unwrap();
        Place(dir)
    }

    /// Scans `n` targets at `url`, each with a query of its own.
    fn scan(&self, url: &str, n: usize, more: &[&str]) -> Output {
        let list: String = (0..n).map(|i| format!("{url}?{i}\n")).collect();
        fs::write(self.0.join("targets"), list).unwrap();
        let mut command = Command::new(PROGRAM);
        command.args(["scan", "--targets", "targets"]).args(more).current_dir(&self.0).env("HOME", &self.0);
        command.output().unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A demo server; it ends with its stdin.
struct Http(Child, String);

impl Http {
    fn start(more: &[&str]) -> Http {
        let args = ["demo-server", "--transport", "http", "--revisions", "2026-07-28"];
        let mut process = Command::new(PROGRAM)
            .args(args)
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Http(process, line.trim().trim_start_matches("listening on ").to_owned())
    }
}

impl Drop for Http {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"))
}

/// What came out, and how long it took.
fn timed(scan: impl FnOnce() -> Output) -> (Output, Duration) {
    let begun = Instant::now();
    (scan(), begun.elapsed())
}

#[test]
fn a_scan_that_waits_gets_wider_by_itself() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    // Nobody gets an answer before all forty are there, which is more than any machine begins with.
    let meeting = thread::spawn(move || {
        let all: Vec<_> = listener.incoming().take(40).map(Result::unwrap).collect();
        for mut connection in all {
            let _ = connection.read(&mut [0; 4096]);
            let _ = connection
                .write_all(b"HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        }
    });
    let place = Place::new("width", "");
    let report = json(&place.scan(&url, 40, &["--format", "json"]));
    let answered = |t: &&Value| t["failure"]["kind"] == "auth_required";
    assert_eq!(report["targets"].as_array().unwrap().iter().filter(answered).count(), 40, "{report}");
    meeting.join().unwrap();
}

#[test]
fn the_rate_holds_and_its_waits_are_not_the_servers_fault() {
    let place = Place::new(
        "rate",
        "mcp_introspection: {timeout: 0.9, rate_limiting: {enabled: true, requests_per_minute: 600, burst_size: 5}}",
    );
    let server = Http::start(&[]);
    let (output, took) = timed(|| place.scan(&server.1, 8, &["--format", "json"]));
    assert_eq!(json(&output)["summary"]["complete"], 8, "{output:?}");
    // At least two exchanges each: 16, of which 5 at once and the others a tenth of a second apart.
    assert!(took >= Duration::from_millis(1100), "{took:?}");
}

#[test]
fn batches_pause_and_lose_nothing() {
    let place = Place::new(
        "batches",
        "mcp_introspection: {batch_processing: {enabled: true, batch_size: 3, processing_interval: 0.4}}",
    );
    let server = Http::start(&[]);
    let (output, took) = timed(|| place.scan(&server.1, 8, &["--format", "json"]));
    let report = json(&output);
    assert_eq!(report["summary"]["complete"], 8);
    let names: std::collections::BTreeSet<_> =
        report["targets"].as_array().unwrap().iter().map(|t| t["endpoint"]["url"].to_string()).collect();
    assert_eq!(names.len(), 8, "each target once: {names:?}");
    assert!(took >= Duration::from_millis(800), "two pauses: {took:?}");
}

#[test]
fn a_streamed_report_is_valid_and_whole() {
    let settings = "mcp_introspection: {stream_results: true, batch_size: 3, enable_garbage_collection: true, \
                    enable_memory_optimization: true}";
    let place = Place::new("stream", settings);
    let server = Http::start(&[]);
    let report = json(&place.scan(&server.1, 10, &["--format", "json"]));
    let schema: Value = serde_json::from_slice(
        &fs::read(format!("{}/schema/report-v1.schema.json", env!("CARGO_MANIFEST_DIR"))).unwrap(),
    )
    .unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let objections: Vec<String> = validator.iter_errors(&report).map(|e| e.to_string()).collect();
    assert!(objections.is_empty(), "{objections:?}");
    assert_eq!(report["targets"].as_array().unwrap().len(), 10);
    assert_eq!(report["summary"]["complete"], 10);
    let table = String::from_utf8(place.scan(&server.1, 2, &["--format", "table"]).stdout).unwrap();
    let rows = table.lines().filter(|line| line.contains("complete  ") && line.contains("2026-07-28"));
    assert_eq!(rows.count(), 2, "{table}");
}

#[test]
fn a_server_that_asks_for_patience_is_left_alone_by_all_who_go_there() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    // Says "later" to the first, and knows nothing of what anybody else asks for.
    let (moments, arrivals) = std::sync::mpsc::channel();
    thread::spawn(move || {
        for (n, connection) in listener.incoming().enumerate() {
            let mut connection = connection.unwrap();
            if connection.read(&mut [0; 4096]).unwrap_or(0) == 0 {
                continue;
            }
            let answer = match n {
                0 => "429 Too Many Requests\r\nRetry-After: 2",
                _ => "404 Not Found",
            };
            let close = "\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
            let _ = connection.write_all(format!("HTTP/1.1 {answer}{close}").as_bytes());
            if moments.send(Instant::now()).is_err() {
                break;
            }
            if n == 0 {
                // However slow the machine: the word has reached the pool before anybody else is answered.
                drop(connection);
                thread::sleep(Duration::from_millis(500));
            }
        }
    });
    let place = Place::new("patience", "");
    let report = json(&place.scan(&url, 20, &["--format", "json", "--concurrency", "2"]));
    assert_eq!(report["summary"]["failed"], 20);
    let arrivals: Vec<Instant> = arrivals.try_iter().collect();
    let early = arrivals.iter().filter(|at| **at - arrivals[0] < Duration::from_millis(1500)).count();
    // The other worker may be on its way when the word comes; in the second that is left it could ask for all.
    assert!(early <= 3 && arrivals.len() > 20, "{early} of {} while it asked for patience", arrivals.len());
}
