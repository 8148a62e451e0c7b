//! The tool's own surroundings: full and closed outputs, a bare environment, few descriptors, crowds.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::support::{
    Case, Dir, Done, SLACK, TOGETHER, case, complete, contains, failed, has_tools, hawkeye, head, http,
    report_problems, scan, scan_with, settle, start, start_redirected, stdio, token, tools, within,
};

fn honest_file(d: &Dir, count: usize) -> PathBuf {
    let servers: Map<String, Value> =
        (0..count).map(|i| (format!("s{i}"), stdio(d, "honest", &[&i.to_string()]))).collect();
    d.write("honest.json", json!({ "mcpServers": servers }).to_string())
}

fn expect(name: &str, done: &Done, codes: &[i32], said: bool, problems: &mut Vec<String>) {
    let mut own = Vec::new();
    done.check(&mut own);
    if !codes.contains(&done.code) {
        own.push(format!("code {} instead of {codes:?}: {}", done.code, head(&done.err(), 300)));
    }
    if said && done.stderr.is_empty() {
        own.push("no message".into());
    }
    problems.extend(own.into_iter().map(|p| format!("{name}: {p}")));
}

fn in_shell(d: &Dir, before: &str, file: &Path, after: &str) -> Command {
    let mut c = Command::new("sh");
    settle(&mut c, d);
    let program = env!("CARGO_BIN_EXE_hawkeye");
    c.arg("-c").arg(format!(
        "{before} exec {program} scan --fail-on never --no-history --format json --timeout 30 --targets {} {after}",
        file.display()
    ));
    c
}

#[test]
fn outputs_that_are_closed_or_full() {
    let mut problems = Vec::new();
    let d = Dir::new();
    let file = honest_file(&d, 2);
    // A pipe that nobody reads any more: quiet, whatever the code.
    for format in ["json", "ndjson", "table"] {
        let mut c = hawkeye(&d);
        c.args([
            "scan",
            "--fail-on",
            "never",
            "--no-history",
            "--format",
            format,
            "--no-progress",
            "--targets",
        ])
        .arg(&file)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
        let mut run = start_redirected(&d, c);
        drop(run.child.stdout.take());
        let done = run.wait();
        expect(&format!("broken pipe {format}"), &done, &[0, 3, 4], false, &mut problems);
        if !done.stderr.is_empty() {
            problems.push(format!("broken pipe {format}: not quiet: {:?}", head(&done.err(), 300)));
        }
        let mut c = hawkeye(&d);
        let full = File::options().write(true).open("/dev/full").unwrap();
        c.args(["scan", "--fail-on", "never", "--no-history", "--format", format, "--targets"])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(full);
        expect(&format!("full {format}"), &start_redirected(&d, c).wait(), &[4], true, &mut problems);
    }
    for (name, after, codes) in [
        ("closed stdout", ">&-", &[0, 4] as &[i32]),
        ("closed stderr", "2>&-", &[0]),
        ("closed stdin", "<&-", &[0]),
        ("all closed", "<&- >&- 2>&-", &[0, 4]),
    ] {
        let done = start(&d, in_shell(&d, "", &file, after)).wait();
        expect(name, &done, codes, false, &mut problems);
        if matches!(name, "closed stdin" | "closed stderr") && tools(&done.target("s0")) != ["echo"] {
            problems.push(format!("{name}: {}", head(&String::from_utf8_lossy(&done.stdout), 300)));
        }
    }
    report_problems(&problems);
}

#[test]
fn report_paths_that_cannot_be_written() {
    let mut problems = Vec::new();
    let d = Dir::new();
    let file = honest_file(&d, 1);
    std::fs::create_dir(d.path("folder.json")).unwrap();
    for (name, path) in [
        ("directory", d.path("folder.json")),
        ("no parent", d.path("none/report.json")),
        ("parent is a file", file.join("report.json")),
        ("full", PathBuf::from("/dev/full")),
        ("empty", PathBuf::new()),
    ] {
        let mut c = hawkeye(&d);
        c.args(["scan", "--fail-on", "never", "--no-history", "--format", "json", "--targets"])
            .arg(&file)
            .arg("--output")
            .arg(&path);
        let codes: &[i32] = if name == "empty" { &[2, 4] } else { &[4] };
        expect(name, &start(&d, c).wait(), codes, true, &mut problems);
    }
    report_problems(&problems);
}

