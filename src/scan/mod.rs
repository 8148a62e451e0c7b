//! Floor 4: targets in, outcomes out. What a program that embeds hawkeye calls, and what the binary calls.

mod asker;
mod differential;

use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use crate::analysis::{self, options};
use crate::base::text::quote;
use crate::base::time::Deadline;
use crate::engine::options::{Batches, Memory, Width};
use crate::engine::{self, Event, Gauge, Shape};
use crate::model::finding::worst_first;
use crate::model::outcome::{Failure, FailureKind, Outcome, Phase, Status};
use crate::model::pool::PoolOptions;
use crate::model::revision::Revision;
use crate::model::run::{Tally, Vitals};
use crate::model::target::{Endpoint, Target};
use crate::preflight;
use crate::probe;
use crate::sys::cancel::Cancel;
use crate::sys::memory;
use crate::transport::options::WireOptions;
use crate::transport::stdio::launch::Claim;

pub(crate) use asker::Asker;

/// How to scan.
#[derive(Debug, Clone)]
pub struct ScanOptions {
    /// Limits, transports, certificates.
    pub wire: WireOptions,
    /// Total time of a target that names none itself.
    pub timeout: Duration,
    /// Total time of the run; targets whose turn does not come are `not_evaluated`.
    pub max_duration: Option<Duration>,
    /// Further attempts after a failed connection, within the target's time.
    pub max_retries: u32,
    /// Targets at a time.
    pub width: Width,
    /// Targets in portions.
    pub batches: Option<Batches>,
    /// What is done for a small footprint.
    pub memory: Memory,
    /// The only revision to speak, where a target pins none itself.
    pub protocol_version: Option<Revision>,
    /// What is judged, and how deep.
    pub assessment: options::Policy,
    /// How much of the process table the scan may claim.
    pub claim: Claim,
    /// Keeps sessions open between introspections of the same target; `None` closes each at its end.
    pub pool: Option<PoolOptions>,
    /// Whether the metadata is read that a server which refuses us points to, on hosts that it names.
    pub auth_metadata: bool,
    /// Whether each server is asked in several ways, to see whether its answer depends on who asks and how. Up
    /// to sixteen conversations more a target, each with the target's whole time.
    pub differential: bool,
}

impl Default for ScanOptions {
    fn default() -> ScanOptions {
        ScanOptions {
            wire: WireOptions::default(),
            timeout: Duration::from_secs(30),
            max_duration: None,
            max_retries: 3,
            width: Width::auto(std::thread::available_parallelism().map_or(2, NonZero::get)),
            batches: None,
            memory: Memory::default(),
            protocol_version: None,
            assessment: options::Policy::default(),
            claim: Claim::Groups,
            pool: None,
            auth_metadata: true,
            differential: false,
        }
    }
}

/// What happens during a scan, told on the calling thread.
#[derive(Debug)]
pub enum Heard {
    /// The target of this number (its place in the list) is done.
    Ended(usize, Box<Outcome>),
    /// Nothing happened for a quarter of a second.
    Quiet,
    /// All targets are done. What follows, at most two seconds, is the end of the servers that were started.
    Complete(Tally),
}

/// The scan could not begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScanError {
    /// A certificate or key of the options cannot be used: which, and why.
    Certificates(String),
}

