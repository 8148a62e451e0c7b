//! What holds for all workers of a cluster together, counted by the servers that are asked.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Output;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::place::{Place, Worker};

/// A server that refuses everybody, and keeps count.
struct Counting {
    origin: String,
    seen: Arc<(Mutex<Seen>, Condvar)>,
}

#[derive(Default)]
struct Seen {
    requests: Vec<Instant>,
    open: usize,
    most_open: usize,
}

impl Counting {
    /// Who comes waits until there were `company` at a time, or for two seconds.
    fn start(company: usize) -> Counting {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new((Mutex::new(Seen::default()), Condvar::new()));
        let of_all = seen.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let seen = of_all.clone();
                thread::spawn(move || answer(stream.unwrap(), &seen, company));
            }
        });
        Counting { origin, seen }
    }

    fn list(&self, n: usize) -> String {
        (0..n).map(|i| format!("{}/mcp?{i}\n", self.origin)).collect()
    }

    /// When requests came since `begun`.
    fn since(&self, begun: Instant) -> Vec<Duration> {
        let seen = self.seen.0.lock().unwrap();
        seen.requests.iter().map(|at| at.duration_since(begun)).collect()
    }
}

fn answer(mut stream: TcpStream, seen: &(Mutex<Seen>, Condvar), company: usize) {
    let (count, more) = seen;
    {
        let mut seen = count.lock().unwrap();
        seen.open += 1;
        seen.most_open = seen.most_open.max(seen.open);
        more.notify_all();
        let waiting = more.wait_timeout_while(seen, Duration::from_secs(2), |seen| seen.most_open < company);
        drop(waiting.unwrap());
    }
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut length = 0;
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok_and(|n| n > 2) {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        line.clear();
    }
    let _ = reader.read_exact(&mut vec![0; length]);
    count.lock().unwrap().requests.push(Instant::now());
    let refusal = b"HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    // Before the answer is out: who has it may come back at once.
    count.lock().unwrap().open -= 1;
    let _ = stream.write_all(refusal);
}

/// No more than `burst` and what is due since may have come at any moment. Permits are only ever used late, so this
/// holds however busy the machine is.
fn hold(came: &[Duration], per_minute: u32, burst: usize) {
    let interval = Duration::from_secs(60) / per_minute;
    for (number, at) in came.iter().enumerate() {
        let due = interval * number.saturating_sub(burst - 1) as u32;
        assert!(*at >= due, "request {number} came after {at:?}, and is due after {due:?}");
    }
}

const RATE: &str =
    "mcp_introspection: {rate_limiting: {enabled: true, requests_per_minute: 1500, burst_size: 5}}";

/// What all tests here set.
const SETTINGS: &str = "  patience: 20\n  max_per_origin: 100\n";

fn three_workers(place: &Place) -> Vec<Worker> {
    ["w1", "w2", "w3"].map(|name| place.worker(name, 10, &[])).into()
}

/// Scans a `list` of URLs.
fn scan(place: &Place, list: &str) -> Output {
    fs::write(place.dir.join("targets"), list).unwrap();
    place.scan(&[])
}

#[test]
fn the_rate_is_that_of_all_workers_and_of_all_scans_together() {
    let place = Place::beside("pace", SETTINGS, RATE);
    let _workers = three_workers(&place);
    let server = Counting::start(0);
    let begun = Instant::now();
    let first = scan(&place, &server.list(60));
    let came = server.since(begun);
    assert!(came.len() >= 60, "{} requests: {first:?}", came.len());
    hold(&came, 1500, 5);
    // What is left of the burst is left to the next run, too, and no number of another scan's makes one anew.
    scan(&place, &server.list(20));
    let came = server.since(begun);
    assert!(came.len() >= 80);
    hold(&came, 1500, 5);
    let keys = place.ask(&["--scan", "--pattern", "*:rate:*"]);
    assert!(!keys.contains("127.0.0.1"), "whom we ask is nobody's to read: {keys}");
}

#[test]
fn each_origin_has_its_own_rate_over_all_workers() {
    let settings = "mcp_introspection: {rate_limiting: {enabled: true, requests_per_minute: 100000, burst_size: 1000, \
                    per_origin: {requests_per_minute: 900, burst_size: 3}}}";
    let place = Place::beside("pace-origin", SETTINGS, settings);
    let _workers = three_workers(&place);
    let (one, other) = (Counting::start(0), Counting::start(0));
    let begun = Instant::now();
    scan(&place, &(one.list(30) + &other.list(30)));
    for server in [&one, &other] {
        let came = server.since(begun);
        assert!(came.len() >= 30, "{}", came.len());
        hold(&came, 900, 3);
    }
}

#[test]
fn an_origin_is_not_asked_by_all_workers_at_once() {
    let place = Place::beside("pace-width", &SETTINGS.replace("100", "2"), "");
    let _workers = three_workers(&place);
    let server = Counting::start(2);
    scan(&place, &server.list(40));
    let seen = server.seen.0.lock().unwrap();
    assert!(seen.requests.len() >= 40, "{}", seen.requests.len());
    assert_eq!(seen.most_open, 2);
}
