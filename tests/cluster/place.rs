//! A queue, workers and a scanning host, all on this machine and all gone with the test.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_hawkeye");

/// Whatever is waited for comes soon, or never.
const SOON: Duration = Duration::from_secs(60);

/// What stands beside `cluster`, if a test does not say.
const BESIDE: &str = "mcp_introspection: {max_retries: 0}";

/// Of a Redis that keeps nothing on disk.
const FORGETFUL: &[&str] = &["--save", "", "--appendonly", "no"];

/// Waits until `done`.
pub(crate) fn until(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < SOON, "{what}: not within {} s", SOON.as_secs());
        thread::sleep(Duration::from_millis(10));
    }
}

/// A directory that is also the home of everybody in the test, and a queue.
pub(crate) struct Place {
    pub(crate) dir: PathBuf,
    pub(crate) port: u16,
    redis: Option<Child>,
    /// Further arguments of the Redis.
    arguments: Vec<String>,
}

impl Place {
    /// Settings beside the address and the key, as YAML under `cluster`, indented by two.
    pub(crate) fn new(name: &str, settings: &str) -> Place {
        Place::begin(name, settings, BESIDE, FORGETFUL)
    }

    /// With settings beside `cluster`, as YAML.
    pub(crate) fn beside(name: &str, settings: &str, beside: &str) -> Place {
        Place::begin(name, settings, beside, FORGETFUL)
    }

    pub(crate) fn with(name: &str, settings: &str, arguments: &[&str]) -> Place {
        Place::begin(name, settings, BESIDE, arguments)
    }

    fn begin(name: &str, settings: &str, beside: &str, arguments: &[&str]) -> Place {
        let dir = std::env::temp_dir().join(format!("hawkeye-cluster-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let arguments = arguments.iter().map(|a| (*a).to_owned()).collect();
        let mut place = Place { dir, port, redis: None, arguments };
        place.key("key", b"0123456789abcdef0123456789abcdef", 0o600);
        let cluster = format!("  url: redis://127.0.0.1:{port}\n  key_file: key\n{settings}");
        place.write_settings("settings.yaml", beside, &cluster);
        place.start();
        place
    }

    pub(crate) fn settings(&self, file: &str, cluster: &str) {
        self.write_settings(file, BESIDE, cluster);
    }

    fn write_settings(&self, file: &str, beside: &str, cluster: &str) {
        fs::write(self.dir.join(file), format!("{beside}\ncluster:\n{cluster}")).unwrap();
    }

    pub(crate) fn key(&self, file: &str, secret: &[u8], mode: u32) {
        use std::io::Write;
        let path = self.dir.join(file);
        let mut file =
            fs::OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(path).unwrap();
        file.write_all(secret).unwrap();
    }

    pub(crate) fn start(&mut self) {
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--port", &self.port.to_string(), "--dir"]);
        command.arg(&self.dir).args(&self.arguments);
        let started = command.stdout(Stdio::null()).spawn();
        self.redis = Some(started.expect("no redis-server: run scripts/install-redis.sh"));
        until("redis", || {
            let ended = self.redis.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "port {} is another's: who answers there is not ours", self.port);
            self.ask(&["ping"]) == "PONG"
        });
    }

    /// SIGKILL.
    pub(crate) fn kill_redis(&mut self) {
        let mut redis = self.redis.take().unwrap();
        redis.kill().unwrap();
        redis.wait().unwrap();
    }

    pub(crate) fn ask(&self, words: &[&str]) -> String {
        let output =
            Command::new("redis-cli").args(["-p", &self.port.to_string()]).args(words).output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    pub(crate) fn worker(&self, name: &str, slots: usize, more: &[&str]) -> Worker {
        self.worker_of("settings.yaml", name, slots, more)
    }

    /// A worker that is ready.
    pub(crate) fn worker_of(&self, settings: &str, name: &str, slots: usize, more: &[&str]) -> Worker {
        let worker = self.spawn_worker(settings, name, slots, more);
        until("a worker", || fs::read_to_string(&worker.log).is_ok_and(|log| log.contains("takes")));
        worker
    }

    pub(crate) fn spawn_worker(&self, settings: &str, name: &str, slots: usize, more: &[&str]) -> Worker {
        let log = self.dir.join(format!("{name}.log"));
        let process = self
            .command(&["worker", "--config", settings, "--name", name, "--concurrency", &slots.to_string()])
            .args(more)
            .stderr(fs::OpenOptions::new().create(true).append(true).open(&log).unwrap())
            .spawn()
            .unwrap();
        Worker { process, log }
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(args).current_dir(&self.dir).env("HOME", &self.dir).stdin(Stdio::null());
        command
    }

    /// A scan over the cluster, of the file `targets`.
    pub(crate) fn scan(&self, more: &[&str]) -> Output {
        self.scanning(more).output().unwrap()
    }

    pub(crate) fn scanning(&self, more: &[&str]) -> Command {
        let mut command = self.command(&[
            "scan",
            "--config",
            "settings.yaml",
            "--targets",
            "targets",
            "--format",
            "ndjson",
        ]);
        command.args(["--fail-on", "never", "--no-history"]).args(more);
        if !more.contains(&"--no-cluster") {
            command.arg("--cluster");
        }
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// `n` targets at `url`, each with a query of its own.
    pub(crate) fn targets(&self, url: &str, n: usize) {
        let list: String = (0..n).map(|i| format!("{url}?{i}\n")).collect();
        fs::write(self.dir.join("targets"), list).unwrap();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(redis) = &mut self.redis {
            let _ = redis.kill();
            let _ = redis.wait();
        }
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// A process that works.
pub(crate) struct Worker {
    pub(crate) process: Child,
    pub(crate) log: PathBuf,
}

impl Worker {
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), pid.as_str()]).status().unwrap().success());
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The code it ends with.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        let mut code = None;
        until("the end of a worker", || {
            code = self.process.try_wait().unwrap();
            code.is_some()
        });
        code.and_then(|status| status.code())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A demo server over HTTP; it ends with its stdin.
pub(crate) struct Http {
    process: Child,
    pub(crate) url: String,
}

impl Http {
    pub(crate) fn start(more: &[&str]) -> Http {
        let mut process = Command::new(PROGRAM)
            .args(["demo-server", "--transport", "http", "--revisions", "2026-07-28"])
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().trim_start_matches("listening on ").to_owned();
        Http { process, url }
    }

    /// How often it was asked for its tools.
    pub(crate) fn listings(&self) -> u64 {
        let stats = self.url.replace("/mcp", "/stats");
        let output = Command::new("curl").args(["-s", &stats]).output().unwrap();
        let stats: Value = serde_json::from_slice(&output.stdout).unwrap();
        stats["methods"]["tools/list"].as_u64().unwrap_or_default()
    }
}

impl Drop for Http {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// The targets of an NDJSON report, by URL or command, each of which stands there once.
pub(crate) fn rows(output: &Output) -> BTreeMap<String, Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    let mut rows = BTreeMap::new();
    for line in text.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        if row["type"] == "target" {
            let of = format!("{} {}", row["name"], row["endpoint"]);
            assert!(rows.insert(of.clone(), row).is_none(), "{of} is told twice");
        }
    }
    assert!(!rows.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    rows
}

/// How many of `rows` have this status.
pub(crate) fn count(rows: &BTreeMap<String, Value>, status: &str) -> usize {
    rows.values().filter(|row| row["status"] == status).count()
}
