//! `hawkeye cluster status`, as a user sees it.

use std::process::Output;

use serde_json::Value;

use crate::place::{Place, until};

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"))
}

fn status(place: &Place) -> Output {
    status_as(place, &["--format", "json"])
}

fn status_as(place: &Place, more: &[&str]) -> Output {
    place.command(&["cluster", "status", "--config", "settings.yaml"]).args(more).output().unwrap()
}

#[test]
fn who_is_there_and_who_is_missed() {
    let place = Place::new("status", "  workers: [{host: w1, max_concurrent: 7}, {host: w2}]\n");
    let nobody = status(&place);
    assert_eq!(nobody.status.code(), Some(3), "{nobody:?}");
    assert_eq!(json(&nobody)["key"], "unused");
    let first = place.worker("w1", 7, &[]);
    let one = status(&place);
    assert_eq!(one.status.code(), Some(3), "w2 is missing: {one:?}");
    let seen = json(&one);
    assert_eq!(seen["key"], "ours");
    assert_eq!((&seen["workers"][0]["name"], &seen["workers"][0]["state"]), (&"w1".into(), &"alive".into()));
    assert_eq!((&seen["workers"][0]["slots"], &seen["slots"]), (&7.into(), &7.into()));
    assert_eq!(seen["workers"][1]["state"], "missing");
    let _second = place.worker("w2", 1, &[]);
    let both = status(&place);
    assert_eq!(both.status.code(), Some(0), "{both:?}");
    let table = String::from_utf8(status_as(&place, &[]).stdout).unwrap();
    assert!(table.contains("w1") && table.contains("alive") && table.contains("0 of 8"), "{table}");
    drop(first);
    // Its sign of life ends with its interval; nobody need wait so long to see it gone.
    until("its absence", || {
        place.ask(&["DEL", "{hawkeye}:alive:w1"]) == "1"
            || place.ask(&["EXISTS", "{hawkeye}:alive:w1"]) == "0"
    });
    let gone = status(&place);
    assert_eq!(gone.status.code(), Some(3));
    assert_eq!(json(&gone)["workers"][0]["state"], "gone");
    assert!(json(&gone)["workers"][0]["idle_s"].is_u64(), "{gone:?}");
}

#[test]
fn what_waits_and_how_far_a_run_is() {
    let place = Place::new("status-run", "  enabled: true\n");
    let _worker = place.worker("w1", 1, &[]);
    // A server that keeps everybody waiting.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let list: String = (0..9).map(|i| format!("http://{}/{i}\n", listener.local_addr().unwrap())).collect();
    std::fs::write(place.dir.join("targets"), list).unwrap();
    // Without `--cluster`: it is on in the settings.
    let mut scan = place.command(&["scan", "--config", "settings.yaml", "--targets", "targets", "-q"]);
    let mut scan = scan.spawn().unwrap();
    let mut seen = Value::Null;
    until("a job", || {
        seen = json(&status(&place));
        let (lane, run) = (&seen["queues"][0], &seen["runs"][0]);
        // Twice what there is room for.
        let full = lane["in_flight"] == 1 && lane["waiting"] == 1;
        full && run["going_on"] == true && seen["running"] == 1
    });
    assert_eq!(seen["runs"][0]["planned"], 9, "{seen}");
    assert!(seen["bytes"].as_u64().unwrap() > 0);
    scan.kill().unwrap();
    scan.wait().unwrap();
    let table = String::from_utf8(status_as(&place, &[]).stdout).unwrap();
    assert!(table.contains("any worker"), "{table}");
}

#[test]
fn what_is_not_ours_is_counted_and_not_shown() {
    let place = Place::new("status-hostile", "");
    let _worker = place.worker("w1", 2, &[]);
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
        place.ask(args);
    }
    for format in ["table", "json"] {
        let output = status_as(&place, &["--format", format]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let shown = String::from_utf8(output.stdout).unwrap();
        assert!(shown.contains("w1") && !shown.contains("evil") && !shown.contains('\u{1b}'), "{shown}");
        assert!(!shown.contains("sealed-by-nobody"), "{shown}");
    }
    assert!(json(&status(&place))["foreign"].as_u64().unwrap() >= 6, "{:?}", status(&place));
    // A whole register that is no set.
    place.ask(&["DEL", "{hawkeye}:workers", "{hawkeye}:runs"]);
    place.ask(&["SET", "{hawkeye}:workers", "x"]);
    assert_eq!(status(&place).status.code(), Some(3), "nobody can be seen");
}

#[test]
fn a_queue_with_another_key_and_a_queue_that_is_not_there() {
    let place = Place::new("status-key", "");
    place.ask(&["SET", "{hawkeye}:key", "00000000000000000000000000000000"]);
    let other = status(&place);
    assert_eq!(other.status.code(), Some(2), "{other:?}");
    assert_eq!(json(&other)["key"], "another");
    place.ask(&["SHUTDOWN", "NOSAVE"]);
    let away = status(&place);
    assert_eq!(away.status.code(), Some(4), "{away:?}");
    let said = String::from_utf8(away.stderr).unwrap();
    assert!(said.lines().count() == 1 && said.contains("cannot be reached"), "{said}");
}
