//! `hawkeye scan --watch`, `--lock` and `-q`, as a user, cron and systemd see them.

#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use std::fs;
use std::io::{BufRead, BufReader, Lines, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// A home with servers of tests/warm in it.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Place {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("watch-{name}"));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        Place(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        // Replaced at once: somebody may be reading it.
        fs::write(self.path("new"), text).unwrap();
        fs::rename(self.path("new"), self.path(name)).unwrap();
        self.path(name)
    }

    /// A targets file with these servers, each of which offers what its folder's file says.
    fn targets(&self, names: &[&str]) -> PathBuf {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/warm/server.py");
        let mut servers = serde_json::Map::new();
        for name in names {
            let folder = self.path(name);
            if fs::create_dir_all(&folder).is_ok() && !folder.join("tools").exists() {
                self.write(&format!("{name}/tools"), "read write");
            }
            let args = json!(["-E", "-s", "-S", "-B", script, folder]);
            servers.insert((*name).to_owned(), json!({"command": "python3", "args": args}));
        }
        self.write("targets.json", &json!({ "mcpServers": servers }).to_string())
    }

    fn hawkeye(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hawkeye"));
        command.arg("scan").args(args).current_dir(&self.0).env("HOME", &self.0);
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.hawkeye(args).output().unwrap()
    }

    fn start(&self, args: &[&str]) -> Running {
        self.started(self.hawkeye(args))
    }

    fn started(&self, mut command: Command) -> Running {
        let errors = fs::File::create(self.path("stderr")).unwrap();
        let mut child = command.stdout(Stdio::piped()).stderr(errors).stdin(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Running { child, lines }
    }

    fn spawned(&self, server: &str) -> Vec<String> {
        let all = fs::read_to_string(self.path(server).join("spawned")).unwrap_or_default();
        all.lines().map(str::to_owned).collect()
    }

    fn said(&self) -> String {
        fs::read_to_string(self.path("stderr")).unwrap()
    }
}

