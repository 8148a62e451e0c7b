//! `hawkeye cluster status`, as a user sees it.

#![cfg(feature = "cluster")]
#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]
#![allow(dead_code, reason = "of what tests share, each uses a part")]

#[path = "support/hosts.rs"]
mod hosts;

use std::process::Output;

use hosts::{Hosts, until};
use serde_json::Value;

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"))
}

fn status(hosts: &Hosts) -> Output {
    hosts.run(&["cluster", "status", "--format", "json"])
}

#[test]
fn who_is_there_and_who_is_missed() {
    let hosts = Hosts::new("status", ", workers: [{host: w1, max_concurrent: 7}, {host: w2}]", "");
    let nobody = status(&hosts);
    assert_eq!(nobody.status.code(), Some(3), "{nobody:?}");
    assert_eq!(json(&nobody)["key"], "unused");
    let first = hosts.worker("w1", 7);
    let one = status(&hosts);
    assert_eq!(one.status.code(), Some(3), "w2 is missing: {one:?}");
    let seen = json(&one);
    assert_eq!(seen["key"], "ours");
    assert_eq!((&seen["workers"][0]["name"], &seen["workers"][0]["state"]), (&"w1".into(), &"alive".into()));
    assert_eq!((&seen["workers"][0]["slots"], &seen["slots"]), (&7.into(), &7.into()));
    assert_eq!(seen["workers"][1]["state"], "missing");
    let _second = hosts.worker("w2", 1);
    let both = status(&hosts);
    assert_eq!(both.status.code(), Some(0), "{both:?}");
    let table = String::from_utf8(hosts.run(&["cluster", "status"]).stdout).unwrap();
    assert!(table.contains("w1") && table.contains("alive") && table.contains("0 of 8"), "{table}");
    drop(first);
    // Its sign of life ends with its interval; nobody need wait so long to see it gone.
    until(|| {
        hosts.redis(&["DEL", "{hawkeye}:alive:w1"]) == "1"
            || hosts.redis(&["EXISTS", "{hawkeye}:alive:w1"]) == "0"
    });
    let gone = status(&hosts);
    assert_eq!(gone.status.code(), Some(3));
    assert_eq!(json(&gone)["workers"][0]["state"], "gone");
    assert!(json(&gone)["workers"][0]["idle_s"].is_u64(), "{gone:?}");
}

#[test]
fn what_waits_and_how_far_a_run_is() {
    let hosts = Hosts::new("status-run", "", "");
    let _worker = hosts.worker("w1", 1);
    // A server that keeps everybody waiting.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let list: String = (0..9).map(|i| format!("http://{}/{i}\n", listener.local_addr().unwrap())).collect();
    std::fs::write(hosts.dir.join("targets"), list).unwrap();
    let mut scan = hosts.command(&["scan", "--targets", "targets", "-q"]).spawn().unwrap();
    let mut seen = Value::Null;
    until(|| {
        seen = json(&status(&hosts));
        seen["queues"][0]["in_flight"] == 1 && seen["runs"][0]["going_on"] == true && seen["running"] == 1
    });
    assert_eq!(seen["runs"][0]["planned"], 9, "{seen}");
    assert_eq!(seen["queues"][0]["waiting"], 1, "twice what there is room for: {seen}");
    assert!(seen["bytes"].as_u64().unwrap() > 0);
    scan.kill().unwrap();
    scan.wait().unwrap();
    let table = String::from_utf8(hosts.run(&["cluster", "status"]).stdout).unwrap();
    assert!(table.contains("any worker"), "{table}");
}

#[test]
fn what_is_not_ours_is_counted_and_not_shown() {
    let hosts = Hosts::new("status-hostile", "", "");
    let _worker = hosts.worker("w1", 2);
    let evil = "\u{1b}[2Jevil\nname";
    for args in [
        &["SADD", "{hawkeye}:workers", evil, "sealed-by-nobody"][..],
        &["SET", "{hawkeye}:alive:sealed-by-nobody", "garbage"],
        &["XGROUP", "CREATECONSUMER", "{hawkeye}:jobs:remote", "hawkeye", evil],
        &["XADD", "{hawkeye}:jobs:to:sealed-by-nobody", "*", "b", evil],
        &["LPUSH", "{hawkeye}:jobs:command", "a"],
        &["SADD", "{hawkeye}:runs", evil, "r1", "r2"],
        &["SET", "{hawkeye}:run:r1:terms", evil],
        &["SET", "{hawkeye}:run:r1:progress", evil],
        &["LPUSH", "{hawkeye}:run:r1:results", evil],
        &["LPUSH", "{hawkeye}:run:r2:progress", evil],
    ] {
        hosts.redis(args);
    }
    for format in ["table", "json"] {
        let output = hosts.run(&["cluster", "status", "--format", format]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let shown = String::from_utf8(output.stdout).unwrap();
        assert!(shown.contains("w1") && !shown.contains("evil") && !shown.contains('\u{1b}'), "{shown}");
        assert!(!shown.contains("sealed-by-nobody"), "{shown}");
    }
    assert!(json(&status(&hosts))["foreign"].as_u64().unwrap() >= 6, "{:?}", status(&hosts));
    // A whole register that is no set.
    hosts.redis(&["DEL", "{hawkeye}:workers", "{hawkeye}:runs"]);
    hosts.redis(&["SET", "{hawkeye}:workers", "x"]);
    assert_eq!(status(&hosts).status.code(), Some(3), "nobody can be seen");
}

#[test]
fn a_queue_with_another_key_and_a_queue_that_is_not_there() {
    let hosts = Hosts::new("status-key", "", "");
    hosts.redis(&["SET", "{hawkeye}:key", "00000000000000000000000000000000"]);
    let other = status(&hosts);
    assert_eq!(other.status.code(), Some(2), "{other:?}");
    assert_eq!(json(&other)["key"], "another");
    hosts.redis(&["SHUTDOWN", "NOSAVE"]);
    let away = status(&hosts);
    assert_eq!(away.status.code(), Some(4), "{away:?}");
    let said = String::from_utf8(away.stderr).unwrap();
    assert!(said.lines().count() == 1 && said.contains("cannot be reached"), "{said}");
}
