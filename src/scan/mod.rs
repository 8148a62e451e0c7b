//! Floor 4: targets in, outcomes out. What a program that embeds hawkeye calls, and what the binary calls.

mod differential;

use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use crate::analysis::{self, options};
use crate::base::text::quote;
use crate::base::time::Deadline;
use crate::engine::options::{Batches, Memory, Width};
use crate::engine::{self, Event, Gauge, Shape};
use crate::mcp::outgoing::Client;
use crate::model::outcome::{Failure, FailureKind, Outcome, Phase, Status};
use crate::model::pool::PoolOptions;
use crate::model::revision::Revision;
use crate::model::run::{Tally, Vitals};
use crate::model::target::{Endpoint, Target};
use crate::preflight;
use crate::probe::{self, Kept, Policy};
use crate::sys::cancel::Cancel;
use crate::sys::limits::raise_open_files;
use crate::sys::memory;
use crate::transport::carriers::Carriers;
use crate::transport::http::check_certificates;
use crate::transport::options::WireOptions;
use crate::transport::stdio::launch::Claim;

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

/// Descriptors of a process that is kept: three pipes and a pidfd.
const KEPT_DESCRIPTORS: usize = 4;
/// Descriptors that are our own, whatever is scanned: streams, reports, the databases and their locks.
const OWN_DESCRIPTORS: usize = 28;

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
    /// Dropped before what their wires come from.
    kept: Option<Arc<Kept>>,
    carriers: Arc<Carriers>,
    policy: Arc<Policy>,
    assessment: options::Policy,
    cancel: Cancel,
    width: Width,
    gauge: Gauge,
    batches: Option<Batches>,
    memory: Memory,
    /// Idle connections that are kept, for the count of open files.
    idle: usize,
    max_duration: Option<Duration>,
    differential: bool,
}

impl Scanner {
    /// Reads the certificates; connects to nothing and starts nothing.
    pub fn new(options: ScanOptions, cancel: &Cancel) -> Result<Scanner, ScanError> {
        check_certificates(&options.wire.tls).map_err(ScanError::Certificates)?;
        if options.memory.frugal {
            memory::be_frugal();
        }
        let idle = options.wire.http.pool_size;
        let run = format!("{:016x}", fastrand::u64(..));
        let carriers = Carriers::new(options.wire, run, options.claim, cancel.clone());
        let policy = Policy {
            timeout: options.timeout,
            max_retries: options.max_retries,
            pin: options.protocol_version,
            auth_metadata: options.auth_metadata,
            client: Client::Hawkeye,
        };
        Ok(Scanner {
            kept: options.pool.map(|pool| Arc::new(Kept::new(keepable(pool)))),
            carriers: Arc::new(carriers),
            policy: Arc::new(policy),
            assessment: options.assessment,
            cancel: cancel.clone(),
            width: options.width,
            gauge: Gauge::default(),
            batches: options.batches,
            memory: options.memory,
            idle,
            max_duration: options.max_duration,
            differential: options.differential,
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
                let (targets, carriers) = (targets.clone(), self.carriers.clone());
                let (policy, cancel, kept) = (self.policy.clone(), self.cancel.clone(), self.kept.clone());
                let assessment = self.assessment.clone();
                let differential = self.differential && assessment.risk;
                move |_, at: usize| {
                    let (target, kept) = (&targets[at], kept.as_deref());
                    let mut outcome =
                        Box::new(probe::probe(target, &carriers, kept, &policy, run_ends, &cancel));
                    analysis::judge(target, &mut outcome, &assessment);
                    if differential {
                        differential::look(target, &policy, &mut outcome, |target, policy| {
                            probe::probe(target, &carriers, None, policy, run_ends, &cancel)
                        });
                    }
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
        let kept = self.kept.as_deref();
        let mut outcome = probe::probe(target, &self.carriers, kept, &self.policy, None, &self.cancel);
        analysis::judge(target, &mut outcome, &self.assessment);
        outcome
    }

    /// What the transports and the pool did so far.
    pub fn vitals(&self) -> Vitals {
        Vitals {
            sessions_idle: self.kept.as_ref().map_or(0, |kept| kept.idle()) as u64,
            width: self.gauge.now(),
            width_peak: self.gauge.peak(),
            ..self.carriers.vitals()
        }
    }

    /// Looks after the sessions that are kept: closes those whose time is over, drops those that are dead. To
    /// be called now and then by whoever lets time pass between scans; takes two seconds at most.
    pub fn tend(&self) {
        if let Some(kept) = &self.kept {
            kept.tend(&self.cancel);
        }
    }

    /// Waits, at most two seconds, until every server that was started is gone.
    pub fn finish(self) {
        if let Some(kept) = self.kept {
            kept.end(&self.cancel);
        }
        if let Some(carriers) = Arc::into_inner(self.carriers) {
            carriers.finish();
        }
    }
}

/// As many sessions as half of the open files has room for: the other half is for the scan.
fn keepable(pool: PoolOptions) -> PoolOptions {
    let wanted = pool.max_connections.saturating_mul(KEPT_DESCRIPTORS * 2);
    let open_files = usize::try_from(raise_open_files(wanted as u64)).unwrap_or(usize::MAX);
    let fit = (open_files.saturating_sub(OWN_DESCRIPTORS) / (KEPT_DESCRIPTORS * 2)).max(1);
    if fit < pool.max_connections {
        log::warn!("only {fit} sessions are kept: {open_files} open files are allowed (ulimit -n {wanted})");
    }
    PoolOptions { max_connections: pool.max_connections.min(fit), ..pool }
}

fn defect(target: &Target, panic: &str) -> Outcome {
    let message = format!("hawkeye failed, please report this: {}", quote(panic, 300));
    Outcome {
        status: Status::Failed,
        failure: Some(Failure { kind: FailureKind::Internal, phase: Phase::Config, message }),
        ..probe::blank(target, &target.redaction())
    }
}
