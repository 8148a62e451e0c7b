//! Signals in mid-scan, and what is left after each.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use serde_json::json;

use crate::support::{Dir, Running, carriers, hawkeye, head, report_problems, start, stdio, tools, until};

/// A scan that is caught in the middle: `done` is over, two of four silent targets are running.
fn caught(d: &Dir, more: &[&str]) -> Running {
    let listed = d.path("listed");
    let mut servers = serde_json::Map::new();
    servers.insert("done".into(), stdio(d, "changed_storm", &[listed.to_str().unwrap()]));
    servers.insert("daemon".into(), stdio(d, "daemon_then_silent", &[]));
    for i in 0..4 {
        servers.insert(format!("silent{i}"), stdio(d, "silent", &[&i.to_string()]));
    }
    let file = d.write("targets.json", json!({ "mcpServers": servers }).to_string());
    let mut c = hawkeye(d);
    c.args(["scan", "--format", "json", "--timeout", "100", "--concurrency", "3", "--targets"])
        .arg(file)
        .args(more);
    let run = start(d, c);
    let ready = || {
        let all = carriers(&d.marker());
        let has = |word: &str| all.iter().any(|p| p.contains(word));
        let silent = all.iter().filter(|p| p.contains(" silent ")).count();
        listed.exists() && !has("changed_storm") && has("sleep ") && silent == 2
    };
    assert!(until(Duration::from_secs(30), ready), "the scan never got there: {:?}", carriers(&d.marker()));
    run
}

fn ends_with(signal: &str, code: i32) {
    let d = Dir::new();
    let run = caught(&d, &[]);
    let at = std::time::Instant::now();
    run.signal(signal);
    let done = run.wait();
    let took = at.elapsed();
    let mut problems = Vec::new();
    done.check(&mut problems);
    done.check_report(6, &mut problems);
    if done.code != code {
        problems.push(format!("code {} instead of {code}: {}", done.code, head(&done.err(), 300)));
    }
    if took > Duration::from_secs(10) {
        problems.push(format!("took {took:?} after the signal"));
    }
    if let Some(report) = &done.report {
        let of = |status: &str, kind: &str| {
            let all = report["targets"].as_array().unwrap().iter();
            all.filter(|t| t["status"] == status && (kind.is_empty() || t["failure"]["kind"] == kind)).count()
        };
        let counts = (of("complete", ""), of("failed", "cancelled"), of("not_evaluated", "cancelled"));
        if counts.0 != 1 || counts.1 + counts.2 != 5 || counts.2 < 2 {
            problems.push(format!("(complete, failed, not evaluated) {counts:?}: {}", report["summary"]));
        }
        if tools(&done.target("done")) != ["echo"] || report["run"]["interrupted"] != true {
            problems.push(format!(
                "run {}, finished target {}",
                report["run"],
                done.target("done")["failure"]
            ));
        }
    }
    report_problems(&problems);
}

#[test]
fn sigint_gives_a_partial_report_and_130() {
    ends_with("INT", 130);
}

#[test]
fn sigterm_gives_a_partial_report_and_143() {
    ends_with("TERM", 143);
}

#[test]
fn sighup_leaves_nothing_behind() {
    let d = Dir::new();
    let run = caught(&d, &[]);
    run.signal("HUP");
    let done = run.wait();
    let mut problems = Vec::new();
    done.check(&mut problems);
    if done.code == 0 || (!done.stdout.is_empty() && done.report.is_none()) {
        problems.push(format!(
            "code {}, stdout {:?}",
            done.code,
            head(&String::from_utf8_lossy(&done.stdout), 200)
        ));
    }
    report_problems(&problems);
}

#[test]
fn a_second_signal_ends_at_once() {
    let d = Dir::new();
    let run = caught(&d, &[]);
    run.signal("INT");
    run.signal("INT");
    let done = run.wait();
    let mut problems = Vec::new();
    done.check(&mut problems);
    if done.code != 130 {
        problems.push(format!("code {}", done.code));
    }
    if !done.stdout.is_empty() && done.report.is_none() {
        problems.push("half a report".into());
    }
    report_problems(&problems);
}

#[test]
fn sigkill_takes_the_servers_along() {
    let d = Dir::new();
    let report = d.write("report.json", "{\"earlier\": true}\n");
    let run = caught(&d, &["--output", report.to_str().unwrap()]);
    assert!(carriers(&d.marker()).len() >= 4);
    run.signal("KILL");
    let done = run.wait();
    assert_eq!(done.code, 137);
    let gone = until(Duration::from_secs(6), || carriers(&d.marker()).is_empty());
    assert!(gone, "left behind: {:?}", carriers(&d.marker()));
    assert_eq!(
        fs::read_to_string(&report).unwrap(),
        "{\"earlier\": true}\n",
        "the earlier report was touched"
    );
}

#[test]
fn report_files_are_private_and_whole() {
    let d = Dir::new();
    let file = d.write("targets.json", json!({"mcpServers": {"s": stdio(&d, "honest", &[])}}).to_string());
    let report = d.write("report.json", "earlier");
    fs::set_permissions(&report, fs::Permissions::from_mode(0o644)).unwrap();
    let fresh = d.path("fresh.json");
    let mut c = hawkeye(&d);
    c.args([
        "scan",
        "--fail-on",
        "never",
        "--format",
        "json",
        "--output",
        report.to_str().unwrap(),
        "--output",
        fresh.to_str().unwrap(),
        "--targets",
    ])
    .arg(file);
    let done = start(&d, c).wait();
    assert_eq!(done.code, 0, "{}", done.err());
    for path in [report, fresh] {
        let value: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert_eq!(value["summary"]["complete"], 1);
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{path:?} has mode {mode:o}");
    }
    let names: Vec<String> = d.entries().into_iter().filter(|n| !n.starts_with('.')).collect();
    assert_eq!(names, ["fresh.json", "report.json", "targets.json"], "something was left beside the reports");
}
