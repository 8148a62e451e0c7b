//! Runs hawkeye against fixtures and holds every run against what must always be true.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// What every hostile target is given to keep, and what must not come out of any run.
pub const SECRET: &str = "s3cr3t-9f31c07ab2";
/// Time for a target that is not meant to hang: never used up unless something is wrong.
pub const PATIENCE: u64 = 30;
/// Added to any deadline before a run counts as late: 4 s are promised, the rest is for a loaded machine.
pub const SLACK: Duration = Duration::from_secs(8);

/// A directory of this test process that a run may fill; removed when dropped.
pub struct Dir(PathBuf);

impl Dir {
    pub fn new() -> Dir {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let path =
            PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("hostile-{}-{n}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Dir(path)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// Names of what is in it.
    pub fn entries(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(&self.0)
            .unwrap()
            .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// A word that is in the command line or the environment of everything started from here.
    pub fn marker(&self) -> String {
        format!("hk-marker-{}-end", self.0.file_name().unwrap().to_string_lossy())
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The Python interpreter itself, not a launcher in front of it.
pub fn python() -> &'static str {
    static PYTHON: OnceLock<String> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let out = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output().unwrap();
        String::from_utf8(out.stdout).unwrap().trim().to_owned()
    })
}

fn fixture(file: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile").join(file);
    let cache = format!("pycache_prefix={}/pycache", env!("CARGO_TARGET_TMPDIR"));
    ["-E", "-s", "-S", "-X", &cache, path.to_str().unwrap()].map(str::to_owned).to_vec()
}

/// A targets-file entry for `stdio_server.py MODE`.
pub fn stdio(dir: &Dir, mode: &str, extra: &[&str]) -> Value {
    let mut args = fixture("stdio_server.py");
    args.extend([mode.to_owned(), dir.marker()]);
    args.extend(extra.iter().map(|&s| s.to_owned()));
    json!({"command": python(), "args": args, "env": {"HK_MARK": dir.marker(), "HK_SECRET": SECRET}})
}

/// `entry` with its own time.
pub fn within(mut entry: Value, seconds: f64) -> Value {
    entry["timeout"] = json!(seconds);
    entry
}

/// The HTTP fixture: one for the whole test process, ended by the end of its stdin.
pub struct Web {
    ports: Value,
    _child: Child,
    pub certificates: PathBuf,
}

pub fn web() -> &'static Web {
    static WEB: OnceLock<Web> = OnceLock::new();
    WEB.get_or_init(|| {
        let certificates = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("certificates");
        crate::tls::make_certificates(&certificates);
        let mut child = Command::new(python())
            .args(fixture("http_server.py"))
            .arg(&certificates)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Web { ports: serde_json::from_str(&line).unwrap(), _child: child, certificates }
    })
}

impl Web {
    pub fn port(&self, name: &str) -> u64 {
        self.ports[name].as_u64().or_else(|| self.ports["tls"][name].as_u64()).unwrap()
    }

    /// The URL of a mode with a token of its own.
    pub fn url(&self, mode: &str, token: &str, extra: &str) -> String {
        let query = if extra.is_empty() { String::new() } else { format!("?x={extra}") };
        format!("http://127.0.0.1:{}/{mode}/{token}{query}", self.port("main"))
    }

