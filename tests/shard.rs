//! `hawkeye scan --shard` and `hawkeye merge`, as a scheduler and whoever reads the result see them.

#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Map, Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_hawkeye");

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("shard-{name}"));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap()
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).unwrap()
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(line.split_whitespace()).current_dir(&self.0).env("HOME", &self.0);
        command.env_remove("HAWKEYE_ZOO").env("DEMO_KEY", "a-key-that-nobody-has");
        command
    }

    fn run(&self, line: &str) -> Output {
        self.command(line).output().unwrap()
    }

    /// Runs `line`, which must end with `code`; what it says on stderr.
    fn said(&self, line: &str, code: i32) -> String {
        let output = self.run(line);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "hawkeye {line}: {stderr}");
        assert!(!stderr.contains("internal failure"), "{stderr}");
        stderr
    }

    /// The list of servers `list.json`, scanned in three parts: `0.json`, `0.ndjson` and so on.
    fn scan_parts(&self, more: &str) {
        for part in 0..3 {
            self.run(&format!(
                "scan --targets list.json --shard {part}/3 -q --no-history --output {part}.json --output \
                 {part}.ndjson {more}"
            ));
        }
    }
}

/// Forty-one servers that answer, whole or not, and twelve of which nothing can be learnt.
fn list() -> Map<String, Value> {
    let mut servers = Map::new();
    let personas = ["files", "weather", "shop", "vulnerable"];
    let revisions = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"];
    for n in 0..41 {
        let (persona, revision) = (personas[n % 4], revisions[n / 4 % 5]);
        let delay = (n / 20).to_string();
        let args = ["demo-server", "--persona", persona, "--revisions", revision, "--delay-ms", &delay];
        servers.insert(format!("server-{n}"), json!({"command": PROGRAM, "args": args}));
    }
    for n in 1..6 {
        servers.insert(format!("refusing-{n}"), json!({"url": format!("http://127.0.0.1:{n}/mcp")}));
        servers.insert(format!("absent-{n}"), json!({"command": format!("no-such-program-{n}")}));
    }
    servers.insert("odd".into(), json!({"url": "ftp://host/"}));
    servers.insert("unset".into(), json!({"url": "https://x.example/${NOT_SET_ANYWHERE}"}));
    servers.insert("off".into(), json!({"command": "x", "disabled": true}));
    servers
}

fn write_list(folder: &Folder, servers: &Map<String, Value>) {
    folder.write("list.json", &serde_json::to_string_pretty(&json!({ "mcpServers": servers })).unwrap());
}

/// A report without what differs from run to run.
fn timeless(mut report: Value) -> Value {
    report.as_object_mut().unwrap().remove("run");
    for target in report["targets"].as_array_mut().unwrap() {
        target.as_object_mut().unwrap().remove("timing");
        for row in target["coverage"].as_array_mut().unwrap() {
            row.as_object_mut().unwrap().remove("ms");
        }
    }
    report
}

fn names(report: &Value) -> Vec<String> {
    report["targets"].as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap().to_owned()).collect()
}

fn follows_the_schema(report: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/report-v1.schema.json");
    let schema: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(report).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert_eq!(errors, [""; 0]);
}

