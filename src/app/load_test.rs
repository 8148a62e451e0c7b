//! `hawkeye load-test`: one target, introspected many times at once.

use std::io::Write;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crate::base::text::quote;
use crate::base::time::{Deadline, rfc3339};
use crate::cli::args::LoadTest as Args;
use crate::engine::{self, Event, Gauge};
use crate::measure::SCHEMA_VERSION;
use crate::measure::load::{Load, Report, Shape, histogram};
use crate::model::outcome::Status;
use crate::model::target::{Endpoint, Remote, Target};
use crate::scan::{ScanOptions, Scanner};
use crate::sys::cancel::Cancel;
use crate::sys::signal;
use crate::transport::http::look::{Look, look};

use super::exit::Exit;
use super::measuring::{One, check_output, deliver, is_on, now, one, switch, wants_progress};
use super::run::engine::keeping_options;
use super::run::outputs::style_of_stdout;
use super::say;

const THREADS: usize = 10;
const REQUESTS: usize = 50;
const DURATION: Duration = Duration::from_secs(10);
/// For the lookup of the target's name.
const LOOK_UP: Duration = Duration::from_secs(10);
/// A request that is sent this much after it was due had to wait for a thread.
const LATE: Duration = Duration::from_millis(1);
/// Between two lines of progress.
const REPORT_EVERY: Duration = Duration::from_secs(2);

/// One request, measured.
struct Shot {
    /// From when it was due to its end.
    latency: Duration,
    /// From when it was sent.
    service: Duration,
    /// The kind of its failure.
    error: Option<&'static str>,
}

pub(super) fn run(args: &Args, process: &[String]) -> Exit {
    match tested(args, process) {
        Ok(exit) | Err(exit) => exit,
    }
}

fn tested(args: &Args, process: &[String]) -> Result<Exit, Exit> {
    let usage = |why: String| {
        say(&why);
        Exit::Usage
    };
    let One { target, settings, shown } =
        one(&args.as_scan(), args.target.as_deref(), process).map_err(usage)?;
    let cancel = switch()?;
    let consent = if args.i_am_authorized { Consent::Given } else { Consent::Missing };
    may_be_loaded(&target, consent, &cancel).map_err(usage)?;
    check_output(args.output.as_deref())?;

    let threads = args.threads.unwrap_or(THREADS);
    let shape = match args.rate {
        None => Shape::Closed { requests_per_thread: args.requests.unwrap_or(REQUESTS) },
        Some(rate_per_second) => {
            let duration_s = args.duration.unwrap_or(DURATION).as_secs_f64();
            Shape::Open { rate_per_second, duration_s }
        }
    };
    let mut remarks = Vec::new();
    if is_on(&shown, "mcp_introspection.rate_limiting.enabled") {
        remarks.push(format!(
            "rate_limiting is on: requests wait for it, at most {} a minute (requests_per_minute)",
            now(&shown, "mcp_introspection.rate_limiting.requests_per_minute")
        ));
    }
    // Whoever a refusing server points to has not agreed to be loaded.
    let options = ScanOptions { auth_metadata: false, ..keeping_options(&settings) };
    let scanner = Arc::new(Scanner::new(options, &cancel).map_err(|e| usage(e.to_string()))?);
    let started = SystemTime::now();
    let begun = Instant::now();
    let progress = wants_progress(args.no_progress, args.quiet);
    let load = fire(&scanner, &Arc::new(target.clone()), shape, threads, &cancel, progress);
    let elapsed = begun.elapsed();
    let vitals = scanner.vitals();
    if let Some(scanner) = Arc::into_inner(scanner) {
        scanner.finish();
    }
    let total = load.successful + load.failed;
    let open = matches!(shape, Shape::Open { .. });
    let report = Report {
        schema_version: SCHEMA_VERSION,
        kind: "load-test",
        version: env!("CARGO_PKG_VERSION"),
        started_at: rfc3339(started),
        interrupted: cancel.is_tripped(),
        target: target.name,
        shape,
        threads,
        planned: planned(shape, threads) as u64,
        total,
        successful: load.successful,
        failed: load.failed,
        success_rate_percent: (total > 0).then(|| load.successful as f64 / total as f64 * 100.0),
        total_time_s: elapsed.as_secs_f64(),
        requests_per_second: total as f64 / elapsed.as_secs_f64().max(f64::EPSILON),
        latency: load.latency.percentiles(),
        service: load.service.percentiles().filter(|_| open),
        late: open.then_some(load.late),
        histogram: histogram(&load),
        errors: load.errors,
        connections: vitals.connections,
        processes: vitals.processes,
        remarks,
    };
    let unicode = style_of_stdout().unicode;
    deliver(&report, || report.text(unicode), args.format, args.output.as_deref())?;
    if let Some(code) = signal::caught() {
        return Ok(Exit::Signal(code));
    }
    Ok(if report.total > 0 && report.failed == 0 { Exit::Complete } else { Exit::Incomplete })
}

/// How many requests `shape` means.
fn planned(shape: Shape, threads: usize) -> usize {
    match shape {
        Shape::Closed { requests_per_thread } => threads * requests_per_thread,
        Shape::Open { rate_per_second, duration_s } => ((rate_per_second * duration_s) as usize).max(1),
    }
}

