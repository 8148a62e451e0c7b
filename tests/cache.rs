//! The cache of results as a user sees it: `hawkeye scan` and `hawkeye cache`, many at once and on bad disks.

#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_hawkeye");
const ON: &str = "mcp_introspection: {enable_result_caching: true}\n";

/// The home of a user who has switched the cache on.
struct Home(PathBuf);

impl Home {
    fn new(name: &str) -> Home {
        let dir = std::env::temp_dir().join(format!("hawkeye-cache-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(dir.join(".hawkeye")).unwrap();
        let home = Home(dir);
        home.settings(ON);
        home
    }

    fn settings(&self, text: &str) {
        fs::write(self.0.join(".hawkeye/hawkeye.yaml"), text).unwrap();
    }

    fn database(&self) -> PathBuf {
        self.0.join(".hawkeye/cache/introspection.db")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(args).current_dir(&self.0).env("HOME", &self.0).env_remove("HAWKEYE_TIMEOUT");
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// The report of a scan with these arguments.
    fn scan(&self, args: &[&str]) -> Value {
        let output = self.run(&[&["scan", "--format", "json"], args].concat());
        serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"))
    }

    /// A server that writes a line into `started` each time it is started.
    fn server(&self) -> String {
        let script = self.0.join("server.sh");
        let text =
            format!("#!/bin/sh\necho x >> '{}'\nexec {PROGRAM} demo-server\n", self.started().display());
        fs::write(&script, text).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        script.display().to_string()
    }

    fn started(&self) -> PathBuf {
        self.0.join("started")
    }

    fn starts(&self) -> usize {
        fs::read_to_string(self.started()).map_or(0, |text| text.lines().count())
    }

    fn stats(&self) -> Value {
        let output = self.run(&["cache", "stats", "--format", "json"]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A demo server over HTTP, and its URL.
struct Demo(Child, String);

impl Demo {
    fn start() -> Demo {
        let mut child = Command::new(PROGRAM)
            .args(["demo-server", "--transport", "http", "--port", "0"])
            .stdout(Stdio::piped())
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let url =
            line.split_whitespace().find(|w| w.starts_with("http://")).unwrap_or_else(|| panic!("{line}"));
        Demo(child, url.to_owned())
    }

    fn stats(&self) -> Value {
        let host = self.1.strip_prefix("http://").unwrap().split('/').next().unwrap();
        let mut stream = TcpStream::connect(host).unwrap();
        write!(stream, "GET /stats HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn files_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_hit_starts_no_process_and_says_its_age_everywhere() {
    let home = Home::new("stdio");
    let server = home.server();
    let asked = home.scan(&["--", &server]);
    assert_eq!((&asked["targets"][0]["cached"], &asked["summary"]["cached"]), (&Value::Null, &0.into()));
    let stored = home.scan(&["--", &server]);
    assert_eq!(home.starts(), 1);
    let (one, two) = (&asked["targets"][0], &stored["targets"][0]);
    for same in ["name", "endpoint", "owners", "protocol", "server", "tools", "coverage", "timing", "auth"] {
        assert_eq!(one[same], two[same], "{same}");
    }
    assert_eq!((&two["attempts"], &stored["summary"]["cached"]), (&0.into(), &1.into()));
    assert_eq!(stored["summary"]["tools"], asked["summary"]["tools"]);
    assert!(two["cached"]["stored_at"].as_str().unwrap().ends_with('Z') && two["cached"]["age_s"].is_u64());
    let table = text(&home.run(&["scan", "--", &server]).stdout);
    assert!(table.contains("  cached ") && table.contains(", 1 from the cache "), "{table}");
    let lines = text(&home.run(&["scan", "--format", "ndjson", "--", &server]).stdout);
    assert!(lines.lines().nth(1).unwrap().contains(r#""cached":{"stored_at":""#), "{lines}");
    home.scan(&["--no-cache", "--", &server]);
    assert_eq!(home.starts(), 2);
    let again = home.scan(&["--refresh", "--", &server]);
    assert_eq!((home.starts(), &again["targets"][0]["cached"]), (3, &Value::Null));
    let newer = home.scan(&["--", &server]);
    assert!(newer["targets"][0]["cached"]["stored_at"].as_str() > two["cached"]["stored_at"].as_str());
    assert_eq!(home.starts(), 3);
}

#[test]
fn a_hit_opens_no_connection() {
    let home = Home::new("http");
    let demo = Demo::start();
    let asked = home.scan(&[&demo.1]);
    let before = demo.stats();
    assert!(before["connections"].as_u64() > Some(0), "{before}");
    let stored = home.scan(&[&demo.1]);
    assert_eq!(demo.stats(), before);
    assert_eq!(stored["targets"][0]["tools"], asked["targets"][0]["tools"]);
    assert_eq!(stored["summary"]["cached"], 1);
}

#[test]
fn places_in_the_report_are_those_of_the_plan() {
    let home = Home::new("places");
    let server = home.server();
    let list = |names: &[&str]| {
        let entries: Vec<String> = names
            .iter()
            .map(|n| format!(r#""{n}": {{"command": "{server}", "args": ["--name", "{n}"]}}"#))
            .collect();
        let broken = entries.join(", ").replace(r#"["--name", "x"]"#, r#"["${NOT_SET_ANYWHERE}"]"#);
        let path = home.0.join("servers.json");
        fs::write(&path, format!(r#"{{"mcpServers": {{{broken}}}}}"#)).unwrap();
        path.display().to_string()
    };
    home.scan(&["--targets", &list(&["b", "d"])]);
    let report = home.scan(&["--targets", &list(&["a", "b", "x", "c", "d", "e"])]);
    let targets = report["targets"].as_array().unwrap();
    let names: Vec<&str> = targets.iter().map(|t| t["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["a", "b", "x", "c", "d", "e"]);
    let cached: Vec<bool> = targets.iter().map(|t| t["cached"].is_object()).collect();
    assert_eq!(cached, [false, true, false, false, true, false]);
    assert_eq!(report["summary"]["targets"], 6);
    assert_eq!((&report["summary"]["complete"], &report["summary"]["cached"]), (&5.into(), &2.into()));
    assert_eq!(report["targets"][2]["failure"]["kind"], "unresolved_variable");
}

#[test]
fn without_both_switches_there_is_no_cache() {
    let home = Home::new("off");
    let server = home.server();
    for settings in [
        "",
        "caching_config: {enabled: true}\n",
        "mcp_introspection: {enable_result_caching: true, caching_config: {enabled: false}}\n",
        "mcp_introspection: {enable_result_caching: true, caching_config: {persist_cache: false}}\n",
    ] {
        home.settings(settings);
        home.scan(&["--no-history", "--", &server]);
        assert_eq!(home.scan(&["--no-history", "--", &server])["summary"]["cached"], 0, "{settings}");
        assert!(!home.database().parent().unwrap().exists(), "{settings}");
        let stats = home.stats();
        assert_eq!(stats["results"], 0);
        assert_eq!(stats["in_effect"], settings.contains("persist_cache"), "{settings}");
    }
    assert_eq!(home.starts(), 8);
    let both = home.run(&["scan", "--no-cache", "--refresh", "--demo"]);
    assert_eq!(both.status.code(), Some(2));
    home.settings("");
    let refresh = home.run(&["scan", "--refresh", "--", &server]);
    assert!(text(&refresh.stderr).contains("--refresh stores nothing"), "{refresh:?}");
}

#[test]
fn ttl_size_and_file_are_obeyed() {
    let home = Home::new("limits");
    let server = home.server();
    home.settings(
        "mcp_introspection: {enable_result_caching: true}\n\
         caching_config: {max_size: 2, ttl: 0.001, cache_file: elsewhere/x.db}\n",
    );
    for _ in 0..2 {
        assert_eq!(home.scan(&["--", &server])["summary"]["cached"], 0);
    }
    // Relative to the file that says so.
    let stats = home.stats();
    assert_eq!(stats["file"], home.0.join(".hawkeye/elsewhere/x.db").display().to_string());
    assert_eq!((&stats["results"], &stats["fresh"]), (&1.into(), &0.into()));
    assert_eq!(text(&home.run(&["cache", "prune"]).stdout), "1 of 1 results removed\n");
    home.settings(
        "mcp_introspection: {enable_result_caching: true}\ncaching_config: {max_size: 2, cache_file: y.db}\n",
    );
    for n in ["1", "2", "3"] {
        home.scan(&["--", &server, n]);
    }
    assert_eq!(home.stats()["results"], 2);
    assert_eq!(home.scan(&["--", &server, "1"])["summary"]["cached"], 0, "the oldest had to go");
    assert_eq!(home.scan(&["--", &server, "3"])["summary"]["cached"], 1);
    assert_eq!(text(&home.run(&["cache", "clear"]).stdout), "2 of 2 results removed\n");
    assert_eq!(home.scan(&["--", &server, "3"])["summary"]["cached"], 0);
}

#[test]
fn only_complete_results_are_stored_and_no_secret_is() {
    let home = Home::new("secrets");
    let secrets = ["s3cr3t-of-env", "s3cr3t-of-arg", "s3cr3t-of-url", "s3cr3t-of-header"];
    let demo = Demo::start();
    let authority = demo.1.strip_prefix("http://").unwrap();
    let file = home.0.join("servers.json");
    let servers = format!(
        r#"{{"mcpServers": {{
            "stdio": {{"command": "{PROGRAM}", "args": ["demo-server", "--persona", "files"],
                       "env": {{"API_KEY": "{}"}}}},
            "arg": {{"command": "{}", "args": ["--token", "{}"]}},
            "url": {{"url": "http://user:{}@{authority}", "headers": {{"X-Api-Key": "{}"}}}},
            "gone": {{"command": "no-such-program-anywhere"}},
            "partly": {{"command": "{PROGRAM}", "args": ["demo-server", "--persona", "shop"]}}
        }}}}"#,
        secrets[0],
        home.server(),
        secrets[1],
        secrets[2],
        secrets[3]
    );
    fs::write(&file, servers).unwrap();
    let report = home.scan(&["--targets", file.to_str().unwrap()]);
    assert_eq!(report["summary"]["complete"], 3, "{report}");
    let list = text(&home.run(&["cache", "list", "--format", "json"]).stdout);
    let list: Value = serde_json::from_str(&list).unwrap();
    let mut names: Vec<&str> =
        list.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["arg", "stdio", "url"]);
    let folder = home.database().parent().unwrap().to_owned();
    for name in files_in(&folder) {
        let path = folder.join(&name);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
        let bytes = fs::read(&path).unwrap();
        for secret in secrets {
            let there = bytes.windows(secret.len()).any(|w| w == secret.as_bytes());
            assert!(!there, "{secret} in {name}");
        }
    }
}

#[test]
fn ten_at_once_on_an_empty_disk_lose_nothing() {
    let home = Home::new("ten");
    let server = home.server();
    let mut runs = Vec::new();
    for n in 0..10 {
        let servers: Vec<String> = (0..20)
            .map(|i| format!(r#""s{n}-{i}": {{"command": "{server}", "args": ["{n}", "{i}"]}}"#))
            .collect();
        let file = home.0.join(format!("{n}.json"));
        fs::write(&file, format!(r#"{{"mcpServers": {{{}}}}}"#, servers.join(", "))).unwrap();
        let file = file.display().to_string();
        let mut command = home.command(&["scan", "--format", "json", "--targets", &file]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        runs.push((file, child));
    }
    let files: Vec<String> = runs
        .into_iter()
        .map(|(file, child)| {
            let output = child.wait_with_output().unwrap();
            assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
            file
        })
        .collect();
    assert_eq!(home.stats()["results"], 200);
    assert_eq!(home.starts(), 200);
    for file in &files {
        assert_eq!(home.scan(&["--targets", file])["summary"]["cached"], 20);
    }
    assert_eq!(home.starts(), 200);
    let names = files_in(home.database().parent().unwrap());
    assert_eq!(names, ["introspection.db", "introspection.db.key"]);
}

#[test]
fn ten_that_find_it_damaged_move_it_once() {
    let home = Home::new("damaged");
    let server = home.server();
    fs::create_dir_all(home.database().parent().unwrap()).unwrap();
    fs::write(home.database(), "this was a database once").unwrap();
    let mut runs = Vec::new();
    for n in 0..10 {
        let n = n.to_string();
        let mut command = home.command(&["scan", "--format", "json", "--", &server, &n]);
        runs.push(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap());
    }
    let said: Vec<String> =
        runs.into_iter().map(|run| text(&run.wait_with_output().unwrap().stderr)).collect();
    let warned: Vec<&String> = said.iter().filter(|s| !s.is_empty()).collect();
    assert_eq!(warned.len(), 1, "{said:?}");
    assert!(warned[0].contains("introspection.db.damaged-") && warned[0].lines().count() == 1, "{said:?}");
    assert_eq!(home.stats()["results"], 10);
    let names = files_in(home.database().parent().unwrap());
    assert_eq!(names.iter().filter(|n| n.contains(".damaged-")).count(), 1, "{names:?}");
}

#[test]
fn damage_behind_the_first_page_costs_one_line_and_a_new_file_is_begun() {
    let home = Home::new("behind");
    let server = home.server();
    for n in ["1", "2", "3", "4", "5"] {
        home.scan(&["--", &server, n]);
    }
    let mut bytes = fs::read(home.database()).unwrap();
    bytes[4096..].fill(0xa5);
    fs::write(home.database(), bytes).unwrap();
    let broken = home.run(&["cache", "list"]);
    assert_eq!(broken.status.code(), Some(4));
    assert!(text(&broken.stderr).starts_with("hawkeye: cache: its file is damaged (delete "), "{broken:?}");
    let mended = home.run(&["scan", "--", &server, "1"]);
    let said = text(&mended.stderr);
    assert_eq!((mended.status.code(), said.lines().count()), (Some(0), 1), "{said}");
    assert!(said.contains("introspection.db.damaged-") && said.contains("a new one was begun"), "{said}");
    assert_eq!(home.scan(&["--", &server, "1"])["summary"]["cached"], 1);
    assert_eq!(home.starts(), 6);
}

#[test]
fn what_cannot_be_used_costs_the_cache_and_one_line() {
    let home = Home::new("unusable");
    let server = home.server();
    fs::write(home.0.join("file"), "").unwrap();
    std::os::unix::fs::symlink(home.0.join("file"), home.0.join("link.db")).unwrap();
    for (file, why) in [
        (home.0.join("file/x.db"), "file"),
        (PathBuf::from("/dev/full"), "full"),
        (PathBuf::from("/proc/nowhere/x.db"), "/proc/nowhere"),
        (home.0.clone(), "is no regular file"),
        (home.0.join("link.db"), "symbolic link"),
    ] {
        home.settings(&format!("{ON}caching_config: {{cache_file: '{}'}}\n", file.display()));
        let output = home.run(&["scan", "--format", "json", "--", &server]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert!(said.starts_with("hawkeye: warn: cache of results: ") && said.contains(why), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        if file.exists() {
            let stats = home.run(&["cache", "stats"]);
            assert_eq!(stats.status.code(), Some(4), "{stats:?}");
        }
    }
    let homeless = home.command(&["scan", "--config", "on.yaml", "--", &server]).env_remove("HOME").output();
    assert_eq!(homeless.unwrap().status.code(), Some(2), "no such settings");
    fs::write(home.0.join("on.yaml"), ON).unwrap();
    let homeless =
        home.command(&["scan", "--config", "on.yaml", "--", &server]).env_remove("HOME").output().unwrap();
    assert!(text(&homeless.stderr).contains("HOME is not set"), "{homeless:?}");
    assert!(!home.0.join("~").exists());
}

#[test]
fn cache_commands_make_nothing_where_there_is_nothing() {
    let home = Home::new("nothing");
    assert_eq!(text(&home.run(&["cache", "clear"]).stdout), "0 of 0 results removed\n");
    assert_eq!(text(&home.run(&["cache", "list", "--format", "json"]).stdout), "[]\n");
    let stats = text(&home.run(&["cache", "stats"]).stdout);
    assert!(
        stats.contains("in use    yes\nresults   0 of at most ") && stats.contains(", 0 of them fresh\n"),
        "{stats}"
    );
    assert!(!home.0.join(".hawkeye/cache").exists());
    for wrong in [["cache", "empty"], ["cache", "list"]] {
        let wrong = home.run(&[wrong.as_slice(), &["--format", "xml"]].concat());
        assert_eq!(wrong.status.code(), Some(2));
    }
}
