//! Workers, the queue and the scanning host die, and every target is told once.

use std::time::{Duration, Instant};

use crate::place::{Http, Place, Worker, count, rows, until};

const SETTINGS: &str =
    "  max_per_origin: 2000\n  max_deliveries: 50\n  load_balancer: {health_check_interval: 1}\n";

#[test]
fn workers_are_killed_under_load_and_nothing_is_lost_or_told_twice() {
    for algorithm in ["least_loaded", "round_robin"] {
        let settings = SETTINGS.replace("{health", &format!("{{algorithm: {algorithm}, health"));
        let place = Place::new(&format!("killed-{algorithm}"), &settings);
        let server = Http::start(&["--delay-ms", "15"]);
        place.targets(&server.url, 2000);
        let mut workers: Vec<Worker> = (0..3).map(|n| place.worker(&format!("w{n}"), 10, &[])).collect();
        let mut scan = place.scanning(&["--output", "report.ndjson"]).spawn().unwrap();
        // Now and then one dies and one comes.
        for (next, at) in (3..).zip([160, 320, 480, 640, 800, 960]) {
            until("work", || server.listings() >= at || scan.try_wait().unwrap().is_some());
            let oldest = workers.remove(0);
            oldest.signal("KILL");
            workers.push(place.worker(&format!("w{next}"), 10, &[]));
        }
        let mut output = scan.wait_with_output().unwrap();
        output.stdout = std::fs::read(place.dir.join("report.ndjson")).unwrap();
        let rows = rows(&output);
        assert_eq!((rows.len(), count(&rows, "complete")), (2000, 2000), "{algorithm} {output:?}");
        let again = rows.values().filter(|row| row["delivery"]["attempt"].as_u64() > Some(1)).count();
        assert!(again > 0, "{algorithm}: nobody had anything when he died");
    }
}

#[test]
fn the_queue_is_killed_under_load_and_nothing_is_lost_or_told_twice() {
    let kinds: [(&str, &[&str]); 2] = [
        ("forgets", &["--save", "", "--appendonly", "no"]),
        ("remembers", &["--save", "", "--appendonly", "yes"]),
    ];
    for (name, arguments) in kinds {
        let mut place = Place::with(name, SETTINGS, arguments);
        let server = Http::start(&["--delay-ms", "15"]);
        place.targets(&server.url, 2000);
        let _workers: Vec<Worker> = (0..3).map(|n| place.worker(&format!("w{n}"), 10, &[])).collect();
        let mut scan = place.scanning(&["--output", "report.ndjson"]).spawn().unwrap();
        let mut deaths = 0;
        for at in [200, 800, 1400] {
            until("work", || server.listings() >= at || scan.try_wait().unwrap().is_some());
            if scan.try_wait().unwrap().is_none() {
                place.kill_redis();
                place.start();
                deaths += 1;
            }
        }
        let mut output = scan.wait_with_output().unwrap();
        output.stdout = std::fs::read(place.dir.join("report.ndjson")).unwrap();
        let rows = rows(&output);
        assert_eq!((rows.len(), count(&rows, "complete"), deaths), (2000, 2000, 3), "{name}: {output:?}");
    }
}

#[test]
fn a_run_whose_host_died_is_taken_up_where_it_was() {
    let place = Place::new("resumed", SETTINGS);
    let server = Http::start(&["--delay-ms", "15"]);
    place.targets(&server.url, 400);
    let _workers = [place.worker("w1", 8, &[]), place.worker("w2", 8, &[])];
    let mut scan = place.scanning(&["--output", "first.ndjson"]).spawn().unwrap();
    until("work", || server.listings() >= 150);
    scan.kill().unwrap();
    scan.wait().unwrap();
    let files: Vec<_> = place.dir.join(".hawkeye/cache/runs").read_dir().unwrap().flatten().collect();
    assert_eq!(files.len(), 1);
    let run = files[0].path().file_stem().unwrap().to_str().unwrap().to_owned();
    let output = place.scan(&["--resume", &run]);
    let rows = rows(&output);
    assert_eq!((rows.len(), count(&rows, "complete")), (400, 400), "{output:?}");
    // What came back before was not asked again; what was out, at most twice.
    let asked = server.listings();
    assert!(asked <= 400 + 2 * 32, "{asked}");
    assert!(!files[0].path().exists(), "a whole run needs no file");
    let gone = place.scan(&["--resume", &run]);
    assert_eq!(gone.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&gone.stderr).contains("--resume"), "{gone:?}");
}