#[test]
fn parts_that_are_merged_are_the_report_of_one_run() {
    let folder = Folder::new("whole");
    write_list(&folder, &list());
    for (more, statuses) in
        [("", ["complete", "partial", "failed"]), ("--no-stdio", ["not_evaluated", "failed", ""])]
    {
        let scanned =
            folder.run(&format!("scan --targets list.json -q --no-history --output local.json {more}"));
        let local = folder.json("local.json");
        for status in statuses.iter().filter(|status| !status.is_empty()) {
            assert!(local["summary"][status].as_u64().unwrap() > 0, "{status}: {}", local["summary"]);
        }
        assert!(local["targets"].as_array().unwrap().len() >= 40);
        assert_eq!(local["summary"]["disabled"], 1);
        folder.scan_parts(more);
        for reports in ["2.ndjson 0.ndjson 1.ndjson", "0.json 1.json 2.json", "1.json 2.ndjson 0.json"] {
            let merged = folder.run(&format!("merge {reports} --no-history --output merged.json"));
            assert_eq!(merged.status.code(), scanned.status.code(), "{merged:?}");
            // Counts of what is wrong, where the reports are in files; who is named first depends on who is.
            let counts = |output: &Output| -> Vec<String> {
                let said = String::from_utf8_lossy(&output.stderr);
                said.lines().map(|line| line.split(" (").next().unwrap().to_owned()).collect()
            };
            assert_eq!(counts(&merged), counts(&scanned));
            let merged = folder.json("merged.json");
            assert!(merged["run"].get("shard").is_none() && merged["run"].get("missing").is_none());
            follows_the_schema(&merged);
            let (local, merged) = (timeless(local.clone()), timeless(merged));
            assert_eq!(names(&local), names(&merged), "{reports}");
            let (one, other) = (local["targets"].as_array().unwrap(), merged["targets"].as_array().unwrap());
            one.iter().zip(other).for_each(|(local, merged)| assert_eq!(local, merged));
            assert_eq!(local, merged, "{reports}");
        }
        let findings = local["clients"][0]["findings"].as_array().unwrap();
        assert!(
            !findings.is_empty() || !more.is_empty(),
            "servers are not seen together: {}",
            local["clients"]
        );
    }
    // As a scan has them.
    for format in ["table", "json", "ndjson", "sarif", "markdown", "csv", "junit", "prometheus", "html"] {
        let merged = folder.run(&format!("merge 0.ndjson 1.ndjson 2.ndjson --no-history --format {format}"));
        assert!(merged.status.code() == Some(3) && merged.stdout.len() > 500, "{format}: {merged:?}");
    }
}

#[test]
fn a_server_stays_in_its_part_whatever_the_list_or_its_secrets_are() {
    let folder = Folder::new("stable");
    let mut servers = Map::new();
    for n in 0..30 {
        let headers = json!({"Authorization": "Bearer ${DEMO_KEY}"});
        servers.insert(
            format!("n{n}"),
            json!({"url": format!("http://127.0.0.1:9/{n}?key=${{DEMO_KEY}}"), "headers": headers}),
        );
    }
    let part_of = |key: &str| -> Vec<Vec<String>> {
        let parts = (0..3).map(|part| {
            let line = format!("scan --targets list.json --no-history --shard {part}/3 --format json");
            let output = folder.command(&line).env("DEMO_KEY", key).output().unwrap();
            let report: Value = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!(report["run"]["shard"]["of"], names_in_list(&folder));
            let mut names = names(&report);
            names.sort();
            names
        });
        parts.collect()
    };
    write_list(&folder, &servers);
    let parts = part_of("first-secret-value");
    let all: BTreeSet<&String> = parts.iter().flatten().collect();
    assert_eq!((all.len(), parts.iter().map(Vec::len).sum::<usize>()), (30, 30));
    assert_eq!(parts, part_of("another-one"));
    // Fewer, and in another order.
    let fewer: Map<String, Value> =
        servers.into_iter().rev().filter(|(name, _)| !name.ends_with('7')).collect();
    write_list(&folder, &fewer);
    let expected: Vec<Vec<String>> = parts
        .into_iter()
        .map(|part| part.into_iter().filter(|name| !name.ends_with('7')).collect())
        .collect();
    assert_eq!(part_of("first-secret-value"), expected);
}

fn names_in_list(folder: &Folder) -> usize {
    folder.json("list.json")["mcpServers"].as_object().unwrap().len()
}