/// Makes the requests of `shape`. Workers take them in their order; in an open loop each waits until its
/// request is due, and a request that is due while none is free is late by what that costs.
fn fire(
    scanner: &Arc<Scanner>,
    target: &Arc<Target>,
    shape: Shape,
    threads: usize,
    cancel: &Cancel,
    progress: bool,
) -> Load {
    let begun = Instant::now();
    let planned = planned(shape, threads);
    let work = {
        let (scanner, target, cancel) = (scanner.clone(), target.clone(), cancel.clone());
        move |_, n: usize| {
            let due = match shape {
                Shape::Closed { .. } => Instant::now(),
                Shape::Open { rate_per_second, .. } => {
                    begun + Duration::from_secs_f64(n as f64 / rate_per_second)
                }
            };
            cancel.sleep(Deadline::after(due.saturating_duration_since(Instant::now())));
            if cancel.is_tripped() {
                return None;
            }
            Some(shoot(&scanner, &target, due)).filter(|_| !cancel.is_tripped())
        }
    };
    let mut load = Load::default();
    let mut told = begun;
    let shots = Shots { left: 0..planned, cancel: cancel.clone() };
    engine::run(shots, engine::Shape::fixed(threads), &Gauge::default(), work, |event| {
        match event {
            Event::Ended(_, Ok(Some(shot))) => count(&mut load, &shot),
            Event::Ended(_, Err(_)) => {
                load.failed += 1;
                *load.errors.entry("internal").or_default() += 1;
            }
            Event::Ended(_, Ok(None)) | Event::Quiet => {}
        }
        if progress && told.elapsed() >= REPORT_EVERY {
            told = Instant::now();
            let (done, failed) = (load.successful + load.failed, load.failed);
            // A terminal that is gone is nobody's to complain about.
            let _ = writeln!(std::io::stderr().lock(), "{done} of {planned} requests, {failed} failed");
        }
    });
    load
}

/// The numbers of the requests that are still to be made; none once the run was ended, however many were planned.
struct Shots {
    left: Range<usize>,
    cancel: Cancel,
}

impl Iterator for Shots {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        if self.cancel.is_tripped() {
            self.left = 0..0;
        }
        self.left.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.left.size_hint()
    }
}

impl ExactSizeIterator for Shots {}

fn shoot(scanner: &Scanner, target: &Target, due: Instant) -> Shot {
    let sent = Instant::now();
    // Who is early by the clock's grain was not due before it was sent.
    let due = due.min(sent);
    let outcome = scanner.introspect(target);
    let ended = Instant::now();
    let error = match (outcome.status, outcome.failure) {
        (Status::Complete, _) => None,
        (_, Some(failure)) => Some(failure.kind.name()),
        (_, None) => Some("partial"),
    };
    Shot { latency: ended - due, service: ended - sent, error }
}

fn count(load: &mut Load, shot: &Shot) {
    load.latency.record(shot.latency);
    load.service.record(shot.service);
    load.late += u64::from(shot.latency > shot.service + LATE);
    match shot.error {
        None => load.successful += 1,
        Some(kind) => {
            load.failed += 1;
            *load.errors.entry(kind).or_default() += 1;
        }
    }
}

/// Whether the user may load a server that is not on this machine.
enum Consent {
    Given,
    Missing,
}

/// A server of this machine may be loaded; any other only with its owner's word.
fn may_be_loaded(target: &Target, consent: Consent, cancel: &Cancel) -> Result<(), String> {
    let (Endpoint::Remote(Remote { url, .. }), Consent::Missing) = (&target.endpoint, consent) else {
        return Ok(());
    };
    refusal(&look(url, cancel, Deadline::after(LOOK_UP))).map_or(Ok(()), |why| {
        let name = quote(&target.name, 80);
        Err(format!(
            "{name} is not reached over loopback: {why}; a load test needs its owner's permission, and --i-am-authorized"
        ))
    })
}

/// Why what was seen of a server does not show that it is on this machine.
fn refusal(seen: &Look) -> Option<String> {
    match (&seen.proxy, &seen.addresses) {
        (Some(proxy), _) => Some(format!("its requests go through a proxy ({proxy}; NO_PROXY spares hosts)")),
        // It might resolve a moment later.
        (None, Err(why)) => Some(format!("its host name {why}")),
        (None, Ok(addresses)) => {
            let away = addresses.iter().find(|a| !a.ip().to_canonical().is_loopback());
            away.map(|address| format!("it is at {}", address.ip()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_has_rate_times_duration_requests_and_never_none() {
        let open = |rate_per_second, duration_s| planned(Shape::Open { rate_per_second, duration_s }, 7);
        assert_eq!((open(50.0, 2.0), open(0.5, 4.0), open(0.001, 1.0)), (100, 2, 1));
        assert_eq!(planned(Shape::Closed { requests_per_thread: 50 }, 10), 500);
    }

    #[test]
    fn only_loopback_may_be_loaded_without_consent() {
        let at = |addresses: &[&str]| {
            let addresses = addresses.iter().map(|a| a.parse().unwrap()).collect();
            Look { proxy: None, addresses: Ok(addresses) }
        };
        for here in [&["127.3.2.1:1", "[::1]:1"][..], &["[::ffff:127.0.0.1]:1"]] {
            assert_eq!(refusal(&at(here)), None, "{here:?}");
        }
        for away in [&["192.0.2.1:80"][..], &["127.0.0.1:1", "[2001:db8::1]:1"], &["0.0.0.0:1"]] {
            assert!(refusal(&at(away)).unwrap().starts_with("it is at "), "{away:?}");
        }
        let proxied = Look { proxy: Some("p:3128".into()), ..at(&["127.0.0.1:1"]) };
        assert!(refusal(&proxied).unwrap().contains("p:3128"));
        assert!(refusal(&Look { proxy: None, addresses: Err("does not resolve".into()) }).is_some());
    }
}