impl std::fmt::Display for ScanError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ScanError::Certificates(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for ScanError {}

/// Introspects every one of `targets` and tells `each`. Every target gets exactly one outcome, whatever
/// happens to it; tripping `cancel` makes the rest of them `not_evaluated`.
pub fn scan(
    targets: Vec<Target>,
    options: ScanOptions,
    cancel: &Cancel,
    each: impl FnMut(Heard),
) -> Result<Tally, ScanError> {
    let scanner = Scanner::new(options, cancel)?;
    let tally = scanner.scan(targets, each);
    scanner.finish();
    Ok(tally)
}

/// What scans have in common that follow each other: connections, processes, how targets are treated.
pub struct Scanner {
    asker: Arc<Asker>,
    assessment: options::Policy,
    cancel: Cancel,
    width: Width,
    gauge: Gauge,
    batches: Option<Batches>,
    memory: Memory,
    /// Idle connections that are kept, for the count of open files.
    idle: usize,
    max_duration: Option<Duration>,
}

impl Scanner {
    /// Reads the certificates; connects to nothing and starts nothing.
    pub fn new(options: ScanOptions, cancel: &Cancel) -> Result<Scanner, ScanError> {
        if options.memory.frugal {
            memory::be_frugal();
        }
        // Differences are findings: where nothing is judged they are not looked for.
        let differential = options.differential && options.assessment.risk;
        let options = ScanOptions { differential, ..options };
        Ok(Scanner {
            asker: Arc::new(Asker::new(&options, cancel)?),
            idle: options.wire.http.pool_size,
            assessment: options.assessment,
            cancel: cancel.clone(),
            width: options.width,
            gauge: Gauge::default(),
            batches: options.batches,
            memory: options.memory,
            max_duration: options.max_duration,
        })
    }

    /// Targets at a time from now on: what there is room for depends on them.
    pub(crate) fn set_width(&mut self, width: Width) {
        self.width = width;
    }

    /// One scan. Every target gets exactly one outcome, whatever happens to it.
    pub fn scan(&self, targets: Vec<Target>, mut each: impl FnMut(Heard)) -> Tally {
        let run_ends = self.max_duration.map(Deadline::after);
        let targets: Arc<[Target]> = targets.into();
        let shape = self.shape(&targets);
        let portion = self.batches.map_or(targets.len(), |b| b.size).max(1);
        let mut tally = Tally::default();
        // What was read to make the plan.
        if self.memory.give_back_every.is_some() {
            memory::give_back();
        }
        for first in (0..targets.len()).step_by(portion) {
            if let Some(batches) = self.batches.filter(|_| first > 0) {
                self.pause(batches.pause, run_ends, &mut each);
            }
            let work = {
                let (targets, asker) = (targets.clone(), self.asker.clone());
                let assessment = self.assessment.clone();
                move |_, at: usize| {
                    let mut outcome = Box::new(asker.ask(&targets[at], run_ends));
                    judge(&targets[at], &mut outcome, &assessment);
                    outcome
                }
            };
            let last = targets.len().min(first + portion);
            engine::run(first..last, shape, &self.gauge, work, |event| match event {
                Event::Ended(number, result) => {
                    let at = first + number;
                    let outcome = result.unwrap_or_else(|panic| Box::new(defect(&targets[at], &panic)));
                    tally.add(&outcome);
                    each(Heard::Ended(at, outcome));
                    if self.memory.give_back_every.is_some_and(|n| tally.targets % n == 0) {
                        memory::give_back();
                    }
                }
                Event::Quiet => {
                    self.tend();
                    each(Heard::Quiet);
                }
            });
        }
        each(Heard::Complete(tally));
        tally
    }

    /// The pool for `targets`.
    fn shape(&self, targets: &[Target]) -> Shape {
        let processes = targets.iter().any(|t| matches!(t.endpoint, Endpoint::Stdio(_)));
        let remote = targets.iter().any(|t| matches!(t.endpoint, Endpoint::Remote(_)));
        // Servers elsewhere that keep us waiting must not make hundreds of processes start at once.
        let width = if processes && remote { self.width.mixed() } else { self.width };
        let width = width.within(targets.len());
        let width = width.within(preflight::fitting(width.start(), width.most(), targets, self.idle));
        Shape {
            width,
            least: width.start(),
            processes,
            stack: if self.memory.frugal { engine::STACK / 2 } else { engine::STACK },
        }
    }

    /// Between two portions. Progress goes on; the run's end and its switch end the pause.
    fn pause(&self, pause: Duration, run_ends: Option<Deadline>, each: &mut impl FnMut(Heard)) {
        if self.memory.give_back_every.is_some() {
            memory::give_back();
        }
        let by = run_ends.map_or(Deadline::after(pause), |end| end.within(pause));
        while !by.passed() && !self.cancel.sleep(by.within(engine::WHILE)) {
            each(Heard::Quiet);
        }
    }

    /// Introspects one target on this thread.
    pub fn introspect(&self, target: &Target) -> Outcome {
        let mut outcome = self.asker.ask(target, None);
        judge(target, &mut outcome, &self.assessment);
        outcome
    }

    /// What the transports and the pool did so far.
    pub fn vitals(&self) -> Vitals {
        let (width, width_peak) = (self.gauge.now(), self.gauge.peak());
        Vitals { width, width_peak, ..self.asker.vitals() }
    }

    /// Looks after the sessions that are kept: closes those whose time is over, drops those that are dead. To
    /// be called now and then by whoever lets time pass between scans; takes two seconds at most.
    pub fn tend(&self) {
        self.asker.tend();
    }

    /// Waits, at most two seconds, until every server that was started is gone.
    pub fn finish(self) {
        Asker::finish(self.asker);
    }
}

/// Judges what was found, beside what the asking itself found.
pub(crate) fn judge(target: &Target, outcome: &mut Outcome, assessment: &options::Policy) {
    let before = std::mem::take(&mut outcome.findings);
    analysis::judge(target, outcome, assessment);
    if !before.is_empty() {
        outcome.findings.extend(before);
        worst_first(&mut outcome.findings);
    }
}

fn defect(target: &Target, panic: &str) -> Outcome {
    let message = format!("hawkeye failed, please report this: {}", quote(panic, 300));
    Outcome {
        status: Status::Failed,
        failure: Some(Failure { kind: FailureKind::Internal, phase: Phase::Config, message }),
        ..probe::blank(target, &target.redaction())
    }
}