#[test]
fn a_bare_or_odd_environment() {
    let mut problems = Vec::new();
    let d = Dir::new();
    let file = honest_file(&d, 2);
    let before = d.entries();
    let mut ask = |name: &str, adjust: &dyn Fn(&mut Command)| {
        let mut c = hawkeye(&d);
        c.args(["scan", "--fail-on", "never", "--no-history", "--format", "json", "--targets"]).arg(&file);
        adjust(&mut c);
        let done = start(&d, c).wait();
        expect(name, &done, &[0], false, &mut problems);
        if tools(&done.target("s0")) != ["echo"] {
            problems.push(format!("{name}: {}", done.target("s0")["failure"]));
        }
    };
    ask("empty", &|c| {
        c.env_clear();
    });
    ask("no home", &|c| {
        c.env_remove("HOME");
    });
    ask("home nowhere", &|c| {
        c.env("HOME", "/nonexistent");
    });
    ask("not UTF-8", &|c| {
        c.env("HK_ODD", OsStr::from_bytes(b"\xff\xfe"))
            .env(OsStr::from_bytes(b"HK_\xff"), "x")
            .env("PATH", OsStr::from_bytes(b"/usr/bin:/\xff:/bin"));
    });
    ask("home not UTF-8", &|c| {
        c.env("HOME", OsStr::from_bytes(b"/tmp/\xff"));
    });
    ask("colour", &|c| {
        c.env("CLICOLOR_FORCE", "1")
            .env("FORCE_COLOR", "3")
            .env("TERM", "xterm-256color")
            .env("COLORTERM", "truecolor");
    });
    ask("locale", &|c| {
        c.env("LC_ALL", "tlh_QX.UTF-7").env("LANG", "\u{1b}[31m");
    });
    let after: Vec<String> =
        d.entries().into_iter().filter(|n| !n.starts_with(".out") && !n.starts_with(".err")).collect();
    if after != before {
        problems.push(format!("files were left: {after:?}"));
    }
    report_problems(&problems);
}

#[test]
fn a_directory_that_is_gone() {
    let d = Dir::new();
    let file = honest_file(&d, 2);
    let gone = d.path("gone");
    let c = in_shell(&d, &format!("mkdir {0}; cd {0}; rmdir {0};", gone.display()), &file, "");
    let done = start(&d, c).wait();
    let mut problems = Vec::new();
    expect("deleted directory", &done, &[0, 3], false, &mut problems);
    done.check_report(2, &mut problems);
    report_problems(&problems);
}

#[test]
fn few_descriptors() {
    let mut problems = Vec::new();
    for limit in [32, 16] {
        let d = Dir::new();
        let file = honest_file(&d, 24);
        let done = start(&d, in_shell(&d, &format!("ulimit -n {limit};"), &file, "--concurrency 24")).wait();
        expect(&format!("{limit} descriptors"), &done, &[0, 3, 4], false, &mut problems);
        if done.code != 4 {
            done.check_report(24, &mut problems);
        } else if done.stderr.is_empty() {
            problems.push(format!("{limit} descriptors: code 4 without a message"));
        }
    }
    report_problems(&problems);
}