#[test]
fn who_is_silent_is_out_within_the_interval_and_may_come_back() {
    let place = Place::new("silent", SETTINGS);
    let server = Http::start(&["--delay-ms", "40"]);
    place.targets(&server.url, 120);
    let workers = [place.worker("w1", 4, &[]), place.worker("w2", 4, &[])];
    let scan = place.scanning(&[]).spawn().unwrap();
    until("work", || server.listings() >= 10);
    workers[0].signal("STOP");
    let stopped = Instant::now();
    until("its end", || place.ask(&["exists", "{hawkeye}:alive:w1"]) == "0");
    let silent = stopped.elapsed();
    let output = scan.wait_with_output().unwrap();
    workers[0].signal("CONT");
    let rows = rows(&output);
    assert_eq!((rows.len(), count(&rows, "complete")), (120, 120), "{output:?}");
    assert!(silent < Duration::from_millis(1500), "{silent:?} for an interval of one second");
    // Its late results are of a run that is over, and it works on.
    until("w1", || place.ask(&["exists", "{hawkeye}:alive:w1"]) == "1");
    place.targets(&server.url, 40);
    assert_eq!(count(&rows_of(&place), "complete"), 40);
}

fn rows_of(place: &Place) -> std::collections::BTreeMap<String, serde_json::Value> {
    rows(&place.scan(&[]))
}

#[test]
fn sigterm_lets_a_worker_end_what_it_has() {
    let place = Place::new("drained", &SETTINGS.replace("interval: 1", "interval: 20"));
    let server = Http::start(&["--delay-ms", "30"]);
    place.targets(&server.url, 150);
    let mut workers = [place.worker("w1", 4, &[]), place.worker("w2", 4, &[])];
    let scan = place.scanning(&[]).spawn().unwrap();
    until("work", || server.listings() >= 20);
    workers[0].signal("TERM");
    assert_eq!(workers[0].ended(), Some(0), "{}", workers[0].log());
    let begun = Instant::now();
    let output = scan.wait_with_output().unwrap();
    let rows = rows(&output);
    assert_eq!((rows.len(), count(&rows, "complete")), (150, 150), "{output:?}");
    assert!(begun.elapsed() < Duration::from_secs(15), "nobody waited until it was missed");
    assert_eq!(server.listings(), 150, "nothing was asked twice");
}

#[test]
fn a_server_that_brings_its_workers_down_is_given_up() {
    let place = Place::new("poison", "  max_deliveries: 2\n  load_balancer: {health_check_interval: 1}\n");
    // It ends the worker that starts it, and no other process.
    let deadly = "p=$(ps -o ppid= -p $$); kill -9 $p; sleep 5";
    let servers = serde_json::json!({"mcpServers": {
        "deadly": {"command": "sh", "args": ["-c", deadly]},
        "good": {"command": crate::place::PROGRAM, "args": ["demo-server"]},
    }});
    std::fs::write(place.dir.join("targets"), servers.to_string()).unwrap();
    let mut workers = vec![place.worker("w0", 2, &["--allow-stdio"])];
    let mut scan = place.scanning(&["--output", "report.ndjson"]).spawn().unwrap();
    while scan.try_wait().unwrap().is_none() {
        let last = workers.last_mut().unwrap();
        if last.process.try_wait().unwrap().is_some() {
            assert!(workers.len() < 9, "no end of it");
            workers.push(place.worker(&format!("w{}", workers.len()), 2, &["--allow-stdio"]));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut output = scan.wait_with_output().unwrap();
    output.stdout = std::fs::read(place.dir.join("report.ndjson")).unwrap();
    let rows = rows(&output);
    let deadly = rows.values().find(|row| row["name"] == "deadly").unwrap();
    assert_eq!(
        (&deadly["status"], &deadly["failure"]["kind"]),
        (&"failed".into(), &"internal".into()),
        "{deadly}"
    );
    assert!(deadly["failure"]["message"].as_str().unwrap().contains("2 workers took it"), "{deadly}");
    assert_eq!(count(&rows, "complete"), 1, "{rows:?}");
}
