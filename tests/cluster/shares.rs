//! Who gets how many.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::place::{Http, Place, count, rows};

fn shares(rows: &BTreeMap<String, Value>) -> BTreeMap<String, usize> {
    let mut shares = BTreeMap::new();
    for row in rows.values() {
        *shares.entry(row["worker"].as_str().unwrap_or("nobody").to_owned()).or_default() += 1;
    }
    shares
}

#[test]
fn round_robin_gives_everybody_the_same_within_one() {
    let place = Place::new(
        "turns",
        "  max_per_origin: 100\n  load_balancer: {algorithm: round_robin, health_check_interval: 2}\n  workers:\n\
         \x20   - {host: w1, max_concurrent: 3}\n    - {host: w2, max_concurrent: 5}\n    - {host: w3}\n",
    );
    let _workers = ["w1", "w2", "w3", "stranger"].map(|name| place.worker(name, 4, &[]));
    let server = Http::start(&["--delay-ms", "5"]);
    place.targets(&server.url, 200);
    let rows = rows(&place.scan(&[]));
    assert_eq!(count(&rows, "complete"), 200);
    let shares = shares(&rows);
    assert_eq!(shares.keys().collect::<Vec<_>>(), ["w1", "w2", "w3"], "{shares:?}");
    assert!(shares.values().all(|n| (66..=67).contains(n)), "{shares:?}");
}

#[test]
fn whoever_has_room_takes_more() {
    let place = Place::new("room", "  max_per_origin: 100\n  load_balancer: {health_check_interval: 2}\n");
    let _workers = [place.worker("wide", 8, &[]), place.worker("narrow", 1, &[])];
    let server = Http::start(&["--delay-ms", "20"]);
    place.targets(&server.url, 90);
    let rows = rows(&place.scan(&[]));
    let shares = shares(&rows);
    assert_eq!(count(&rows, "complete"), 90);
    assert!(shares["wide"] > 4 * shares["narrow"], "{shares:?}");
}

#[test]
fn of_one_origin_few_are_asked_at_a_time_and_others_pass() {
    let place = Place::new("origin", "  max_per_origin: 2\n  load_balancer: {health_check_interval: 2}\n");
    let _workers = [place.worker("w1", 8, &[]), place.worker("w2", 8, &[])];
    let (crowded, other) = (Http::start(&["--delay-ms", "20"]), Http::start(&[]));
    let list: String = (0..20).map(|i| format!("{}?{i}\n", crowded.url)).collect();
    std::fs::write(place.dir.join("targets"), format!("{list}{}\n", other.url)).unwrap();
    let output = place.scan(&[]);
    assert_eq!(count(&rows(&output), "complete"), 21);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let last = text.lines().position(|line| line.contains(&other.url)).unwrap();
    assert!(last < 12, "it came as line {last}");
    let peak =
        std::process::Command::new("curl").args(["-s", &crowded.url.replace("/mcp", "/stats")]).output();
    let stats: Value = serde_json::from_slice(&peak.unwrap().stdout).unwrap();
    assert!(stats["peak_connections"].as_u64().is_none_or(|peak| peak <= 3), "{stats}");
}
