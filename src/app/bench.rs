//! `hawkeye bench`: the same targets scanned again and again, in each of the guide's three ways.

use std::io::Write;
use std::path::Path;
use std::time::{Instant, SystemTime};

use crate::analysis::options::Policy;
use crate::base::time::rfc3339;
use crate::cli::args::Bench as Args;
use crate::config::Settings;
use crate::engine::options::Width;
use crate::measure::SCHEMA_VERSION;
use crate::measure::bench::{self, Bench, CASES, Case, CaseResult};
use crate::measure::statistics::Summary;
use crate::model::outcome::Status;
use crate::model::target::Target;
use crate::scan::{Heard, Scanner};
use crate::sys::cancel::Cancel;
use crate::sys::signal;
use crate::sys::usage::{reset_peak, usage};

use super::exit::Exit;
use super::measuring::{check_output, deliver, switch, wants_progress};
use super::run::engine::keeping_options;
use super::run::plan::{Held, Planned, plan};
use super::say;

/// A quarter more than the greatest width.
const DEMO_TARGETS: usize = 24;
const ITERATIONS: usize = 5;
const MAX_REGRESSION: f64 = 10.0;

pub(super) fn run(args: &Args, process: &[String]) -> Exit {
    match measured(args, process) {
        Ok(exit) | Err(exit) => exit,
    }
}

fn measured(args: &Args, process: &[String]) -> Result<Exit, Exit> {
    let usage = |why: String| {
        say(&why);
        Exit::Usage
    };
    let mut held = Held::default();
    let Planned { settings, targets, .. } =
        plan(&args.as_scan(process), process, &mut held).map_err(usage)?;
    let targets = held.fleet().map_or(targets, |fleet| fleet.sound_targets(DEMO_TARGETS));
    if targets.is_empty() {
        return Err(usage("no target: the files name none that is not disabled".to_owned()));
    }
    let cases: Vec<Case> = CASES
        .into_iter()
        .filter(|case| args.case.is_empty() || args.case.iter().any(|name| name == case.name))
        .collect();
    let old = args.compare.as_deref().map(|path| older(path, targets.len(), &cases));
    let old = old.transpose().map_err(usage)?;
    check_output(args.output.as_deref())?;
    let cancel = switch()?;
    let iterations = args.iterations.unwrap_or(ITERATIONS);
    let started = SystemTime::now();
    let mut results = Vec::new();
    for case in cases {
        let progress = Progress { shown: wants_progress(args.no_progress, args.quiet), case, iterations };
        let result = measure(case, &targets, &settings, iterations, &cancel, progress).map_err(usage)?;
        results.extend(result);
        if cancel.is_tripped() {
            break;
        }
    }
    drop(held);
    // Part of a bench is compared with nothing: what is missing might be what is slow.
    let most = args.max_regression.unwrap_or(MAX_REGRESSION);
    let old = old.filter(|_| !cancel.is_tripped());
    let comparison = old.map(|old| bench::compare(&old, &results, most)).transpose().map_err(usage)?;
    let report = Bench {
        schema_version: SCHEMA_VERSION,
        kind: "bench".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at: rfc3339(started),
        finished_at: rfc3339(SystemTime::now()),
        interrupted: cancel.is_tripped(),
        processors: std::thread::available_parallelism().map_or(1, usize::from),
        targets: targets.len(),
        iterations,
        cases: results,
        comparison,
    };
    deliver(&report, || report.text(), args.format, args.output.as_deref())?;
    Ok(verdict(&report))
}

/// The report to compare with, if it is one that can be compared.
fn older(path: &Path, targets: usize, cases: &[Case]) -> Result<Bench, String> {
    let about = |why: &str| format!("--compare {}: {why}", path.display());
    let text = std::fs::read_to_string(path).map_err(|e| about(&e.to_string()))?;
    let old = bench::read(&text, targets).map_err(|why| about(&why))?;
    match cases.iter().any(|case| old.cases.iter().any(|o| o.name == case.name)) {
        true => Ok(old),
        false => Err(about("has none of the cases that are to be compared")),
    }
}

fn verdict(report: &Bench) -> Exit {
    if let Some(code) = signal::caught() {
        return Exit::Signal(code);
    }
    if report.comparison.as_ref().is_some_and(|c| c.regression) {
        return Exit::Gate;
    }
    match report.cases.iter().any(|case| case.failed > 0) {
        true => Exit::Incomplete,
        false => Exit::Complete,
    }
}

/// What is told on a terminal while a case runs.
struct Progress {
    shown: bool,
    case: Case,
    iterations: usize,
}

impl Progress {
    fn iteration(&self, n: usize, seconds: f64) {
        if self.shown {
            let (name, of) = (self.case.name, self.iterations);
            // A terminal that is gone is nobody's to complain about.
            let _ = writeln!(std::io::stderr().lock(), "{name}: iteration {n} of {of}: {seconds:.3} s");
        }
    }
}

/// One case; `None` if it was interrupted before its first iteration was over. One scanner for all iterations,
/// as one introspector in the guide: what it keeps between scans is part of what is measured.
fn measure(
    case: Case,
    targets: &[Target],
    settings: &Settings,
    iterations: usize,
    cancel: &Cancel,
    progress: Progress,
) -> Result<Option<CaseResult>, String> {
    let scanner =
        Scanner::new(keeping_options(&fitted(settings, case)), cancel).map_err(|e| e.to_string())?;
    let peak_is_of_case = reset_peak();
    let cpu_before = usage().cpu_time();
    let (mut times, mut failed) = (Vec::new(), 0);
    for n in 1..=iterations {
        let begun = Instant::now();
        let mut answered = begun;
        scanner.scan(targets.to_vec(), |heard| match heard {
            Heard::Ended(_, outcome) if !cancel.is_tripped() => {
                failed += usize::from(outcome.status != Status::Complete);
            }
            // What follows is the end of the servers, which is theirs.
            Heard::Complete(_) => answered = Instant::now(),
            Heard::Ended(..) | Heard::Quiet => {}
        });
        if cancel.is_tripped() {
            break;
        }
        let seconds = (answered - begun).as_secs_f64();
        progress.iteration(n, seconds);
        times.push((seconds * 1e6).round() / 1e6);
    }
    // Servers are children whose time counts once they have been collected.
    scanner.finish();
    let cpu = usage().cpu_time().saturating_sub(cpu_before).as_secs_f64();
    let peak = usage().peak;
    Ok(Summary::of(&times).map(|seconds| CaseResult {
        name: case.name.to_owned(),
        max_concurrent_servers: case.width,
        enable_detailed_analysis: case.detailed,
        servers_per_second: (targets.len() as f64 / seconds.median * 100.0).round() / 100.0,
        cpu_s: (cpu / times.len() as f64 * 1e6).round() / 1e6,
        times_s: times,
        seconds,
        peak_rss_bytes: peak,
        peak_is_of_case,
        failed,
    }))
}

/// The settings of a case: all that makes one differ from another.
fn fitted(settings: &Settings, case: Case) -> Settings {
    let assessment = Policy { detailed: case.detailed, ..settings.assessment.clone() };
    Settings { width: Width::Fixed(case.width), assessment, ..settings.clone() }
}