    /// Everything that was asked with this token so far.
    pub fn log(&self, token: &str) -> Vec<Value> {
        let mut s = TcpStream::connect(("127.0.0.1", self.port("main") as u16)).unwrap();
        write!(s, "GET /_log/{token} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut all = String::new();
        s.read_to_string(&mut all).unwrap();
        serde_json::from_str(all.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    /// Requests with this token that reached the second origin.
    pub fn strayed(&self, token: &str) -> Vec<Value> {
        let other = self.port("other");
        self.log(token).into_iter().filter(|e| e["port"] == other).collect()
    }
}

/// A token nobody else uses.
pub fn token() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("t{}x{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A targets-file entry for a mode of the HTTP fixture, with a secret header.
pub fn http(mode: &str, token: &str, extra: &str) -> Value {
    remote(&web().url(mode, token, extra))
}

/// A targets-file entry for any URL, with a secret header.
pub fn remote(url: &str) -> Value {
    json!({"url": url, "headers": {"X-Api-Key": SECRET}})
}

pub fn sse(mode: &str, token: &str, extra: &str) -> Value {
    let mut entry = http(mode, token, extra);
    entry["type"] = json!("sse");
    entry
}

/// One run of hawkeye, over.
pub struct Done {
    /// As a shell would say it: 128 + signal where one ended it.
    pub code: i32,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    pub took: Duration,
    pub peak_kib: u64,
    /// The report, where stdout is one.
    pub report: Option<Value>,
    marker: String,
}

/// hawkeye, ready to run in `dir`, with an environment that nobody's settings reach.
pub fn hawkeye(dir: &Dir) -> Command {
    let mut c = Command::new(env!("CARGO_BIN_EXE_hawkeye"));
    settle(&mut c, dir);
    c
}

pub fn settle(c: &mut Command, dir: &Dir) {
    c.env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", &dir.0)
        .env("HK_CANARY", "not-for-servers");
    c.current_dir(&dir.0);
}

/// hawkeye started, its output going to files so that nobody who inherits it can hold us up.
pub struct Running {
    pub child: Child,
    started: Instant,
    out: PathBuf,
    err: PathBuf,
    marker: String,
    peak_kib: u64,
    redirected: bool,
}

pub fn start(dir: &Dir, mut command: Command) -> Running {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    let (out, err) = (dir.path(&format!(".out{n}")), dir.path(&format!(".err{n}")));
    command.stdin(Stdio::null()).stdout(File::create(&out).unwrap()).stderr(File::create(&err).unwrap());
    launch(dir, command, out, err, false)
}

/// As `start`, where the caller has said where stdin and stdout go.
pub fn start_redirected(dir: &Dir, mut command: Command) -> Running {
    let (out, err) = (dir.path(".out-none"), dir.path(".err-redirected"));
    command.stderr(File::create(&err).unwrap());
    launch(dir, command, out, err, true)
}

fn launch(dir: &Dir, mut command: Command, out: PathBuf, err: PathBuf, redirected: bool) -> Running {
    let started = Instant::now();
    let child = command.spawn().unwrap();
    Running { child, started, out, err, marker: dir.marker(), peak_kib: 0, redirected }
}

impl Running {
    pub fn signal(&self, name: &str) {
        assert!(
            Command::new("kill")
                .args([&format!("-{name}"), &self.child.id().to_string()])
                .status()
                .unwrap()
                .success()
        );
    }

    fn look(&mut self) {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let peak = status
            .lines()
            .find_map(|l| l.strip_prefix("VmHWM:"))
            .and_then(|l| l.split_whitespace().next()?.parse().ok());
        self.peak_kib = self.peak_kib.max(peak.unwrap_or(0));
    }

    /// Waits until it ends; kills it after two minutes, which no run here needs.
    pub fn wait(mut self) -> Done {
        let status = loop {
            self.look();
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if self.started.elapsed() > Duration::from_secs(150) {
                self.child.kill().unwrap();
            }
            sleep(Duration::from_millis(5));
        };
        let took = self.started.elapsed();
        let stdout = if self.redirected { Vec::new() } else { fs::read(&self.out).unwrap() };
        let stderr = fs::read(&self.err).unwrap();
        let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
        let report = serde_json::from_slice(&stdout).ok();
        Done { code, stdout, stderr, took, peak_kib: self.peak_kib, report, marker: self.marker }
    }
}

/// Polls `what` until it is true or `limit` is over.
pub fn until(limit: Duration, mut what: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + limit;
    loop {
        if what() {
            return true;
        }
        if Instant::now() > end {
            return false;
        }
        sleep(Duration::from_millis(20));
    }
}

/// Living processes, zombies aside, that carry `marker` in their command line or environment.
pub fn carriers(marker: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let pid = entry.file_name().to_string_lossy().into_owned();
        if !pid.bytes().all(|b| b.is_ascii_digit()) || pid == std::process::id().to_string() {
            continue;
        }
        let cmdline = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let environ = fs::read(entry.path().join("environ")).unwrap_or_default();
        let has = |bytes: &[u8]| bytes.windows(marker.len()).any(|w| w == marker.as_bytes());
        let hawkeye = cmdline.starts_with(env!("CARGO_BIN_EXE_hawkeye").as_bytes());
        if (has(&cmdline) || has(&environ)) && !hawkeye {
            found.push(format!("{pid} {}", String::from_utf8_lossy(&cmdline).replace('\0', " ")));
        }
    }
    found
}

/// The first byte of `bytes` that a terminal would act on, described.
pub fn raw_control(bytes: &[u8]) -> Option<String> {
    let c0 = |b: u8| (b < 0x20 && b != b'\n') || b == 0x7f;
    let at = (0..bytes.len()).find(|&i| {
        c0(bytes[i]) || (bytes[i] == 0xc2 && bytes.get(i + 1).is_some_and(|b| (0x80..0xa0).contains(b)))
    })?;
    let around = &bytes[at.saturating_sub(40)..(at + 20).min(bytes.len())];
    Some(format!("byte {:#04x} at {at}: {:?}", bytes[at], String::from_utf8_lossy(around)))
}

pub fn contains(bytes: &[u8], word: &str) -> bool {
    !word.is_empty() && bytes.windows(word.len()).any(|w| w == word.as_bytes())
}

impl Done {
    pub fn err(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    pub fn target(&self, name: &str) -> Value {
        let all = self.report.as_ref().and_then(|r| r["targets"].as_array().cloned()).unwrap_or_default();
        all.into_iter().find(|t| t["name"] == name).unwrap_or(Value::Null)
    }

    /// What must be true of any run, whatever it met. The report's shape aside.
    pub fn check(&self, problems: &mut Vec<String>) {
        for (name, bytes) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if let Some(what) = raw_control(bytes) {
                problems.push(format!("control byte on {name}: {what}"));
            }
            if std::str::from_utf8(bytes).is_err() {
                problems.push(format!("{name} is not UTF-8"));
            }
            if contains(bytes, SECRET) {
                let at = bytes.windows(SECRET.len()).position(|w| w == SECRET.as_bytes()).unwrap();
                let near = String::from_utf8_lossy(&bytes[at.saturating_sub(120)..at]).into_owned();
                problems.push(format!("the secret on {name} behind {near:?}"));
            }
        }
        if contains(&self.stderr, "panicked")
            || contains(&self.stderr, "overflowed its stack")
            || self.code == 101
        {
            problems.push(format!("panic, code {}: {}", self.code, head(&self.err(), 800)));
        }
        if !until(Duration::from_secs(3), || carriers(&self.marker).is_empty()) {
            problems.push(format!("left behind: {:?}", carriers(&self.marker)));
        }
    }

    /// The report is one whole document in which the counts are right.
    pub fn check_report(&self, targets: usize, problems: &mut Vec<String>) {
        let Some(report) = &self.report else {
            let why = serde_json::from_slice::<Value>(&self.stdout).unwrap_err();
            problems.push(format!(
                "stdout is not one JSON document ({why}), code {}: {:?} stderr {:?}",
                self.code,
                head(&String::from_utf8_lossy(&self.stdout), 200),
                head(&self.err(), 600)
            ));
            return;
        };
        if report["schema_version"] != 1 || report["targets"].as_array().map(Vec::len) != Some(targets) {
            problems.push(format!("report of {targets} targets expected, summary {}", report["summary"]));
        }
        for t in report["targets"].as_array().into_iter().flatten() {
            let complete = t["status"] == "complete";
            if complete != t["failure"].is_null() {
                problems.push(format!("{}: status {} with failure {}", t["name"], t["status"], t["failure"]));
            }
        }
    }
}

pub fn head(s: &str, n: usize) -> String {
    s.chars().take(n).collect()
}

/// What a single hostile target may cost: 64 MiB over a run that meets nothing but an honest server.
pub fn single() -> u64 {
    static IDLE: OnceLock<u64> = OnceLock::new();
    64 + *IDLE.get_or_init(|| {
        let dir = Dir::new();
        scan(&dir, Vec::new(), 64).peak_kib / 1024 + 1
    })
}

/// What many at once may cost: twenty, of which each may hold a message of 8 MiB, and what is being made of it.
pub const TOGETHER: u64 = 224;
/// What lists may cost that are large and allowed.
pub const LISTS: u64 = 256;

type Check = Box<dyn Fn(&Value) -> Result<(), String>>;

/// One situation: an entry of the targets file and what must become of it.
pub struct Case {
    pub name: String,
    pub entry: Value,
    want: Vec<(&'static str, &'static [&'static str])>,
    check: Option<Check>,
    at_once: bool,
}

/// A situation that must end as one of `want`: a status and the failure kinds it may have (none: any).
pub fn case(name: &str, entry: Value, want: &[(&'static str, &'static [&'static str])]) -> Case {
    Case { name: name.into(), entry, want: want.to_vec(), check: None, at_once: false }
}

pub fn complete(name: &str, entry: Value) -> Case {
    case(name, entry, &[("complete", &[])])
}

pub fn failed(name: &str, entry: Value, kinds: &'static [&'static str]) -> Case {
    case(name, entry, &[("failed", kinds)])
}

pub fn partial(name: &str, entry: Value, kinds: &'static [&'static str]) -> Case {
    case(name, entry, &[("partial", kinds)])
}

/// Anything but silent success: failed or partial with any of the kinds, or complete with a note about it.
pub fn named(name: &str, entry: Value) -> Case {
    case(name, entry, &[("failed", &[]), ("partial", &[]), ("complete", &[])]).and(|t| {
        let noted = t["notes"].as_array().is_some_and(|n| !n.is_empty());
        ensure(t["status"] != "complete" || noted, || "complete without a note about it".into())
    })
}

impl Case {
    /// Adds a check of the target's row.
    pub fn and(mut self, check: impl Fn(&Value) -> Result<(), String> + 'static) -> Case {
        let before = self.check.take();
        self.check =
            Some(Box::new(move |t| before.as_ref().map_or(Ok(()), |b| b(t)).and_then(|()| check(t))));
        self
    }

    /// Must not wait for the deadline.
    pub fn at_once(mut self) -> Case {
        self.at_once = true;
        self
    }

    fn judge(&self, t: &Value) -> Result<(), String> {
        let status = t["status"].as_str().unwrap_or("missing");
        let kind = t["failure"]["kind"].as_str().unwrap_or("");
        let fits = |(s, kinds): &(&str, &[&str])| *s == status && (kinds.is_empty() || kinds.contains(&kind));
        ensure(self.want.iter().any(fits), || format!("expected {:?}", self.want))?;
        let total = t["timing"]["total_ms"].as_f64().unwrap_or(0.0) / 1e3;
        let own = self.entry["timeout"].as_f64().unwrap_or(PATIENCE as f64);
        ensure(total <= own + SLACK.as_secs_f64(), || format!("took {total:.1} s of {own} s"))?;
        ensure(!self.at_once || total < PATIENCE as f64 / 2.0, || format!("took {total:.1} s, not at once"))?;
        self.check.as_ref().map_or(Ok(()), |c| c(t))
    }
}

/// Runs `check` for every row of `table` and panics with all the rows that failed.
pub fn each<T>(table: impl IntoIterator<Item = T>, name: impl Fn(&T) -> String, check: impl Fn(T)) {
    let mut problems = Vec::new();
    for row in table {
        let name = name(&row);
        if let Err(why) = catch_unwind(AssertUnwindSafe(|| check(row))) {
            let text = why.downcast_ref::<String>().cloned().unwrap_or_default();
            problems.push(format!("{name}: {text}"));
        }
    }
    report_problems(&problems);
}

pub fn ensure(ok: bool, why: impl FnOnce() -> String) -> Result<(), String> {
    if ok { Ok(()) } else { Err(why()) }
}

/// The names of the tools in a target's row.
pub fn tools(t: &Value) -> Vec<String> {
    t["tools"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|t| t["name"].as_str().unwrap_or("?").to_owned())
        .collect()
}

pub fn has_tools(names: &'static [&'static str]) -> impl Fn(&Value) -> Result<(), String> {
    move |t| ensure(tools(t) == names, || format!("tools {:?}, expected {names:?}", tools(t)))
}

/// The state of one list.
pub fn state(t: &Value, phase: &str) -> String {
    let row = t["coverage"].as_array().into_iter().flatten().find(|c| c["phase"] == phase).cloned();
    row.map_or("missing".into(), |c| c["state"].as_str().unwrap_or("?").into())
}

pub fn message_has(words: &'static [&'static str]) -> impl Fn(&Value) -> Result<(), String> {
    move |t| {
        let text = t["failure"]["message"].as_str().unwrap_or("");
        ensure(words.iter().all(|w| text.contains(w)), || format!("the message lacks one of {words:?}"))
    }
}

/// The targets file of `cases` and an honest server.
pub fn targets_file(dir: &Dir, cases: &[Case]) -> PathBuf {
    let mut servers = serde_json::Map::new();
    for c in cases {
        assert!(servers.insert(c.name.clone(), c.entry.clone()).is_none(), "two cases named {}", c.name);
    }
    servers.insert("honest".into(), stdio(dir, "honest", &[]));
    dir.write("targets.json", serde_json::to_string_pretty(&json!({ "mcpServers": servers })).unwrap())
}

/// Runs all cases in one scan beside an honest target and panics with everything that is wrong.
pub fn scan(dir: &Dir, cases: Vec<Case>, peak_mib: u64) -> Done {
    scan_with(dir, cases, peak_mib, |_| {})
}

pub fn scan_with(dir: &Dir, cases: Vec<Case>, peak_mib: u64, adjust: impl FnOnce(&mut Command)) -> Done {
    let file = targets_file(dir, &cases);
    let mut c = hawkeye(dir);
    let width = (cases.len() + 1).min(32).to_string();
    c.arg("scan").arg("--targets").arg(&file).args(["--format", "json", "--concurrency", &width]);
    c.args(["--timeout", &PATIENCE.to_string()]);
    adjust(&mut c);
    let done = start(dir, c).wait();
    let mut problems = Vec::new();
    done.check(&mut problems);
    done.check_report(cases.len() + 1, &mut problems);
    if done.report.is_some() {
        for case in &cases {
            let t = done.target(&case.name);
            if let Err(why) = case.judge(&t) {
                problems.push(format!("{}: {why}; got {}", case.name, brief(&t)));
            }
        }
        let honest = done.target("honest");
        if honest["status"] != "complete" || tools(&honest) != ["echo"] {
            problems.push(format!("the honest target: {}", brief(&honest)));
        }
        let all = done.report.as_ref().and_then(|r| r["targets"].as_array()).unwrap();
        let bad = |t: &Value| {
            t["findings"]
                .as_array()
                .unwrap()
                .iter()
                .any(|f| f["severity"] == "high" || f["severity"] == "critical")
        };
        let code = match all.iter().all(|t| t["status"] == "complete") {
            _ if all.iter().any(bad) => 1,
            true => 0,
            false => 3,
        };
        if done.code != code {
            problems.push(format!("exit code {} instead of {code}: {}", done.code, head(&done.err(), 300)));
        }
    }
    if done.peak_kib > peak_mib * 1024 {
        problems.push(format!("peak memory {} MiB, allowed {peak_mib}", done.peak_kib / 1024));
    }
    let longest = cases.iter().map(|c| c.entry["timeout"].as_f64().unwrap_or(0.0)).fold(0.0, f64::max);
    let allowed = Duration::from_secs_f64(longest.max(PATIENCE as f64 / 2.0)) + SLACK;
    if done.took > allowed {
        problems.push(format!("the run took {:.1} s, allowed {allowed:?}", done.took.as_secs_f64()));
    }
    report_problems(&problems);
    done
}

/// Panics with all of `problems`, one a line.
pub fn report_problems(problems: &[String]) {
    let mut text = String::new();
    for p in problems {
        writeln!(text, "- {}", head(p, 1500)).unwrap();
    }
    assert!(problems.is_empty(), "{} problems:\n{text}", problems.len());
}

fn brief(t: &Value) -> String {
    let names: Vec<String> = tools(t).iter().take(5).map(|n| head(n, 60)).collect();
    let coverage: Vec<String> = (t["coverage"].as_array().into_iter().flatten())
        .map(|c| format!("{} {} {}", c["phase"], c["state"], c["reason"]))
        .collect();
    let text = format!(
        "status {} failure {} protocol {} tools {} {names:?} coverage {coverage:?} notes {} total_ms {}",
        t["status"],
        t["failure"],
        t["protocol"],
        tools(t).len(),
        t["notes"],
        t["timing"]["total_ms"]
    );
    head(&text, 1200)
}