#[test]
fn silent_crowds_are_bounded_in_all() {
    let d = Dir::new();
    let servers: Map<String, Value> =
        (0..24).map(|i| (format!("s{i}"), stdio(&d, "silent", &[&i.to_string()]))).collect();
    let file = d.write("silent.json", json!({ "mcpServers": servers }).to_string());
    let mut c = hawkeye(&d);
    c.args("scan --fail-on never --format json --timeout 2 --concurrency 4 --targets".split(' ')).arg(file);
    let done = start(&d, c).wait();
    let mut problems = Vec::new();
    expect("24 silent", &done, &[3], false, &mut problems);
    done.check_report(24, &mut problems);
    if done.took > Duration::from_secs(6 * 2 + 4) + SLACK || done.peak_kib > TOGETHER * 1024 {
        problems.push(format!("took {:?}, {} KiB", done.took, done.peak_kib));
    }
    for t in done.report.iter().flat_map(|r| r["targets"].as_array().unwrap()) {
        if t["failure"]["kind"] != "timeout" {
            problems.push(format!("{}: {}", t["name"], t["failure"]));
        }
    }
    report_problems(&problems);
}

#[test]
fn honest_crowds_are_all_found() {
    let d = Dir::new();
    let file = honest_file(&d, 120);
    let mut c = hawkeye(&d);
    c.args("scan --fail-on never --format json --timeout 60 --targets".split(' ')).arg(file);
    let done = start(&d, c).wait();
    let mut problems = Vec::new();
    expect("120 honest", &done, &[0], false, &mut problems);
    done.check_report(120, &mut problems);
    report_problems(&problems);
    assert_eq!(done.report.unwrap()["summary"]["complete"], 120);
    assert!(done.peak_kib < TOGETHER * 1024);
}

#[test]
fn runs_at_once_do_not_clash() {
    let d = Dir::new();
    let file = honest_file(&d, 8);
    // All are started before the first is waited for.
    let runs: [_; 4] = std::array::from_fn(|_| {
        let mut c = hawkeye(&d);
        c.args("scan --fail-on never --format json --timeout 60 --targets".split(' ')).arg(&file);
        start(&d, c)
    });
    let all: Vec<Done> = runs.into_iter().map(|r| r.wait()).collect();
    let mut problems = Vec::new();
    for done in &all {
        expect("one of four", done, &[0], false, &mut problems);
        done.check_report(8, &mut problems);
    }
    report_problems(&problems);
    // One database, written by all at once: each has its run in it.
    let mut c = hawkeye(&d);
    c.args(["history", "--format", "json"]);
    let past = start(&d, c).wait().report.unwrap();
    let recorded: Vec<_> = past.as_array().unwrap().iter().map(|run| run["recorded"].clone()).collect();
    assert_eq!(recorded, [8; 4]);
}

#[test]
fn eighteen_hostile_at_once() {
    let d = Dir::new();
    let any: &[(&str, &[&str])] = &[("failed", &[]), ("partial", &[])];
    let mut cases: Vec<Case> = Vec::new();
    for mode in [
        "endless_plain",
        "endless_json",
        "flood_notes",
        "flood_noise",
        "flood_blank",
        "line200_answer",
        "tree24",
        "pages_fat",
        "ping_endless",
    ] {
        cases.push(case(mode, within(stdio(&d, mode, &[]), 15.0), any));
    }
    for mode in [
        "headers_endless",
        "interim_storm",
        "body_endless_chunks",
        "body_9mb",
        "gzip_bomb",
        "error_endless",
        "stream_flood",
    ] {
        cases.push(case(mode, within(http(mode, &token(), ""), 15.0), any));
    }
    cases.push(failed("silent", within(stdio(&d, "silent", &[]), 4.0), &["timeout"]));
    cases.push(complete("children60", stdio(&d, "children60", &[])).and(has_tools(&["echo"])));
    scan(&d, cases, TOGETHER);
}

#[test]
fn a_run_has_an_end_of_its_own() {
    let d = Dir::new();
    let cases: Vec<Case> = (0..3)
        .map(|i| {
            case(
                &format!("s{i}"),
                stdio(&d, "silent", &[&i.to_string()]),
                &[("failed", &["timeout", "cancelled"]), ("not_evaluated", &["timeout", "cancelled"])],
            )
        })
        .collect();
    let done = scan_with(&d, cases, TOGETHER, |c| {
        c.args(["--max-duration", "6"]);
    });
    assert!(contains(&done.stdout, "\"complete\""));
}
