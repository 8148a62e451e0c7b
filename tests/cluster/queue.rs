//! The queue itself: bounds, times, users, TLS, and what if it is not there.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::place::{Http, Place, count, rows, until};

const SETTINGS: &str = "  patience: 1\n  max_per_origin: 1000\n  load_balancer: {health_check_interval: 1}\n";

#[test]
fn with_nobody_there_it_ends_and_says_so() {
    let mut place = Place::new("nobody", SETTINGS);
    place.targets("http://127.0.0.1:1/mcp", 5);
    for (why, kill) in [("no worker of the cluster was alive", false), ("cannot be reached", true)] {
        if kill {
            place.kill_redis();
        }
        let begun = Instant::now();
        let output = place.scan(&[]);
        assert!(begun.elapsed() < Duration::from_secs(20));
        assert_eq!(output.status.code(), Some(3), "{output:?}");
        let rows = rows(&output);
        assert_eq!(count(&rows, "not_evaluated"), 5);
        let said =
            |row: &serde_json::Value| row["failure"]["message"].as_str().is_some_and(|m| m.contains(why));
        assert!(rows.values().all(said), "{rows:?}");
    }
}

#[test]
fn what_is_in_the_queue_is_bounded_and_goes_by_itself() {
    let place = Place::new("bounded", SETTINGS);
    let server = Http::start(&["--delay-ms", "10"]);
    place.targets(&server.url, 600);
    let _workers = [place.worker("w1", 5, &[]), place.worker("w2", 5, &[])];
    let mut scan = place.scanning(&["--output", "report.ndjson"]).spawn().unwrap();
    let (mut most, mut checked) = (0, 0);
    while scan.try_wait().unwrap().is_none() {
        let length: usize = place.ask(&["xlen", "{hawkeye}:jobs:remote"]).parse().unwrap();
        most = most.max(length);
        for key in place.ask(&["keys", "*:run:*"]).lines() {
            let left = place.ask(&["ttl", key]);
            assert!(left != "-1", "{key} stays for ever");
            checked += 1;
        }
    }
    assert!((5..=20).contains(&most) && checked > 0, "{most} jobs at once, {checked} keys looked at");
    assert_eq!(place.ask(&["keys", "*:run:*"]), "");
}

#[test]
fn two_hosts_scan_at_once_and_nothing_gets_mixed() {
    let place = Place::new("two", SETTINGS);
    let servers =
        [Http::start(&["--persona", "files", "--delay-ms", "5"]), Http::start(&["--delay-ms", "5"])];
    let _workers = [place.worker("w1", 5, &[]), place.worker("w2", 5, &[])];
    let scans = servers.each_ref().map(|server| {
        place.targets(&server.url, 100);
        let scan = place.scanning(&[]).spawn().unwrap();
        until("the list is read", || server.listings() > 0);
        scan
    });
    for (scan, server) in scans.into_iter().zip(&servers) {
        let rows = rows(&scan.wait_with_output().unwrap());
        assert_eq!((rows.len(), count(&rows, "complete")), (100, 100));
        let own = |row: &serde_json::Value| row["endpoint"]["url"].as_str().unwrap().starts_with(&server.url);
        assert!(rows.values().all(own));
        let tools: Vec<_> = rows.values().map(|row| row["tools"][0]["name"].clone()).collect();
        assert!(tools.windows(2).all(|two| two[0] == two[1]), "{tools:?}");
    }
}

/// The user of `config/redis-acl.example`, as this Redis is to know it.
fn user(password: &str) -> Vec<String> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/config/redis-acl.example");
    let text = fs::read_to_string(file).unwrap();
    let line = text.lines().find(|line| line.starts_with("user hawkeye")).unwrap();
    let line = line.replace(">CHANGE-ME", &format!(">{password}"));
    line.split_whitespace().skip(1).map(str::to_owned).collect()
}

#[test]
fn a_user_with_no_more_than_the_example_is_enough_and_with_less_is_told() {
    let place = Place::new("user", &format!("{SETTINGS}  username: hawkeye\n  password_file: password\n"));
    fs::write(place.dir.join("password"), "pa55\n").unwrap();
    let set = |words: &[String]| {
        let words: Vec<&str> =
            ["acl", "setuser"].into_iter().chain(words.iter().map(String::as_str)).collect();
        assert_eq!(place.ask(&words), "OK");
    };
    set(&user("pa55"));
    let server = Http::start(&[]);
    place.targets(&server.url, 30);
    {
        let mut worker = place.worker("w1", 3, &[]);
        assert_eq!(count(&rows(&place.scan(&[])), "complete"), 30);
        worker.signal("TERM");
        assert_eq!(worker.ended(), Some(0));
    }
    assert_eq!(place.ask(&["acl", "log"]), "", "nothing was refused");
    for (change, why) in [("-xadd", "refuses us"), ("resetpass", "refuses us")] {
        set(&["hawkeye".to_owned(), change.to_owned()]);
        let output = place.scan(&[]);
        let rows = rows(&output);
        assert_eq!((output.status.code(), count(&rows, "not_evaluated")), (Some(3), 30), "{change}");
        // Without a worker the first is not even tried.
        let told = rows.values().next().unwrap()["failure"]["message"].as_str().unwrap();
        assert!(told.contains(why) || change == "-xadd", "{change}: {told}");
        assert!(!told.contains("pa55"));
    }
}

#[test]
fn tls_is_spoken_with_those_whom_the_ca_knows() {
    let dir = std::env::temp_dir().join(format!("hawkeye-cluster-ca-{}", std::process::id()));
    fs::create_dir_all(&dir).unwrap();
    let openssl = |args: &str| {
        let output = Command::new("openssl").args(args.split(' ')).current_dir(&dir).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    for ca in ["ca", "other"] {
        openssl(&format!(
            "req -x509 -newkey rsa:2048 -nodes -keyout {ca}.key -out {ca}.pem -days 2 -subj /CN={ca}"
        ));
    }
    openssl("req -newkey rsa:2048 -nodes -keyout redis.key -out redis.csr -subj /CN=localhost");
    fs::write(dir.join("ext"), "subjectAltName=DNS:localhost\n").unwrap();
    openssl(
        "x509 -req -in redis.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out redis.pem",
    );
    let path = |name: &str| dir.join(name).display().to_string();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let place = Place::with(
        "tls",
        SETTINGS,
        &[
            "--save",
            "",
            "--tls-port",
            &port.to_string(),
            "--tls-cert-file",
            &path("redis.pem"),
            "--tls-key-file",
            &path("redis.key"),
            "--tls-ca-cert-file",
            &path("ca.pem"),
            "--tls-auth-clients",
            "no",
        ],
    );
    let server = Http::start(&[]);
    place.targets(&server.url, 5);
    let with = |ca: &str| {
        let tls = format!(
            "{SETTINGS}  url: rediss://localhost:{port}\n  key_file: key\n  tls: {{ca_file: {}}}\n",
            path(ca)
        );
        place.settings("settings.yaml", &tls);
    };
    with("ca.pem");
    let _worker = place.worker("w1", 2, &[]);
    assert_eq!(count(&rows(&place.scan(&[])), "complete"), 5);
    with("other.pem");
    let rows = rows(&place.scan(&[]));
    assert_eq!(count(&rows, "not_evaluated"), 5);
    let told = rows.values().next().unwrap()["failure"]["message"].as_str().unwrap();
    assert!(told.to_lowercase().contains("certificate"), "{told}");
    fs::remove_dir_all(&dir).unwrap();
}
