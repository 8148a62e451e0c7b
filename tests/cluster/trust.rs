//! Whom workers believe, and what others see.

use std::fs;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::place::{Http, PROGRAM, Place, count, rows, until};

const SETTINGS: &str = "  patience: 1\n  load_balancer: {health_check_interval: 1}\n";

#[test]
fn who_has_no_key_can_make_nobody_do_anything() {
    let place = Place::new("forged", SETTINGS);
    let worker = place.worker("w1", 2, &["--allow-stdio"]);
    let touched = place.dir.join("touched");
    let job = json!({"name": "x", "server": {"command": {"program": "touch", "args": [touched], "env": [], "cwd": null}}});
    let body = format!("{{\"expires\":99999999999,\"before\":0,\"id\":1}}\n{job}");
    for lane in ["command", "remote", "to:w1"] {
        for body in [body.as_str(), "", "\n", "garbage"] {
            place.ask(&["xadd", &format!("{{hawkeye}}:jobs:{lane}"), "*", "r", "run", "n", "0", "b", body]);
        }
        place.ask(&["xadd", &format!("{{hawkeye}}:jobs:{lane}"), "*", "else", "where"]);
    }
    until("its refusal", || place.ask(&["xlen", "{hawkeye}:jobs:command"]) == "0");
    assert!(worker.log().contains("without the key"), "{}", worker.log());
    assert!(!touched.exists());
    // It goes on.
    let server = Http::start(&[]);
    place.targets(&server.url, 3);
    assert_eq!(count(&rows(&place.scan(&[])), "complete"), 3);
}

#[test]
fn a_job_that_is_copied_is_done_once() {
    let place = Place::new("copied", "  load_balancer: {health_check_interval: 30}\n");
    let count_file = place.dir.join("count");
    let script = format!("echo x >> {}; exec {PROGRAM} demo-server", count_file.display());
    let servers = json!({"mcpServers": {"a": {"command": "sh", "args": ["-c", script]}}});
    fs::write(place.dir.join("targets"), servers.to_string()).unwrap();
    // A worker that does nothing yet: the job can be copied as it lies there.
    let worker = place.worker("w1", 1, &["--allow-stdio"]);
    worker.signal("STOP");
    let scan = place.scanning(&[]).spawn().unwrap();
    until("the job", || place.ask(&["xlen", "{hawkeye}:jobs:command"]) == "1");
    let copy = "local e=redis.call('XRANGE',KEYS[1],'-','+')[1]; if e then return redis.call('XADD',KEYS[1],'*',unpack(e[2])) end";
    for _ in 0..3 {
        place.ask(&["eval", copy, "1", "{hawkeye}:jobs:command"]);
    }
    worker.signal("CONT");
    let output = scan.wait_with_output().unwrap();
    assert_eq!(count(&rows(&output), "complete"), 1, "{output:?}");
    until("the copies", || place.ask(&["xlen", "{hawkeye}:jobs:command"]) == "0");
    assert_eq!(fs::read_to_string(&count_file).unwrap(), "x\n", "{}", worker.log());
}

#[test]
fn keys_that_are_not_kept_or_not_the_same_are_refused() {
    let place = Place::new("keys", SETTINGS);
    let _worker = place.worker("w1", 1, &[]);
    let url = format!("  url: redis://127.0.0.1:{}\n", place.port);
    for (file, secret, mode, why) in [
        ("open", &[b'x'; 40][..], 0o644, "chmod 600"),
        ("short", &[b'x'; 8][..], 0o600, "holds 8 bytes"),
        ("other", &[b'x'; 40][..], 0o600, "another key"),
    ] {
        place.key(file, secret, mode);
        place.settings("other.yaml", &format!("{url}  key_file: {file}\n"));
        let mut other = place.spawn_worker("other.yaml", file, 1, &[]);
        assert_eq!(other.ended(), Some(2));
        assert!(other.log().contains(why) && other.log().lines().count() == 1, "{}", other.log());
    }
    place.settings("other.yaml", &url);
    let mut other = place.spawn_worker("other.yaml", "none", 1, &[]);
    assert_eq!(other.ended(), Some(2));
    assert!(other.log().contains("cluster.key_file is not set"), "{}", other.log());
}

#[test]
fn commands_are_run_only_by_those_who_allow_it() {
    let place = Place::new("allowed", SETTINGS);
    let _worker = place.worker("w1", 1, &[]);
    let server = Http::start(&[]);
    let servers =
        json!({"mcpServers": {"url": {"url": server.url}, "run": {"command": "touch", "args": ["ran"]}}});
    fs::write(place.dir.join("targets"), servers.to_string()).unwrap();
    let output = place.scan(&[]);
    assert_eq!(output.status.code(), Some(3));
    let rows = rows(&output);
    let run = rows.values().find(|row| row["name"] == "run").unwrap();
    assert_eq!(run["status"], "not_evaluated");
    assert!(run["failure"]["message"].as_str().unwrap().contains("--allow-stdio"), "{run}");
    assert_eq!(count(&rows, "complete"), 1);
    assert!(!place.dir.join("ran").exists());
}

#[test]
fn the_queue_sees_no_secret_and_no_answer() {
    let place = Place::new("seen", SETTINGS);
    let mut monitor = Command::new("redis-cli")
        .args(["-p", &place.port.to_string(), "monitor"])
        .stdout(fs::File::create(place.dir.join("monitor")).unwrap())
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    until("the monitor", || fs::metadata(place.dir.join("monitor")).unwrap().len() > 0);
    let _worker = place.worker("w1", 2, &["--allow-stdio"]);
    let server = Http::start(&["--token", "t0ken-of-the-demo"]);
    let servers = json!({"mcpServers": {
        "web": {"url": server.url, "headers": {"Authorization": "Bearer t0ken-of-the-demo"}},
        "run": {"command": PROGRAM, "args": ["demo-server", "--persona", "files"], "env": {"API_KEY": "s3cret-value"}},
    }});
    fs::write(place.dir.join("targets"), servers.to_string()).unwrap();
    assert_eq!(count(&rows(&place.scan(&[])), "complete"), 2);
    monitor.kill().unwrap();
    monitor.wait().unwrap();
    let seen = String::from_utf8_lossy(&fs::read(place.dir.join("monitor")).unwrap()).into_owned();
    assert!(seen.contains("XADD") && seen.contains("XREADGROUP"), "{seen}");
    for secret in ["t0ken", "s3cret", "API_KEY", "127.0.0.1/mcp", "read_file", "forecast", "inputSchema"] {
        assert!(!seen.contains(secret), "{secret}");
    }
}

#[test]
fn a_name_is_one_workers() {
    let place = Place::new("name", SETTINGS);
    let mut first = place.worker("w1", 1, &[]);
    let mut second = place.spawn_worker("settings.yaml", "w1", 1, &[]);
    assert_eq!(second.ended(), Some(2));
    assert!(first.log().contains("another worker called w1 is alive"), "{}", first.log());
    // Killed and started again at once, it has its name back.
    first.process.kill().unwrap();
    first.process.wait().unwrap();
    fs::remove_file(&first.log).unwrap();
    let _again = place.worker("w1", 1, &[]);
}
