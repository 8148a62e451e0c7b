//! Whole scans of servers that cost next to nothing: `cargo bench`. Median, minimum and maximum of seven runs,
//! after one that is not counted. The machine's own noise is in them: compare within one run only.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and ends when it cannot go on"
)]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hawkeye::{Cancel, Heard, ScanOptions, Target, Width, scan};

const PROGRAM: &str = env!("CARGO_BIN_EXE_hawkeye");
const RUNS: usize = 7;

fn main() {
    let serve = |more: &[&str]| -> Vec<String> {
        ["demo-server", "--persona", "files"].iter().chain(more).map(|s| (*s).to_owned()).collect()
    };
    let stdio = |n: usize, more: &[&str]| vec![Target::command("demo", PROGRAM, &serve(more)); n];
    case("stdio, 200 servers, default width", stdio(200, &[]), ScanOptions::default());
    let wide = |n| ScanOptions { width: Width::Fixed(n), ..ScanOptions::default() };
    case("stdio, 200 servers, 100 ms an answer, width 200", stdio(200, &["--delay-ms", "100"]), wide(200));

    let quick = Http::start(&serve(&["--transport", "http", "--revisions", "2026-07-28"]));
    case("http, 1000 targets, default width", quick.targets(1000), ScanOptions::default());
    let slow = ["--transport", "http", "--revisions", "2026-07-28", "--delay-ms", "50"];
    let slow = Http::start(&serve(&slow));
    case("http, 1000 targets, 50 ms an answer, width 500", slow.targets(1000), wide(500));
    case("http, 1000 targets, 50 ms an answer, default width", slow.targets(1000), ScanOptions::default());
}

fn case(name: &str, targets: Vec<Target>, options: ScanOptions) {
    let mut walls: Vec<Duration> = (0..=RUNS).map(|_| once(&targets, &options)).skip(1).collect();
    walls.sort();
    let ms = |d: Duration| d.as_secs_f64() * 1e3;
    println!("{name}: {:.0} ms ({:.0}..{:.0})", ms(walls[RUNS / 2]), ms(walls[0]), ms(walls[RUNS - 1]));
}

fn once(targets: &[Target], options: &ScanOptions) -> Duration {
    let begun = Instant::now();
    let mut answered = begun;
    let tally = scan(targets.to_vec(), options.clone(), &Cancel::new().unwrap(), |heard| {
        // What follows is the end of the servers, which is theirs.
        if matches!(heard, Heard::Complete(_)) {
            answered = Instant::now();
        }
    })
    .unwrap();
    assert_eq!(tally.complete, targets.len(), "a benchmark of failures measures nothing");
    answered - begun
}

/// A demo server; it ends with its stdin.
struct Http {
    process: Child,
    url: String,
}

impl Http {
    fn start(args: &[String]) -> Http {
        let mut process =
            Command::new(PROGRAM).args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Http { process, url: line.trim().trim_start_matches("listening on ").to_owned() }
    }

    fn targets(&self, n: usize) -> Vec<Target> {
        vec![Target::url("demo", &self.url); n]
    }
}

impl Drop for Http {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}
