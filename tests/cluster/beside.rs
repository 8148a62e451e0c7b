//! What happens to one does not count against those beside it.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::place::{Place, Worker, count, rows, until};
use crate::servers::Servers;

fn settings(algorithm: &str, more: &str) -> String {
    format!(
        "  patience: 20\n  max_per_origin: 1000\n  load_balancer: {{algorithm: {algorithm}, health_check_interval: 2}}\n{more}"
    )
}

fn write_targets(place: &Place, first: Option<Value>, servers: &Servers, many: usize) {
    let rest = (0..many).map(|n| (format!("s{n}"), json!({"url": servers.url(&format!("s{n}"))})));
    let all: Map<String, Value> =
        first.map(|value| ("deadly".to_owned(), value)).into_iter().chain(rest).collect();
    fs::write(place.dir.join("targets"), json!({"mcpServers": all}).to_string()).unwrap();
}

#[test]
fn who_was_beside_a_deadly_server_is_not_given_up_with_it() {
    for (algorithm, same_name) in
        [("least_loaded", false), ("least_loaded", true), ("round_robin", false), ("round_robin", true)]
    {
        let place = Place::new(&format!("beside-{algorithm}-{same_name}"), &settings(algorithm, ""));
        // So slow that those beside it are not done when their worker dies.
        let servers = Servers::start(Duration::from_millis(300));
        let deadly = "p=$(ps -o ppid= -p $$); kill -9 $p; sleep 5";
        write_targets(&place, Some(json!({"command": "sh", "args": ["-c", deadly]})), &servers, 20);
        let start = |n: usize| {
            let name = if same_name { "w0".to_owned() } else { format!("w{n}") };
            place.spawn_worker("settings.yaml", &name, 8, &["--allow-stdio"])
        };
        let mut worker = start(0);
        let mut died = 0;
        let mut scan = place.scanning(&["--output", "report.ndjson"]).spawn().unwrap();
        until("the scan", || {
            if worker.process.try_wait().unwrap().is_some() {
                died += 1;
                worker = start(died);
            }
            scan.try_wait().unwrap().is_some()
        });
        let mut output = scan.wait_with_output().unwrap();
        output.stdout = fs::read(place.dir.join("report.ndjson")).unwrap();
        let rows = rows(&output);
        assert_eq!(died, 3, "{algorithm} {same_name}: {output:?}");
        assert_eq!((rows.len(), count(&rows, "complete")), (21, 20), "{algorithm} {same_name}: {rows:?}");
    }
}

#[test]
fn a_queue_that_stands_still_is_nobodys_death() {
    for algorithm in ["least_loaded", "round_robin"] {
        let place = Place::new(&format!("still-{algorithm}"), &settings(algorithm, "  max_deliveries: 2\n"));
        let servers = Servers::start(Duration::from_secs(6));
        write_targets(&place, None, &servers, 8);
        let _workers: Vec<Worker> = (0..2).map(|n| place.worker(&format!("w{n}"), 4, &[])).collect();
        let scan = place.scanning(&[]).spawn().unwrap();
        until("all are asked", || servers.asking() == 8);
        for _ in 0..2 {
            assert_eq!(place.ask(&["client", "pause", "2500"]), "OK");
            assert_eq!(place.ask(&["ping"]), "PONG", "it answers when the pause is over");
        }
        let output = scan.wait_with_output().unwrap();
        let rows = rows(&output);
        assert_eq!((rows.len(), count(&rows, "complete")), (8, 8), "{output:?}");
        assert!(rows.values().all(|row| row["delivery"]["attempt"] == 1), "{algorithm}: {rows:?}");
        assert!((0..8).all(|n| servers.asked(&format!("s{n}")).len() == 1), "{algorithm}");
    }
}

#[test]
fn results_of_strangers_count_for_nothing() {
    let place = Place::new("results", &settings("least_loaded", ""));
    let servers = Servers::start(Duration::from_millis(30));
    write_targets(&place, None, &servers, 40);
    let _worker = place.worker("w1", 2, &[]);
    let scan = place.scanning(&[]).spawn().unwrap();
    let mut terms = String::new();
    until("the run", || {
        terms = place.ask(&["keys", "*:run:*:terms"]);
        !terms.is_empty()
    });
    for number in 0..40 {
        let results = terms.replace(":terms", ":results");
        place.ask(&["xadd", &results, "*", "n", &number.to_string(), "b", "forged"]);
    }
    let output = scan.wait_with_output().unwrap();
    let rows = rows(&output);
    assert_eq!((rows.len(), count(&rows, "complete")), (40, 40), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("without the key"), "{output:?}");
}

#[test]
fn a_queue_whose_memory_is_full_is_named() {
    let place = Place::new("memory", &settings("least_loaded", "").replace("patience: 20", "patience: 1"));
    place.targets("http://127.0.0.1:1/mcp", 3);
    let _worker = place.worker("w1", 2, &[]);
    assert_eq!(place.ask(&["config", "set", "maxmemory", "1"]), "OK");
    let output = place.scan(&[]);
    let rows = rows(&output);
    assert_eq!((output.status.code(), count(&rows, "not_evaluated")), (Some(3), 3), "{output:?}");
    let told = |row: &Value| row["failure"]["message"].as_str().is_some_and(|m| m.contains("maxmemory"));
    assert!(rows.values().all(told), "{rows:?}");
}

#[test]
fn no_worker_has_more_at_a_time_than_it_may() {
    let workers = "  workers: [{host: w1, max_concurrent: 2}, {host: w2, max_concurrent: 4}]\n";
    for algorithm in ["least_loaded", "round_robin"] {
        let place = Place::new(&format!("most-{algorithm}"), &settings(algorithm, workers));
        let servers = Servers::start(Duration::from_millis(20));
        write_targets(&place, None, &servers, 120);
        let _workers: Vec<Worker> = ["w1", "w2"].map(|name| place.worker(name, 8, &[])).into();
        let rows = rows(&place.scan(&[]));
        assert_eq!(count(&rows, "complete"), 120, "{rows:?}");
        let mut moments: BTreeMap<&str, Vec<(Instant, isize)>> = BTreeMap::new();
        for row in rows.values() {
            let own = moments.entry(row["worker"].as_str().unwrap()).or_default();
            for (from, to) in servers.asked(row["name"].as_str().unwrap()) {
                own.extend([(from, 1), (to, -1)]);
            }
        }
        let peak = |worker: &str| {
            let mut own = moments[worker].clone();
            own.sort_unstable();
            let at_a_time = own.iter().scan(0, |now, (_, step)| {
                *now += step;
                Some(*now)
            });
            at_a_time.max().unwrap_or_default()
        };
        let peaks = (peak("w1"), peak("w2"));
        assert!(peaks.0 <= 2 && (3..=4).contains(&peaks.1), "{algorithm}: {peaks:?}");
    }
}