/// A scan that goes on; killed if a test ends early.
struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Running {
    fn line(&mut self) -> String {
        self.lines.next().expect("stdout has ended").unwrap()
    }

    fn json(&mut self) -> Value {
        let line = self.line();
        serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"))
    }

    /// Target lines of the next round in which there are any, and that round's summary.
    fn round(&mut self) -> (Vec<Value>, Value) {
        let mut targets = Vec::new();
        loop {
            let line = self.json();
            match line["type"].as_str().unwrap() {
                "run" => assert!(targets.is_empty(), "a round without an end"),
                "target" => targets.push(line),
                "client" => {}
                _ if targets.is_empty() && line["gone"].is_null() => {}
                _ => return (targets, line),
            }
        }
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    fn ends(mut self, signal: &str) -> Option<i32> {
        self.signal(signal);
        // Read to the end, or it might wait for us.
        self.lines.by_ref().for_each(drop);
        self.child.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
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

#[test]
fn after_the_first_round_only_changes_are_told() {
    let place = Place::new("table");
    let targets = place.targets(&["files"]);
    let mut run = place.start(&["--targets", targets.to_str().unwrap(), "--watch", "0.05"]);
    let first: Vec<String> = (0..5).map(|_| run.line()).collect();
    assert!(first[1].starts_with("files") && first[4].starts_with("1 target: 1 complete"), "{first:?}");
    place.write("files/tools", "read delete\x1b[2J");
    let line = run.line();
    let (time, what) = line.split_once(' ').unwrap();
    // What is new is judged, too.
    let expected = "files: tools +delete\\u{1b}[2J -write, findings +HK-CAP-002 (low) +HK-SCH-004 (low) +HK-UNI-003 (high)";
    assert_eq!(what, expected);
    assert!(time.len() == 9 && time.ends_with('Z'), "{time}");
    place.write("files/tools", "read");
    assert!(run.line().contains(" files: tools -delete\\u{1b}[2J, findings -HK-CAP-002 (low) "));
    let pid = place.spawned("files").pop().unwrap();
    assert!(alive(&pid));
    assert_eq!(run.ends("-TERM"), Some(143));
    assert_eq!((place.spawned("files").len(), alive(&pid)), (1, false), "one warm process, gone at the end");
    assert_eq!(place.said(), "");
}

#[test]
fn every_round_is_a_group_of_lines_and_targets_come_and_go() {
    let place = Place::new("ndjson");
    let targets = place.targets(&["a", "b"]);
    let args = ["--targets", targets.to_str().unwrap(), "--watch", "0.05", "--format", "ndjson"];
    let mut run = place.start(&[&args[..], &["--output", "latest.ndjson"]].concat());
    let (first, summary) = run.round();
    assert_eq!((first.len(), &summary["summary"]["complete"]), (2, &json!(2)));
    assert!(first.iter().all(|target| target["changes"].is_null()));

    place.write("b/tools", "write write2");
    let (changed, summary) = run.round();
    let expected = json!([{"what": "tools", "added": ["write2"], "removed": ["read"]}]);
    assert_eq!((changed.len(), &changed[0]["name"], &changed[0]["changes"]), (1, &json!("b"), &expected));
    assert_eq!(
        (&changed[0]["tools"][1]["name"], &summary["summary"]["tools"]),
        (&json!("write2"), &json!(4))
    );

    place.targets(&["b", "c"]);
    let (changed, summary) = run.round();
    assert_eq!((changed.len(), &changed[0]["name"], &changed[0]["index"]), (1, &json!("c"), &json!(1)));
    assert_eq!(changed[0]["changes"], json!([{"what": "target", "to": "complete"}]));
    assert_eq!((&summary["gone"], &summary["summary"]["targets"]), (&json!(["a"]), &json!(2)));

    // The file holds the latest round, complete: also the targets that did not change.
    let whole = || fs::read_to_string(place.path("latest.ndjson")).unwrap().lines().count() == 5;
    assert!(until(whole), "run, b, c, the client and summary");
    assert_eq!(run.ends("-INT"), Some(130));
    assert!(whole());
}

#[test]
fn a_file_that_went_bad_is_told_once_and_the_last_good_one_stays() {
    let place = Place::new("bad");
    let targets = place.targets(&["a"]);
    let args = ["--targets", targets.to_str().unwrap(), "--watch", "0.02", "--format", "ndjson"];
    let mut run = place.start(&args);
    run.round();
    place.write("targets.json", "{\"mcpServers\": {");
    // Three more rounds at least see the bad file.
    let rounds = (0..).map(|_| run.json()).filter(|line| line["type"] == "summary");
    let said = |summary: &Value| {
        assert_eq!(summary["summary"]["complete"], 1, "{summary}");
        place.said().contains("going on with what was read before")
    };
    assert_eq!(rounds.filter(said).take(3).count(), 3);
    place.targets(&["a", "b"]);
    assert_eq!(run.round().0[0]["name"], "b");
    assert_eq!(run.ends("-TERM"), Some(143));
    let said = place.said();
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.starts_with("hawkeye: ") && said.contains("targets.json:"), "{said}");
}

#[test]
fn a_machine_without_room_is_warned_of_once_and_the_rounds_are_narrower() {
    let place = Place::new("room");
    let names: Vec<String> = (0..12).map(|n| format!("s{n}")).collect();
    let targets = place.targets(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 60 && exec \"$0\" scan \"$@\"", env!("CARGO_BIN_EXE_hawkeye")]);
    command.args(["--targets", targets.to_str().unwrap(), "--watch", "0.02", "--concurrency", "12"]);
    command.args(["--format", "ndjson"]).current_dir(&place.0).env("HOME", &place.0);
    let mut run = place.started(command);
    let whole = |summary: &Value| summary["type"] == "summary" && summary["summary"]["complete"] == 12;
    assert_eq!((0..).map(|_| run.json()).filter(whole).take(3).count(), 3);
    let another = place.targets(&["s0"]);
    assert_eq!(another, targets);
    assert!((0..).map(|_| run.json()).any(|line| line["summary"]["targets"] == 1));
    assert_eq!(run.ends("-TERM"), Some(143));
    let said = place.said();
    let narrower =
        said.lines().filter(|line| line.contains(" instead of 12 servers at a time: open files: "));
    assert_eq!(narrower.count(), 1, "{said}");
}

#[test]
fn metrics_are_switched_on_and_off_while_rounds_go_on() {
    let place = Place::new("monitoring");
    let targets = place.targets(&["a"]);
    let monitoring = |on: bool| {
        let file = place.path("hawkeye.prom");
        let file = file.display();
        let text = format!(
            "mcp_introspection:\n  monitoring: {{enabled: {on}, export_interval: 1, file: {file}}}\n"
        );
        place.write("settings.yaml", &text)
    };
    let settings = monitoring(false);
    let settings = settings.to_str().unwrap();
    let args = ["--targets", targets.to_str().unwrap(), "--config", settings, "--watch", "0.02", "-q"];
    let run = place.start(&args);
    assert!(until(|| place.spawned("a").len() == 1));
    assert!(!place.path("hawkeye.prom").exists());
    monitoring(true);
    assert!(until(|| place.path("hawkeye.prom").exists()), "{}", place.said());
    monitoring(false);
    // Another scanner has another process: the settings were read.
    assert!(until(|| place.spawned("a").len() == 3));
    fs::remove_file(place.path("hawkeye.prom")).unwrap();
    assert_eq!(run.ends("-TERM"), Some(143));
    assert!(!place.path("hawkeye.prom").exists(), "the end of the run wrote it");
}

#[test]
fn sighup_begins_a_round_at_once_with_processes_of_its_own() {
    let place = Place::new("hangup");
    let targets = place.targets(&["a"]);
    let args = ["--targets", targets.to_str().unwrap(), "--watch", "3600", "--format", "ndjson"];
    let mut run = place.start(&args);
    run.round();
    place.write("a/tools", "other");
    run.signal("-HUP");
    let (changed, _) = run.round();
    assert_eq!(changed[0]["changes"][0]["added"], json!(["other"]));
    let spawned = place.spawned("a");
    assert_eq!((spawned.len(), alive(&spawned[0])), (2, false));
    assert_eq!(run.ends("-TERM"), Some(143));
}

#[test]
fn a_server_that_goes_and_comes_back_is_told_twice() {
    let place = Place::new("flap");
    let targets = place.targets(&["a"]);
    let mut run = place.start(&["--targets", targets.to_str().unwrap(), "--watch", "0.05"]);
    (0..5).for_each(|_| drop(run.line()));
    // It ends with an error as soon as it is asked.
    fs::rename(place.path("a/tools"), place.path("a/away")).unwrap();
    let line = run.line();
    assert!(line.contains("a: status complete -> partial, failure - -> exited (tools/list:"), "{line}");
    fs::rename(place.path("a/away"), place.path("a/tools")).unwrap();
    let line = run.line();
    assert!(line.ends_with("a: status partial -> complete, failure exited -> -"), "{line}");
    assert_eq!(run.ends("-TERM"), Some(143));
}

#[test]
fn sigkill_takes_the_warm_processes_along() {
    let place = Place::new("kill");
    let targets = place.targets(&["a", "b"]);
    let mut run =
        place.start(&["--targets", targets.to_str().unwrap(), "--watch", "3600", "--format", "ndjson"]);
    run.round();
    let pids: Vec<String> = ["a", "b"].iter().flat_map(|name| place.spawned(name)).collect();
    assert!(pids.len() == 2 && pids.iter().all(|pid| alive(pid)), "{pids:?}");
    assert_eq!(run.ends("-KILL"), None);
    assert!(until(|| !pids.iter().any(|pid| alive(pid))), "left behind: {pids:?}");
}

#[test]
fn one_document_has_no_end_and_a_reader_who_leaves_is_the_end() {
    let place = Place::new("usage");
    let refused = place.run(&["--demo", "--watch", "1", "--format", "json"]);
    assert_eq!((refused.status.code(), refused.stdout.len()), (Some(2), 0));
    let why = String::from_utf8(refused.stderr).unwrap();
    assert!(why.contains("--format ndjson") && why.contains("--output FILE"), "{why}");

    let targets = place.targets(&["a"]);
    let args = ["--targets", targets.to_str().unwrap(), "--watch", "0.02", "--format", "ndjson"];
    let mut scan = place.hawkeye(&args).stdout(Stdio::piped()).spawn().unwrap();
    let mut some = [0; 10];
    scan.stdout.take().unwrap().read_exact(&mut some).unwrap();
    assert_eq!(scan.wait().unwrap().code(), Some(0));
}

#[test]
fn a_run_that_is_still_going_keeps_others_out() {
    let place = Place::new("lock");
    let targets = place.targets(&["a"]);
    let args = ["--targets", targets.to_str().unwrap(), "--format", "ndjson"];
    let locked = |more: &[&'static str]| [&args[..], more].concat();
    let mut first = place.start(&locked(&["--lock", "--watch", "3600"]));
    first.round();
    let lock = place.path(".hawkeye/hawkeye.lock");
    assert_eq!(fs::metadata(&lock).unwrap().permissions().mode() & 0o777, 0o600);
    let server = place.spawned("a").pop().unwrap();
    let held: Vec<PathBuf> = fs::read_dir(format!("/proc/{server}/fd"))
        .unwrap()
        .filter_map(|fd| fs::read_link(fd.unwrap().path()).ok())
        .collect();
    assert!(!held.is_empty() && !held.contains(&lock), "the server holds it, too: {held:?}");

    let pid = first.child.id();
    for more in [&["--lock"][..], &["-q", "--lock"], &["--lock-wait", "0.2"]] {
        let second = place.run(&locked(more));
        assert_eq!((second.status.code(), second.stdout.len()), (Some(2), 0), "{more:?}");
        let why = String::from_utf8(second.stderr).unwrap();
        let wanted = format!("another run is still going (pid {pid} since ");
        assert!(why.lines().count() == 1 && why.contains(&wanted), "{why}");
    }
    assert_eq!(place.run(&locked(&["--lock-file", "other.lock"])).status.code(), Some(0));

    // A wait ends with a signal, or with the other run, however that ends.
    let waiting = place.start(&locked(&["--lock-wait", "3600"]));
    assert!(until(|| waits(waiting.child.id())));
    assert_eq!(waiting.ends("-TERM"), Some(143));
    let mut waiting = place.start(&locked(&["--lock-wait", "3600"]));
    assert!(until(|| waits(waiting.child.id())));
    assert_eq!(first.ends("-KILL"), None);
    assert_eq!(waiting.round().1["summary"]["complete"], 1);
    assert_eq!(waiting.child.wait().unwrap().code(), Some(0));
}

/// Whether the process has the lock file open, and its handlers for signals in place.
fn waits(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or("0").trim();
    let term = u64::from_str_radix(caught, 16).unwrap_or(0) & (1 << 14) != 0;
    let fds = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten();
    term && fds.filter_map(|fd| fs::read_link(fd.ok()?.path()).ok()).any(|to| to.ends_with("hawkeye.lock"))
}

#[test]
fn a_lock_that_cannot_be_had_is_told_and_nothing_else_is_touched() {
    let place = Place::new("no-lock");
    let targets = place.targets(&["a"]);
    place.write("diary", "dear diary");
    for (file, why) in
        [("diary", "holds something else"), ("a", "not a regular file"), ("no/where", "No such")]
    {
        let out = place.run(&["--targets", targets.to_str().unwrap(), "--lock-file", file]);
        let said = String::from_utf8(out.stderr).unwrap();
        assert_eq!(out.status.code(), Some(2), "{said}");
        assert!(said.starts_with(&format!("hawkeye: lock {file}: ")) && said.contains(why), "{said}");
    }
    assert_eq!(fs::read_to_string(place.path("diary")).unwrap(), "dear diary");
    assert!(place.spawned("a").is_empty());
}

#[test]
fn cron_hears_nothing_of_a_good_run_and_one_line_of_a_bad_one() {
    let place = Place::new("quiet");
    let targets = place.targets(&["a", "b", "c", "d", "e"]);
    let args = ["-q", "--lock", "--output", "report.json", "--targets", targets.to_str().unwrap()];
    let good = place.run(&args);
    assert_eq!(
        (good.status.code(), good.stdout.as_slice(), good.stderr.as_slice()),
        (Some(0), &b""[..], &b""[..])
    );
    for name in ["a", "b", "c", "e"] {
        fs::remove_file(place.path(name).join("tools")).unwrap();
    }
    let bad = place.run(&[&args[..], &["--concurrency", "1"]].concat());
    assert_eq!((bad.status.code(), bad.stdout.len()), (Some(3), 0));
    assert_eq!(
        String::from_utf8(bad.stderr).unwrap(),
        "hawkeye: 4 of 5 servers incomplete (a: exited in tools/list; b: exited in tools/list; \
         c: exited in tools/list; 1 more)\n"
    );
    let accepted = place.run(&[&args[..], &["--allow-incomplete"]].concat());
    assert_eq!((accepted.status.code(), accepted.stderr.len()), (Some(0), 0));
}
