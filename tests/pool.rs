//! Sessions that are kept: what is reused, what is not, and that nobody can tell from the results.

#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hawkeye::model::outcome::{FailureKind, Status};
use hawkeye::model::pool::PoolOptions;
use hawkeye::model::secret::Secret;
use hawkeye::model::target::Endpoint;
use hawkeye::{Cancel, Outcome, ScanOptions, Scanner, Target};
use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_hawkeye");

/// A folder with the server of tests/warm in it.
struct Warm(PathBuf);

impl Warm {
    fn new(name: &str) -> Warm {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("pool-{name}"));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let warm = Warm(folder);
        warm.offer("read write");
        warm
    }

    fn offer(&self, tools: &str) {
        // Replaced at once: the server may be reading it.
        fs::write(self.0.join("new"), tools).unwrap();
        fs::rename(self.0.join("new"), self.0.join("tools")).unwrap();
    }

    fn target(&self, mode: &str) -> Target {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/warm/server.py");
        let args = ["-E", "-s", "-S", "-B", script.to_str().unwrap(), self.0.to_str().unwrap(), mode];
        Target::command("warm", "python3", &args.map(str::to_owned))
    }

    /// Process ids of every server that was started.
    fn spawned(&self) -> Vec<String> {
        let all = fs::read_to_string(self.0.join("spawned")).unwrap_or_default();
        all.lines().map(str::to_owned).collect()
    }

    fn asked(&self, method: &str) -> usize {
        let all = fs::read_to_string(self.0.join("asked")).unwrap_or_default();
        all.lines().filter(|line| *line == method).count()
    }

    fn signal(&self, signal: &str) {
        let pid = self.spawned().pop().unwrap();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
        if signal == "-KILL" {
            assert!(until(|| !alive(&pid)), "{pid} does not die");
        }
    }
}

