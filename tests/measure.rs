//! What a user sees of `hawkeye diagnose`, `bench` and `load-test`, on the demo servers.

#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_hawkeye");

/// A directory of its own, which is also the home of the user.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Place {
        let dir = std::env::temp_dir().join(format!("hawkeye-measure-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        Place(dir)
    }

    fn hawkeye(&self, args: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(args).current_dir(&self.0).env_clear().env("HOME", &self.0).env("PATH", "/usr/bin:/bin");
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.hawkeye(args).output().unwrap()
    }

    /// The JSON report of a run that must end with `code`, held against its schema.
    fn report(&self, code: i32, args: &[&str]) -> Value {
        // Before `--`: what follows is the server's.
        let at = args.iter().position(|a| *a == "--").unwrap_or(args.len());
        let output = self.run(&[&args[..at], &["--format", "json"], &args[at..]].concat());
        assert_eq!(output.status.code(), Some(code), "{args:?}: {output:?}");
        let report: Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"));
        let file = format!("schema/{}-v1.schema.json", report["kind"].as_str().unwrap());
        let schema = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
        let validator = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
        let errors: Vec<String> =
            validator.iter_errors(&report).map(|e| format!("{e} at {}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{args:?}: {errors:?}");
        report
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A demo server over HTTP; it ends with its stdin.
struct Demo {
    process: Child,
    url: String,
}

impl Demo {
    fn start(more: &[&str]) -> Demo {
        let mut process = Command::new(PROGRAM)
            .args(["demo-server", "--transport", "http"])
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Demo { process, url: line.trim().trim_start_matches("listening on ").to_owned() }
    }

    fn stats(&self) -> Value {
        let address = self.url.trim_start_matches("http://").split('/').next().unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET /stats HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        serde_json::from_str(text.split_once("\r\n\r\n").unwrap().1).unwrap()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn state<'a>(report: &'a Value, step: &str) -> &'a str {
    let steps = report["steps"].as_array().unwrap();
    steps.iter().find(|s| s["step"] == step).unwrap_or_else(|| panic!("no step {step}: {report}"))["state"]
        .as_str()
        .unwrap()
}

fn advice(report: &Value) -> String {
    report["causes"].to_string() + &report["problems"].to_string()
}

#[test]
fn a_sound_server_shows_every_step_with_its_time() {
    let place = Place::new("sound");
    let demo = Demo::start(&["--persona", "files"]);
    let report = place.report(0, &["diagnose", &demo.url]);
    for step in ["resolve", "connect", "first byte", "handshake", "tools/list", "prompts/list"] {
        assert_eq!(state(&report, step), "ok", "{step}");
    }
    let tools = report["steps"].as_array().unwrap().iter().find(|s| s["step"] == "tools/list").unwrap();
    assert_eq!((&tools["items"], &tools["pages"]), (&json!(4), &json!(1)));
    assert!(tools["bytes"].as_u64().unwrap() > 100);
    assert_eq!((&report["causes"], &report["problems"]), (&json!([]), &json!([])));
    let connect = report["steps"].as_array().unwrap().iter().find(|s| s["step"] == "connect").unwrap();
    assert!(connect["ms"].as_f64().unwrap() > 0.0);

    let stdio = place.report(0, &["diagnose", "--", PROGRAM, "demo-server"]);
    assert_eq!((state(&stdio, "spawn"), state(&stdio, "first line")), ("ok", "ok"));
    assert_eq!(stdio["steps"][0]["detail"], PROGRAM);
}

#[test]
fn phase_timings_are_in_the_scan_s_report() {
    let place = Place::new("timings");
    let demo = Demo::start(&["--delay-ms", "30"]);
    let output = place.run(&["scan", &demo.url, "--format", "json"]);
    let timing = &serde_json::from_slice::<Value>(&output.stdout).unwrap()["targets"][0]["timing"];
    assert!(timing["tcp_ms"].as_f64().unwrap() > 0.0, "{timing}");
    assert!(timing["first_byte_ms"].as_f64().unwrap() >= 30.0, "{timing}");
    // A literal address is not looked up, and http has no TLS.
    assert!(timing.get("resolve_ms").is_none() && timing.get("tls_ms").is_none(), "{timing}");
    let named = demo.url.replace("127.0.0.1", "localhost");
    let output = place.run(&["scan", &named, "--format", "json"]);
    let timing = &serde_json::from_slice::<Value>(&output.stdout).unwrap()["targets"][0]["timing"];
    assert!(timing["resolve_ms"].as_f64().unwrap() > 0.0, "{timing}");
    let output = place.run(&["scan", "--format", "json", "--", PROGRAM, "demo-server"]);
    let timing = &serde_json::from_slice::<Value>(&output.stdout).unwrap()["targets"][0]["timing"];
    assert!(timing["first_byte_ms"].as_f64() > timing["connect_ms"].as_f64(), "{timing}");
    assert!(timing.get("tcp_ms").is_none(), "{timing}");
}

#[test]
fn a_command_that_is_not_there_is_looked_for_in_every_directory() {
    let place = Place::new("missing");
    let report = place.report(3, &["diagnose", "--", "uvx", "no-such-server"]);
    assert_eq!((state(&report, "spawn"), state(&report, "handshake")), ("failed", "not_reached"));
    let cause = report["causes"][0]["cause"].as_str().unwrap();
    assert_eq!(cause, "command not found: uvx is in none of /usr/bin, /bin");
    assert!(report["causes"][0]["remedies"][0].as_str().unwrap().starts_with("install uv"), "{report}");
}

#[test]
fn a_server_s_last_words_name_the_variable_it_misses() {
    let place = Place::new("variable");
    let words = "echo 'Error: ACME_API_KEY environment variable is required' >&2; exit 1";
    let report = place.report(3, &["diagnose", "--", "sh", "-c", words]);
    assert!(advice(&report).contains("environment variable ACME_API_KEY"), "{report}");
    let noisy = place.report(3, &["diagnose", "--", "echo", "Starting server..."]);
    assert!(advice(&noisy).contains("prints to its stdout"), "{noisy}");
}

#[test]
fn wrong_paths_locks_and_closed_ports_are_told_apart() {
    let place = Place::new("http");
    let demo = Demo::start(&["--token", "t"]);
    let locked = place.report(3, &["diagnose", &demo.url]);
    assert_eq!(state(&locked, "handshake"), "failed");
    assert!(advice(&locked).contains("OAuth access token: issuer http://127.0.0.1:"), "{locked}");
    assert!(advice(&locked).contains("Authorization"), "{locked}");

    let open = Demo::start(&[]);
    let origin = open.url.trim_end_matches("/mcp");
    let lost = place.report(3, &["diagnose", &format!("{origin}/nowhere")]);
    assert!(advice(&lost).contains("no MCP server at this path"), "{lost}");
    assert!(advice(&lost).contains(&format!("{origin}/mcp and {origin}/sse")), "{lost}");

    let port = closed_port();
    let closed = place.report(3, &["diagnose", &format!("http://127.0.0.1:{port}/mcp")]);
    assert_eq!((state(&closed, "connect"), state(&closed, "first byte")), ("failed", "not_reached"));
    assert!(advice(&closed).contains(&format!("nothing listens at 127.0.0.1:{port}")), "{closed}");

    let plain = place.report(3, &["diagnose", &open.url.replace("http:", "https:")]);
    assert_eq!((state(&plain, "connect"), state(&plain, "tls")), ("ok", "failed"));
    assert!(advice(&plain).contains("does not speak TLS"), "{plain}");
}

#[test]
fn a_proxy_in_the_way_is_named() {
    let place = Place::new("proxy");
    let proxy = format!("127.0.0.1:{}", closed_port());
    let args = ["diagnose", "http://192.0.2.7/mcp", "--format", "json", "--timeout", "5"];
    let output =
        place.hawkeye(&args).env("HTTP_PROXY", format!("http://u:hunter2@{proxy}")).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains(&format!("a proxy is in the way: {proxy}")), "{text}");
    assert!(!text.contains("hunter2"));
}

#[test]
fn a_slow_server_gets_the_guide_s_remedies_with_the_settings_of_today() {
    let place = Place::new("slow");
    let slow = ["diagnose", "--timeout", "2.5", "--", PROGRAM, "demo-server", "--delay-ms", "60000"];
    let report = place.report(3, &slow);
    assert_eq!(state(&report, "first line"), "failed");
    assert_eq!(report["problems"][0]["problem"], "low_throughput");
    let told = advice(&report);
    assert!(told.contains("increase max_concurrent_servers (now auto ("), "{told}");
    assert!(!told.contains("enable enable_parallel_processing"), "it is on: {told}");
    assert!(told.contains("raise mcp_introspection.timeout (now 2.5 s, from --timeout)"), "{told}");
    fs::write(place.0.join("c.yaml"), "mcp_introspection: {enable_parallel_processing: false}\n").unwrap();
    let report = place.report(3, &[&slow[..3], &["--config", "c.yaml"], &slow[3..]].concat());
    assert!(advice(&report).contains("enable enable_parallel_processing (now false)"), "{report}");
}

#[test]
fn a_target_may_be_a_name_and_only_it_is_run() {
    let place = Place::new("name");
    let servers = json!({"mcpServers": {
        "mine": {"command": PROGRAM, "args": ["demo-server"]},
        "other": {"command": "touch", "args": ["touched"]},
    }});
    fs::write(place.0.join("s.json"), servers.to_string()).unwrap();
    let report = place.report(0, &["diagnose", "mine", "--targets", "s.json"]);
    assert_eq!(report["target"], "mine");
    assert!(!place.0.join("touched").exists());
    let unknown = place.run(&["diagnose", "mien", "--targets", "s.json"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert_eq!(
        String::from_utf8_lossy(&unknown.stderr),
        "hawkeye: no server is called mien (did you mean mine?)\n"
    );
    for args in [
        &["diagnose"][..],
        &["load-test"],
        &["load-test", "http://a", "--duration", "3"],
        &["bench", "--max-regression", "5"],
    ] {
        assert_eq!(place.run(args).status.code(), Some(2), "{args:?}");
    }
}

#[test]
fn a_bench_has_three_cases_and_is_compared_with_an_older_one() {
    let place = Place::new("bench");
    let report = place.report(0, &["bench", "--iterations", "1"]);
    let cases = report["cases"].as_array().unwrap();
    let row = |c: &Value| {
        (c["name"].clone(), c["max_concurrent_servers"].clone(), c["enable_detailed_analysis"].clone())
    };
    assert_eq!(
        cases.iter().map(row).collect::<Vec<_>>(),
        [
            (json!("basic"), json!(1), json!(true)),
            (json!("parallel"), json!(10), json!(true)),
            (json!("high_performance"), json!(20), json!(false)),
        ]
    );
    for case in cases {
        assert_eq!((&case["failed"], &case["seconds"]["stdev"]), (&json!(0), &json!(0.0)), "{case}");
        assert!(
            case["cpu_s"].as_f64().unwrap() > 0.0 && case["peak_rss_bytes"].as_u64().unwrap() > 1 << 20,
            "{case}"
        );
        assert_eq!(case["times_s"][0], case["seconds"]["median"]);
    }

    let doctored = |name: &str, factor: f64| {
        let mut old = report.clone();
        for case in old["cases"].as_array_mut().unwrap() {
            case["seconds"]["median"] = json!(case["seconds"]["median"].as_f64().unwrap() * factor);
        }
        fs::write(place.0.join(name), old.to_string()).unwrap();
    };
    doctored("quick.json", 1e-4);
    doctored("slow.json", 1e4);
    let compare = |code, old| {
        place.report(
            code,
            &[
                "bench",
                "--iterations",
                "1",
                "--case",
                "parallel",
                "--compare",
                old,
                "--max-regression",
                "10%",
            ],
        )
    };
    let slower = compare(1, "quick.json");
    assert_eq!(slower["comparison"]["cases"][0]["verdict"], "slower");
    let faster = compare(0, "slow.json");
    assert_eq!(
        (&faster["comparison"]["cases"][0]["verdict"], faster["cases"].as_array().unwrap().len()),
        (&json!("faster"), 1)
    );

    for (name, text) in [("none.json", None), ("empty.json", Some("{}")), ("text.json", Some("no JSON"))] {
        if let Some(text) = text {
            fs::write(place.0.join(name), text).unwrap();
        }
        let output = place.run(&["bench", "--compare", name]);
        assert_eq!(output.status.code(), Some(2), "{name}");
        assert!(
            String::from_utf8_lossy(&output.stderr).starts_with(&format!("hawkeye: --compare {name}: ")),
            "{output:?}"
        );
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn failures_in_a_bench_are_counted_and_end_it_with_3() {
    let place = Place::new("bench-failed");
    let url = format!("http://127.0.0.1:{}/mcp", closed_port());
    let args = ["bench", "--iterations", "2", "--case", "parallel", &url, "--", PROGRAM, "demo-server"];
    let report = place.report(3, &args);
    assert_eq!((&report["targets"], &report["cases"][0]["failed"]), (&json!(2), &json!(2)));
}

#[test]
fn a_closed_loop_makes_each_request_and_counts_it() {
    let place = Place::new("closed");
    let demo = Demo::start(&["--persona", "files", "--revisions", "2026-07-28"]);
    let report = place.report(0, &["load-test", &demo.url, "--threads", "3", "--requests", "7"]);
    assert_eq!(
        (&report["total"], &report["successful"], &report["planned"]),
        (&json!(21), &json!(21), &json!(21))
    );
    assert_eq!(report["success_rate_percent"], 100.0);
    // Sessions are kept: as many openings as threads, at most.
    let methods = &demo.stats()["methods"];
    assert_eq!(methods["tools/list"], 21);
    assert!((1..=3).contains(&methods["server/discover"].as_u64().unwrap()), "{methods}");
    let counted: u64 =
        report["histogram"].as_array().unwrap().iter().map(|b| b["count"].as_u64().unwrap()).sum();
    assert_eq!(counted, 21);
    assert_eq!((&report["service"], &report["late"]), (&Value::Null, &Value::Null));
    let text = place.run(&["load-test", "--threads", "1", "--requests", "2", "--", PROGRAM, "demo-server"]);
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(text.contains("Success rate       100.0 %") && text.contains("Processes started  1"), "{text}");
}

#[test]
fn an_open_loop_s_latency_holds_the_wait_for_a_thread() {
    let place = Place::new("open");
    let demo = Demo::start(&["--persona", "files", "--revisions", "2026-07-28", "--delay-ms", "50"]);
    // One thread serves at most ten such introspections a second; a hundred are due.
    let args = ["load-test", &demo.url, "--threads", "1", "--rate", "100", "--duration", "0.2"];
    let report = place.report(0, &args);
    assert_eq!(report["total"], 20);
    assert_eq!(demo.stats()["methods"]["tools/list"], 20);
    let at = |which: &str, p: &str| report[which][p].as_f64().unwrap();
    // The last one was due when the first two or three were over.
    assert!(at("latency", "p99_ms") > 5.0 * at("service", "p50_ms"), "{report}");
    assert!(at("latency", "mean_ms") > at("service", "mean_ms"), "{report}");
    // All but the first one, at the least.
    assert!(report["late"].as_u64().unwrap() >= 19, "{report}");
}

#[test]
fn errors_are_counted_by_kind_and_end_with_3() {
    let place = Place::new("errors");
    let demo = Demo::start(&["--token", "t"]);
    let report = place.report(3, &["load-test", &demo.url, "--threads", "2", "--requests", "2"]);
    assert_eq!((&report["failed"], &report["errors"]), (&json!(4), &json!({"auth_required": 4})));
    // The metadata that the refusal points to may be anyone's, and is left alone.
    assert_eq!(demo.stats()["http_requests"], 4);
    assert_eq!(report["success_rate_percent"], 0.0);
}

#[test]
fn only_servers_of_this_machine_are_loaded_without_consent() {
    let place = Place::new("consent");
    let refused = place.run(&["load-test", "http://192.0.2.1/mcp", "--requests", "1"]);
    assert_eq!(refused.status.code(), Some(2));
    let why = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        why.contains("192.0.2.1 is not reached over loopback") && why.contains("--i-am-authorized"),
        "{why}"
    );
    let demo = Demo::start(&[]);
    let proxied = |no_proxy: &str| {
        let mut command = place.hawkeye(&["load-test", &demo.url, "--threads", "1", "--requests", "1"]);
        command
            .env("HTTP_PROXY", "http://192.0.2.9:3128")
            .env("NO_PROXY", no_proxy)
            .output()
            .unwrap()
            .status
            .code()
    };
    assert_eq!((proxied(""), proxied("127.0.0.1")), (Some(2), Some(0)));
}

#[test]
fn a_load_test_that_is_interrupted_tells_what_it_measured() {
    let place = Place::new("interrupted");
    let demo = Demo::start(&["--persona", "files", "--revisions", "2026-07-28", "--delay-ms", "20"]);
    let args = ["load-test", &demo.url, "--threads", "2", "--requests", "100000", "--format", "json"];
    let child = place.hawkeye(&args).stdout(Stdio::piped()).spawn().unwrap();
    while demo.stats()["methods"]["tools/list"].as_u64().unwrap_or(0) < 6 {
        std::thread::yield_now();
    }
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["interrupted"], &report["failed"]), (&json!(true), &json!(0)));
    assert!(report["successful"].as_u64().unwrap() >= 3, "{report}");
}

#[test]
fn reports_go_to_files_in_the_form_of_their_ending() {
    let place = Place::new("output");
    let output = place.run(&["diagnose", "--output", "d.json", "--", PROGRAM, "demo-server"]);
    assert!(output.status.success() && output.stdout.is_empty(), "{output:?}");
    let report: Value = serde_json::from_str(&fs::read_to_string(place.0.join("d.json")).unwrap()).unwrap();
    assert_eq!(report["kind"], "diagnose");
    let nowhere = place.run(&["bench", "--output", "no/such/b.json"]);
    assert_eq!(nowhere.status.code(), Some(4), "{nowhere:?}");
}