#[test]
fn a_part_says_what_it_is_and_judges_no_servers_together() {
    let folder = Folder::new("says");
    folder.said("scan --demo --shard 1/2 --no-history --fail-on never --allow-incomplete --output p.json --output p.ndjson --output p.md --output p.txt --output p.html --output p.csv --output p.sarif --output p.xml", 0);
    let part = folder.json("p.json");
    follows_the_schema(&part);
    let shard = &part["run"]["shard"];
    assert_eq!(
        (&shard["index"], &shard["count"], &shard["of"]),
        (&json!(1), &json!(2), &json!(10)),
        "{part}"
    );
    assert!(part.get("clients").is_none());
    let first: Value = serde_json::from_str(folder.read("p.ndjson").lines().next().unwrap()).unwrap();
    assert_eq!(&first["run"]["shard"], shard);
    let here = part["targets"].as_array().unwrap().len();
    let sentence = format!("servers of one client together: this is shard 1/2, {here} of 10 servers");
    for file in ["p.json", "p.ndjson", "p.md", "p.txt", "p.html", "p.csv", "p.sarif", "p.xml"] {
        assert!(folder.read(file).contains(&sentence), "{file}");
    }
    assert!(!folder.read("p.ndjson").contains(r#"{"type":"client""#));
}

#[test]
fn a_part_without_a_server_is_a_success_and_a_list_without_one_is_not() {
    let folder = Folder::new("empty");
    folder.write("list.json", r#"{"mcpServers":{"a":{"url":"http://127.0.0.1:9/"}}}"#);
    let mut codes = Vec::new();
    for part in 0..3 {
        let output = folder.run(&format!("scan --targets list.json --shard {part}/3 --no-history"));
        codes.push(output.status.code().unwrap());
        let table = String::from_utf8(output.stdout).unwrap();
        assert!(table.contains(&format!("this is shard {part}/3, ")), "{table}");
        assert!(!String::from_utf8_lossy(&output.stderr).contains("no target"));
    }
    codes.sort_unstable();
    assert_eq!(codes, [0, 0, 3]);
    folder.scan_parts("");
    let merged =
        folder.said("merge 0.json 1.ndjson 2.json --no-history --allow-incomplete --output m.json", 3);
    assert!(merged.starts_with("hawkeye: 1 of 1 server incomplete (a: "), "{merged}");
    assert_eq!(folder.json("m.json")["summary"]["failed"], 1);
    folder.write("list.json", r#"{"mcpServers":{}}"#);
    assert!(folder.said("scan --targets list.json --shard 0/3", 3).contains("no target"));
}

#[test]
fn what_cannot_be_is_said_in_one_line() {
    let folder = Folder::new("usage");
    for (line, why) in [
        ("scan --demo --shard 3/3", "hawkeye: --shard 3/3 must be 0/3 to 2/3\n"),
        ("scan --demo --shard 1/1", "hawkeye: --shard 1/1 must be 0/1\n"),
        (
            "scan --demo --shard 0/0",
            "hawkeye: --shard 0/0 must be I/N, such as 0/3: part I, from 0, of N, from 1 to 100000\n",
        ),
        ("merge", "hawkeye: no report: give those of hawkeye scan, or - for standard input\n"),
        ("merge no.json", "hawkeye: no.json cannot be read: no such file or directory\n"),
        ("merge - -", "hawkeye: - is given twice\n"),
        ("merge a -q -v", "hawkeye: -q and -v exclude each other\n"),
    ] {
        assert_eq!(folder.said(line, 2), why, "{line}");
    }
}

#[test]
fn what_is_missing_is_named_and_never_looks_whole() {
    let folder = Folder::new("missing");
    let good = |n: usize| json!({"command": PROGRAM, "args": ["demo-server", "--delay-ms", n.to_string()]});
    // So many that no part is short of two, wherever the program, which the division goes by, stands.
    write_list(&folder, &(0..36).map(|n| (format!("s{n}"), good(n))).collect());
    folder.scan_parts("");
    let counts: Vec<usize> = (0..3).map(|part| names(&folder.json(&format!("{part}.json"))).len()).collect();
    assert!(counts.iter().all(|count| *count > 1), "{counts:?}");
    folder.said("merge 0.json 1.json 2.json --no-history", 0);

    let lost = counts[1];
    let said = folder.said("merge 0.json 2.ndjson --no-history --allow-incomplete --output m.json", 3);
    assert_eq!(said, format!("hawkeye: missing: shard 1/3, {lost} servers\n"));
    let merged = folder.json("m.json");
    follows_the_schema(&merged);
    assert_eq!(merged["run"]["missing"], json!({"shards": [1], "count": 3, "targets": lost}));
    let unseen = merged["tool"]["rules"]["not_assessed"].as_array().unwrap().last().unwrap();
    assert_eq!(unseen, &json!(format!("what is missing here: shard 1/3, {lost} servers")));

    // Cut off after one of its targets, and in the middle of the next.
    let text = folder.read("1.ndjson");
    let two: usize = text.split_inclusive('\n').take(2).map(str::len).sum();
    for cut in [two, two + 200] {
        folder.write("cut.ndjson", &text[..cut]);
        let said = folder.said("merge 0.json 2.ndjson cut.ndjson --no-history --output m.json", 3);
        assert!(
            said.starts_with(&format!("hawkeye: cut.ndjson is cut off: it holds 1 of {lost} servers\n")),
            "{said}"
        );
        let missing = &folder.json("m.json")["run"]["missing"];
        assert_eq!((&missing["targets"], &missing["reports"]), (&json!(lost - 1), &json!(["cut.ndjson"])));
    }
    // What is cut off does no harm where the whole is there as well.
    let said = folder.said("merge 0.json cut.ndjson 2.ndjson 1.json --no-history --output m.json", 0);
    assert!(said.contains("1 result is not taken: the same server stands in another report"), "{said}");
    // A local run that was cut off has no parts, and is missing something all the same.
    folder.run("scan --targets list.json -q --no-history --output local.ndjson");
    let local = folder.read("local.ndjson");
    folder.write("local.ndjson", &local.split_inclusive('\n').take(4).collect::<String>());
    folder.said("merge local.ndjson --no-history --output m.json", 3);
    assert_eq!(folder.json("m.json")["run"]["missing"], json!({"targets": 33, "reports": ["local.ndjson"]}));
    // And what was merged without it stays without it.
    folder.said("merge m.json --no-history", 3);
}

#[test]
fn reports_that_do_not_go_together_are_refused() {
    let folder = Folder::new("apart");
    let list = |letters: &[&str]| {
        let url =
            |letter: &&str| ((*letter).to_owned(), json!({"url": format!("http://127.0.0.1:9/{letter}")}));
        write_list(&folder, &letters.iter().map(url).collect());
    };
    list(&["a", "b", "c"]);
    folder.scan_parts("");
    folder.run("scan --targets list.json --shard 0/4 -q --no-history --output four.json");
    list(&["a", "b", "d"]);
    folder.run("scan --targets list.json --shard 1/3 -q --no-history --output other.json");
    list(&["a", "b", "c"]);
    folder.write("c.yaml", "rules:\n  disable: [HK-POI-001]\n");
    folder.run("scan --targets list.json --config c.yaml -q --no-history --output ruled.json");
    for (other, why) in [
        ("four.json", "0.json is shard 0/3, and four.json is shard 0/4"),
        ("other.json", "0.json and other.json are parts of different lists (3 and 3 servers)"),
        ("ruled.json", "0.json was judged by the rules "),
    ] {
        let said = folder.said(&format!("merge 0.json {other} --no-history --output m.json"), 2);
        assert!(said.contains(why) && said.lines().count() == 1, "{said}");
        assert!(!folder.0.join("m.json").exists());
    }
}

#[test]
fn of_two_results_the_later_complete_one_is_taken() {
    let folder = Folder::new("twice");
    let args = |mutate: &str| json!(["demo-server", "--persona", "files", "--mutate-after", mutate]);
    let list = |command: &str| {
        let one = json!({"a": {"command": command, "args": args("9")}, "b": {"url": "http://127.0.0.1:9/"}});
        folder.write("list.json", &json!({ "mcpServers": one }).to_string());
    };
    let script = folder.0.join("server");
    let put = |text: &str| {
        use std::os::unix::fs::PermissionsExt;
        fs::write(&script, text).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    };
    list(script.to_str().unwrap());
    put(&format!("#!/bin/sh\nexec {PROGRAM} \"$@\"\n"));
    folder.run("scan --targets list.json -q --no-history --output good.json");
    put("#!/bin/sh\nexit 7\n");
    folder.run("scan --targets list.json -q --no-history --output bad.ndjson");
    for reports in ["good.json bad.ndjson", "bad.ndjson good.json"] {
        let said =
            folder.said(&format!("merge {reports} --no-history --fail-on never --output m.json -v"), 3);
        assert!(said.contains("2 results are not taken"), "{said}");
        let merged = folder.json("m.json");
        let started =
            |name: &str| match name {
                "good.json" => folder.json(name)["run"]["started_at"].clone(),
                _ => serde_json::from_str::<Value>(folder.read(name).lines().next().unwrap()).unwrap()["run"]
                    ["started_at"]
                    .clone(),
            };
        assert_eq!(names(&merged), ["a", "b"]);
        assert_eq!(merged["targets"][0]["status"], "complete");
        assert_eq!(merged["run"]["started_at"], started("good.json"));
        // Neither is complete: that of the later run, which is the second in both orders.
        let said_a = said.contains("a stands in several reports; not taken: that of bad.ndjson");
        let said_b = said.contains("b stands in several reports; not taken: that of good.json");
        assert!(said_a && said_b, "{said}");
    }
}

#[test]
fn hostile_reports_cost_a_line() {
    let folder = Folder::new("hostile");
    folder.write("list.json", r#"{"mcpServers":{"a":{"url":"http://127.0.0.1:9/"}}}"#);
    folder.run("scan --targets list.json -q --no-history --output good.json --output good.ndjson");
    let good = folder.read("good.json");
    let line = folder.read("good.ndjson");
    let cases = [
        ("deep.json", "[".repeat(300_000), "deep.json"),
        (
            "deep2.json",
            format!("{{\"schema_version\":1,\"run\":{},\"targets\":[]}}", "[".repeat(300_000)),
            "no JSON",
        ),
        ("empty.json", "\n \n".to_owned(), "empty.json is empty"),
        (
            "twice.json",
            good.replacen("\n \"targets\"", "\n \"targets\": [],\n \"targets\"", 1),
            "has a key twice",
        ),
        (
            "version.json",
            good.replacen("\"schema_version\": 1", "\"schema_version\": 2", 1),
            "has schema_version 2",
        ),
        (
            "shard.json",
            good.replacen(
                "\"interrupted\"",
                "\"shard\": {\"index\": 5, \"count\": 3, \"of\": 1, \"list\": \"\"}, \"interrupted\"",
                1,
            ),
            "has a run.shard that is not",
        ),
        (
            "rules.json",
            good.replacen("\"sha256\":\"", "\"sha256\":\"\\u001b[2J", 1),
            "has a tool.rules that is not",
        ),
        ("list.txt", "http://127.0.0.1:9/\n".to_owned(), "no JSON"),
        ("type.ndjson", "{\"type\":\"run\",\"type\":\"run\"}\n".to_owned(), "is no report of a scan"),
    ];
    for (name, text, why) in cases {
        folder.write(name, &text);
        let alone = folder.said(&format!("merge {name} --no-history"), 2);
        assert!(
            alone.contains(why) && alone.lines().count() == 1 && !alone.contains('\u{1b}'),
            "{name}: {alone}"
        );
        // Beside one that can be used it is missing.
        let beside = folder
            .said(&format!("merge {name} good.json --no-history --allow-incomplete --output m.json"), 3);
        assert!(beside.contains(why), "{name}: {beside}");
        assert_eq!(folder.json("m.json")["run"]["missing"]["reports"], json!([name]));
    }
    fs::write(
        folder.0.join("bytes.ndjson"),
        [line.as_bytes(), b"\xff\xfe\n{\"type\":\"target\",\"name\":\"x\",\"name\":\"y\"}\nnull\n"].concat(),
    )
    .unwrap();
    folder.said("merge bytes.ndjson --no-history --output m.json", 3);
    let merged = folder.json("m.json");
    follows_the_schema(&merged);
    assert_eq!(names(&merged), ["a", "bytes.ndjson#5", "bytes.ndjson#6", "bytes.ndjson#7"]);
    assert_eq!(merged["summary"]["failed"], 4);
}

#[test]
fn a_merged_run_is_one_run_of_the_history() {
    let folder = Folder::new("history");
    let tool = |n: usize, more: &str| json!({"command": "sh", "args": ["-c", format!("exec {PROGRAM} demo-server --persona files $MORE"), n.to_string()], "env": {"MORE": more}});
    let list = |more: &str| write_list(&folder, &(0..6).map(|n| (format!("s{n}"), tool(n, more))).collect());
    list("");
    folder.scan_parts("");
    folder.said("merge 0.json 1.json 2.json --no-history -q", 0);
    let runs = |folder: &Folder| -> Vec<Value> {
        let told: Value = serde_json::from_slice(&folder.run("history --format json").stdout).unwrap();
        told.as_array().unwrap().clone()
    };
    assert_eq!(runs(&folder).len(), 0);
    folder.said("merge 0.json 1.json 2.json -q --output one.json", 0);
    assert_eq!(runs(&folder).len(), 1);
    let shown: Value = serde_json::from_slice(&folder.run("show latest --format json").stdout).unwrap();
    assert_eq!(names(&shown), names(&folder.json("one.json")));
    assert_eq!(shown["run"]["id"], folder.json("one.json")["run"]["id"]);
    // A change of a server is one between two merged runs.
    list("--mutate-after 0");
    folder.scan_parts("");
    folder.run("merge 0.json 1.json 2.json -q --output two.json");
    assert_eq!(folder.json("two.json")["summary"]["drifted"], 6);
    let told: Value = serde_json::from_slice(&folder.run("diff -2 latest --format json").stdout).unwrap();
    assert_eq!((&told["summary"]["changed"], &told["summary"]["removed"]), (&json!(6), &json!(0)), "{told}");
    // A run over a part is no run in which the other servers are gone.
    folder.run("scan --targets list.json --shard 1/3 -q");
    let told: Value = serde_json::from_slice(&folder.run("diff -2 latest --format json").stdout).unwrap();
    assert_eq!(told["summary"]["removed"], 0, "{told}");
    let part: Value = serde_json::from_slice(&folder.run("show latest --format json").stdout).unwrap();
    assert_eq!((&part["run"]["shard"]["index"], part.get("clients")), (&json!(1), None), "{part}");
}

#[test]
fn servers_of_other_parts_are_neither_missing_nor_unsuppressed() {
    let folder = Folder::new("baseline");
    let good = |n: usize| json!({"command": PROGRAM, "args": ["demo-server", "--delay-ms", n.to_string()]});
    write_list(&folder, &(0..6).map(|n| (format!("s{n}"), good(n))).collect());
    folder.said("scan --targets list.json -q", 0);
    folder.said("baseline accept latest", 0);
    let file = fs::read_dir(&folder.0)
        .unwrap()
        .map(|e| e.unwrap().path())
        .find(|p| fs::read_to_string(p).is_ok_and(|t| t.contains("\"baseline\": true")))
        .unwrap();
    let file = file.file_name().unwrap().to_str().unwrap();
    folder.write("s.yaml", "- {fingerprint: \"00000000000000000000000000000000\", server: s1, owner: a, reason: b, expires: 2099-01-01}\n");
    let mut said = String::new();
    for part in 0..3 {
        said += &folder.said(&format!("scan --targets list.json --shard {part}/3 --no-history --baseline {file} --suppressions s.yaml --output {part}.json"), 0);
    }
    assert_eq!(said, "");
    // Seen together, it does nothing.
    let said = folder.said("merge 0.json 1.json 2.json --no-history --suppressions s.yaml", 0);
    assert!(said.contains("nothing is found any more that the suppression of s1 by a is for"), "{said}");
    // What is in no part is missing in all of them.
    write_list(&folder, &(0..5).map(|n| (format!("s{n}"), good(n))).collect());
    let said =
        folder.said(&format!("scan --targets list.json --shard 0/3 --no-history --baseline {file}"), 0);
    assert!(said.contains("1 accepted server is no target of this run: s5"), "{said}");
}

#[test]
fn rounds_of_a_watched_part_are_merged_as_they_are_at_the_end() {
    let folder = Folder::new("watch");
    let good = |n: usize| json!({"command": PROGRAM, "args": ["demo-server", "--delay-ms", n.to_string()]});
    write_list(&folder, &(0..6).map(|n| (format!("s{n}"), good(n))).collect());
    folder.scan_parts("");
    let mut child = folder
        .command("scan --targets list.json --shard 1/3 --watch 0.3 --no-history --no-cache --format ndjson")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut text, mut rounds) = (String::new(), 0);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while rounds < 2 {
        let line = lines.next().unwrap().unwrap();
        rounds += usize::from(line.starts_with("{\"type\":\"summary\""));
        text += &(line + "\n");
    }
    let killed = Command::new("kill").arg(child.id().to_string()).status().unwrap();
    assert!(killed.success());
    child.wait().unwrap();
    folder.write("watched.ndjson", &text);
    let said = folder.said("merge 0.json watched.ndjson 2.ndjson --no-history --output m.json", 0);
    assert_eq!(said, "");
    let mut merged = names(&folder.json("m.json"));
    merged.sort();
    assert_eq!(merged, ["s0", "s1", "s2", "s3", "s4", "s5"]);
}

/// The manifest, read as Kubernetes reads it, and its commands run here as its pods would.
#[test]
fn the_jobs_of_the_manifest_run_and_their_reports_go_together() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/kubernetes/indexed-job.yaml");
    let text = fs::read_to_string(path).unwrap();
    let documents: Vec<Value> =
        text.split("\n---\n").map(|document| serde_yaml::from_str::<Value>(document).unwrap()).collect();
    let kinds: Vec<&str> = documents.iter().map(|d| d["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["Secret", "PersistentVolumeClaim", "Job", "Job"]);
    let folder = Folder::new("manifest");
    let servers = documents[0]["stringData"]["servers.json"].as_str().unwrap();
    // Nobody is asked who is not here.
    let servers = servers
        .replace("https://docs.example", "http://127.0.0.1:9")
        .replace("https://billing.example", "http://127.0.0.1:8");
    folder.write("servers.json", &servers);
    let here = folder.0.to_str().unwrap();
    let (scan, merge) = (&documents[2]["spec"], &documents[3]["spec"]);
    for job in [scan, merge] {
        let pod = &job["template"]["spec"];
        let container = &pod["containers"][0];
        assert_eq!(
            (
                &pod["securityContext"]["runAsNonRoot"],
                &container["securityContext"]["readOnlyRootFilesystem"]
            ),
            (&json!(true), &json!(true))
        );
        assert!(container["resources"]["limits"]["memory"].is_string() && pod["restartPolicy"] == "Never");
        let volumes: BTreeSet<&str> =
            pod["volumes"].as_array().unwrap().iter().map(|v| v["name"].as_str().unwrap()).collect();
        let mounts =
            container["volumeMounts"].as_array().unwrap().iter().map(|m| m["name"].as_str().unwrap());
        assert_eq!(volumes, mounts.collect());
    }
    assert_eq!((&scan["completionMode"], &scan["completions"]), (&json!("Indexed"), &scan["parallelism"]));
    let line = |job: &Value, part: u64| -> String {
        let args = job["template"]["spec"]["containers"][0]["args"].as_array().unwrap().clone();
        let words: Vec<String> = args
            .iter()
            .map(|arg| {
                arg.as_str()
                    .unwrap()
                    .replace("$(PART)", &part.to_string())
                    .replace("/etc/hawkeye", here)
                    .replace("/reports", here)
            })
            .collect();
        words.join(" ")
    };
    for part in 0..scan["completions"].as_u64().unwrap() {
        folder.run(&line(scan, part));
    }
    let said = folder.said(&line(merge, 0), 3);
    assert!(said.starts_with("hawkeye: 2 of 2 servers incomplete ("), "{said}");
    let last = folder.read("report.ndjson").lines().last().unwrap().to_owned();
    let summary: Value = serde_json::from_str(&last).unwrap();
    assert_eq!(summary["summary"]["targets"], 2, "{summary}");
}