/// Whether the process is there, and no zombie.
fn alive(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

fn until(what: impl Fn() -> bool) -> bool {
    let end = Instant::now() + Duration::from_secs(20);
    while !what() {
        if Instant::now() > end {
            return false;
        }
        std::thread::yield_now();
    }
    true
}

/// A demo server over HTTP; ends with its stdin.
struct Demo {
    child: Child,
    url: String,
}

impl Demo {
    fn start(args: &[&str]) -> Demo {
        let mut child = Command::new(PROGRAM)
            .arg("demo-server")
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        Demo { child, url }
    }

    fn port(&self) -> &str {
        self.url.trim_start_matches("http://").split(['/', ':']).nth(1).unwrap()
    }

    fn stats(&self) -> Value {
        let mut socket = TcpStream::connect(("127.0.0.1", self.port().parse().unwrap())).unwrap();
        write!(socket, "GET /stats HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n").unwrap();
        let mut all = String::new();
        socket.read_to_string(&mut all).unwrap();
        serde_json::from_str(all.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    fn stop(mut self) {
        drop(self.child.stdin.take());
        self.child.wait().unwrap();
    }
}

fn scanner(pool: Option<PoolOptions>) -> Scanner {
    let options = ScanOptions { pool, timeout: Duration::from_secs(20), ..ScanOptions::default() };
    Scanner::new(options, &Cancel::new().unwrap()).unwrap()
}

fn keeping() -> Scanner {
    scanner(Some(PoolOptions::default()))
}

fn tools(outcome: &Outcome) -> Vec<String> {
    assert_eq!(outcome.status, Status::Complete, "{:?}", outcome.failure);
    outcome.inventory.tools.iter().filter_map(|tool| tool.string("name")).collect()
}

/// (opened, reused, idle)
fn sessions(scanner: &Scanner) -> (u64, u64, u64) {
    let vitals = scanner.vitals();
    (vitals.sessions_opened, vitals.sessions_reused, vitals.sessions_idle)
}

#[test]
fn a_warm_process_lists_again_and_is_gone_in_the_end() {
    let warm = Warm::new("warm");
    let scanner = keeping();
    let first = scanner.introspect(&warm.target(""));
    assert_eq!(tools(&first), ["read", "write"]);
    assert!(first.timing.handshake_ms > 0.0);
    warm.offer("read delete");
    for _ in 0..4 {
        let again = scanner.introspect(&warm.target(""));
        assert_eq!(tools(&again), ["read", "delete"]);
        assert_eq!((again.timing.connect_ms, again.timing.handshake_ms), (0.0, 0.0));
        assert_eq!(
            (&again.inventory.server, &again.inventory.capabilities, &again.inventory.protocol),
            (&first.inventory.server, &first.inventory.capabilities, &first.inventory.protocol)
        );
        assert_eq!((again.attempts, again.notes.len()), (1, 0));
    }
    assert_eq!(sessions(&scanner), (1, 4, 1));
    assert_eq!((warm.spawned().len(), warm.asked("initialize"), warm.asked("tools/list")), (1, 1, 5));
    let pid = warm.spawned().pop().unwrap();
    assert!(alive(&pid));
    scanner.finish();
    assert!(!alive(&pid), "it outlived the scanner");
}

#[test]
fn without_a_pool_each_introspection_has_a_process_of_its_own() {
    let warm = Warm::new("cold");
    let scanner = scanner(None);
    for _ in 0..3 {
        tools(&scanner.introspect(&warm.target("")));
    }
    assert_eq!((sessions(&scanner), warm.spawned().len()), ((3, 0, 0), 3));
    scanner.finish();
}

#[test]
fn a_server_that_tells_of_changes_meanwhile_is_reused_and_one_that_babbles_is_not() {
    for (mode, started, notes) in [("chatty", 1, 0), ("stray", 3, 0), ("halfway", 3, 0)] {
        let warm = Warm::new(mode);
        let scanner = keeping();
        for _ in 0..3 {
            let listed = scanner.introspect(&warm.target(mode));
            assert_eq!((tools(&listed).len(), listed.notes.len()), (2, notes), "{:?}", listed.notes);
            // What it says unasked comes right behind its answer.
            let pid = warm.spawned().pop().unwrap();
            assert!(until(|| sleeping(&pid)), "{pid} is busy");
        }
        assert_eq!(warm.spawned().len(), started, "{mode}");
        // A session that is not sound is not even asked.
        assert_eq!(warm.asked("tools/list"), 3, "{mode}");
        scanner.finish();
    }
}

/// Whether the process waits for something: it has said what it had to say.
fn sleeping(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('S'))
}

#[test]
fn a_process_that_died_or_hangs_meanwhile_is_nobodys_failure() {
    for (signal, validation) in [("-KILL", true), ("-KILL", false), ("-STOP", true)] {
        let warm = Warm::new(&format!("stale{signal}-{validation}"));
        let pool = PoolOptions { connection_validation: validation, ..PoolOptions::default() };
        let options = ScanOptions {
            pool: Some(pool),
            timeout: Duration::from_secs(if signal == "-STOP" { 6 } else { 20 }),
            ..ScanOptions::default()
        };
        let scanner = Scanner::new(options, &Cancel::new().unwrap()).unwrap();
        tools(&scanner.introspect(&warm.target("")));
        warm.signal(signal);
        let again = scanner.introspect(&warm.target(""));
        assert_eq!((tools(&again).len(), again.attempts), (2, 1), "{signal} {validation}");
        assert_eq!((warm.spawned().len(), sessions(&scanner)), (2, (2, 0, 1)), "{signal} {validation}");
        tools(&scanner.introspect(&warm.target("")));
        assert_eq!((warm.spawned().len(), sessions(&scanner)), (2, (2, 1, 1)), "{signal} {validation}");
        scanner.finish();
    }
}

#[test]
fn one_connection_carries_every_phase_of_every_round() {
    let rows: [(&[&str], u64); 5] = [
        (&["--transport", "http", "--revisions", "2025-11-25"], 1),
        (&["--transport", "http", "--revisions", "2026-07-28"], 1),
        (&["--transport", "http", "--revisions", "2025-11-25", "--event-stream"], 1),
        (&["--transport", "http", "--revisions", "2026-07-28", "--event-stream"], 1),
        // The stream, and one for all that is said.
        (&["--transport", "sse"], 2),
    ];
    for (args, connections) in rows {
        let demo = Demo::start(args);
        let scanner = keeping();
        for _ in 0..5 {
            assert_eq!(tools(&scanner.introspect(&Target::url("demo", &demo.url))).len(), 3);
        }
        let stats = demo.stats();
        assert_eq!(stats["connections"], connections, "{args:?}: {stats}");
        assert_eq!(stats["methods"]["tools/list"], 5, "{args:?}: {stats}");
        assert!(stats["methods"]["initialize"].as_u64().unwrap_or(0) <= 1, "{args:?}: {stats}");
        assert_eq!(sessions(&scanner), (1, 4, 1), "{args:?}");
        scanner.finish();
        demo.stop();
    }
}

#[test]
fn one_connection_serves_all_targets_of_an_origin() {
    let demo = Demo::start(&["--transport", "http"]);
    for scanner in [scanner(None), keeping()] {
        let before = demo.stats()["connections"].as_u64().unwrap();
        for query in ["?a", "?b", "?c"] {
            let target = Target::url("demo", &format!("{}{query}", demo.url));
            assert_eq!(tools(&scanner.introspect(&target)).len(), 3);
        }
        assert_eq!(demo.stats()["connections"].as_u64().unwrap() - before, 1);
        scanner.finish();
    }
    demo.stop();
}

#[test]
fn a_server_that_was_started_anew_is_asked_anew() {
    for (transport, revisions) in [("http", "2025-11-25"), ("http", "2026-07-28"), ("sse", "2024-11-05")] {
        let demo = Demo::start(&["--transport", transport, "--revisions", revisions]);
        let (scanner, target) = (keeping(), Target::url("demo", &demo.url));
        assert_eq!(tools(&scanner.introspect(&target)).len(), 3);
        let port = demo.port().to_owned();
        demo.stop();
        let args =
            ["--transport", transport, "--revisions", revisions, "--persona", "files", "--port", &port];
        let demo = Demo::start(&args);
        let again = scanner.introspect(&target);
        assert_eq!((tools(&again).len(), again.attempts), (4, 1), "{transport} {revisions}");
        scanner.finish();
        demo.stop();
    }
}

#[test]
fn sessions_of_other_credentials_are_not_shared() {
    let demo = Demo::start(&["--transport", "http", "--token", "right"]);
    let with = |token: &str| {
        let mut target = Target::url("demo", &demo.url);
        if let Endpoint::Remote(remote) = &mut target.endpoint {
            remote.headers.push(("Authorization".into(), Secret::new(format!("Bearer {token}"))));
        }
        target
    };
    let scanner = keeping();
    for _ in 0..2 {
        assert_eq!(tools(&scanner.introspect(&with("right"))).len(), 3);
        let refused = scanner.introspect(&with("wrong"));
        assert_eq!(refused.failure.unwrap().kind, FailureKind::AuthRequired);
    }
    assert_eq!(sessions(&scanner), (1, 1, 1));
    scanner.finish();
    demo.stop();
}

#[test]
fn no_more_are_kept_than_allowed_and_none_for_longer() {
    let (a, b) = (Warm::new("bound-a"), Warm::new("bound-b"));
    let pool = PoolOptions { max_connections: 1, ..PoolOptions::default() };
    let one = scanner(Some(pool));
    for _ in 0..2 {
        tools(&one.introspect(&a.target("")));
        tools(&one.introspect(&b.target("")));
        let second = b.spawned().pop().unwrap();
        assert!(until(|| !alive(&second)), "the one that found no room is still there");
    }
    assert_eq!((sessions(&one).2, a.spawned().len(), b.spawned().len()), (1, 1, 2));
    one.finish();

    let (moment, long) = (Duration::from_nanos(1), Duration::from_secs(3600));
    for (idle_timeout, max_lifetime, left) in [(moment, long, 1), (long, moment, 0), (long, long, 2)] {
        let pool = PoolOptions { min_connections: 1, idle_timeout, max_lifetime, ..PoolOptions::default() };
        let scanner = scanner(Some(pool));
        tools(&scanner.introspect(&a.target("")));
        tools(&scanner.introspect(&b.target("")));
        scanner.tend();
        assert_eq!(sessions(&scanner).2, left, "{idle_timeout:?} {max_lifetime:?}");
        scanner.finish();
    }
}

#[test]
fn who_was_idle_for_long_is_asked_and_dropped_if_dead() {
    let warm = Warm::new("health");
    let pool = PoolOptions { health_check_interval: Duration::from_nanos(1), ..PoolOptions::default() };
    let scanner = scanner(Some(pool));
    tools(&scanner.introspect(&warm.target("")));
    scanner.tend();
    assert_eq!((warm.asked("ping"), sessions(&scanner).2), (1, 1));
    tools(&scanner.introspect(&warm.target("")));
    assert_eq!(sessions(&scanner), (1, 1, 1));
    warm.signal("-KILL");
    scanner.tend();
    assert_eq!((warm.spawned().len(), sessions(&scanner)), (1, (1, 1, 0)));
    // A question nobody answers has an end, too.
    tools(&scanner.introspect(&warm.target("")));
    warm.signal("-STOP");
    scanner.tend();
    assert_eq!(sessions(&scanner).2, 0);
    scanner.finish();

    // 2026-07-28 has no ping: nothing is asked, and nothing dropped.
    let demo = Demo::start(&["--transport", "http", "--revisions", "2026-07-28"]);
    let scanner = self::scanner(Some(pool));
    tools(&scanner.introspect(&Target::url("demo", &demo.url)));
    let before = demo.stats();
    scanner.tend();
    assert_eq!((demo.stats(), sessions(&scanner).2), (before, 1));
    scanner.finish();
    demo.stop();
}
