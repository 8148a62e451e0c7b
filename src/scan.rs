//! Floor 4: targets in, outcomes out. What a program that embeds hawkeye calls, and what the binary calls.

use std::sync::Arc;
use std::time::Duration;

use crate::analysis::{self, options};
use crate::base::text::quote;
use crate::base::time::Deadline;
use crate::engine::{self, Event};
use crate::model::outcome::{Failure, FailureKind, Outcome, Phase, Status};
use crate::model::revision::Revision;
use crate::model::run::{Tally, Vitals};
use crate::model::target::Target;
use crate::probe::{self, Policy};
use crate::sys::cancel::Cancel;
use crate::sys::limits::raise_open_files;
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
    pub concurrency: usize,
    /// The only revision to speak, where a target pins none itself.
    pub protocol_version: Option<Revision>,
    /// What is judged, and how deep.
    pub assessment: options::Policy,
    /// How much of the process table the scan may claim.
    pub claim: Claim,
}

impl Default for ScanOptions {
    fn default() -> ScanOptions {
        ScanOptions {
            wire: WireOptions::default(),
            timeout: Duration::from_secs(30),
            max_duration: None,
            max_retries: 3,
            concurrency: std::thread::available_parallelism().map_or(4, |n| (n.get() * 2).min(20)),
            protocol_version: None,
            assessment: options::Policy::default(),
            claim: Claim::Groups,
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

/// Descriptors one target may need: three pipes both ways while it starts, and a pidfd.
const DESCRIPTORS: usize = 8;
/// Descriptors of our own.
const OWN_DESCRIPTORS: usize = 20;

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
    carriers: Arc<Carriers>,
    policy: Arc<Policy>,
    assessment: options::Policy,
    cancel: Cancel,
    concurrency: usize,
    max_duration: Option<Duration>,
}

impl Scanner {
    /// Reads the certificates; connects to nothing and starts nothing.
    pub fn new(options: ScanOptions, cancel: &Cancel) -> Result<Scanner, ScanError> {
        check_certificates(&options.wire.tls).map_err(ScanError::Certificates)?;
        let run = format!("{:016x}", fastrand::u64(..));
        let carriers = Carriers::new(options.wire, run, options.claim, cancel.clone());
        let policy = Policy {
            timeout: options.timeout,
            max_retries: options.max_retries,
            pin: options.protocol_version,
        };
        Ok(Scanner {
            carriers: Arc::new(carriers),
            policy: Arc::new(policy),
            assessment: options.assessment,
            cancel: cancel.clone(),
            concurrency: options.concurrency,
            max_duration: options.max_duration,
        })
    }

    /// One scan. Every target gets exactly one outcome, whatever happens to it.
    pub fn scan(&self, targets: Vec<Target>, mut each: impl FnMut(Heard)) -> Tally {
        let threads = fitting(self.concurrency.min(targets.len()));
        let run_ends = self.max_duration.map(Deadline::after);
        let targets: Arc<[Target]> = targets.into();
        let mut tally = Tally::default();
        let work = {
            let (targets, carriers) = (targets.clone(), self.carriers.clone());
            let (policy, cancel) = (self.policy.clone(), self.cancel.clone());
            let assessment = self.assessment;
            move |_, at: usize| {
                let target = &targets[at];
                let mut outcome = Box::new(probe::probe(target, &carriers, &policy, run_ends, &cancel));
                analysis::judge(target, &mut outcome, &assessment);
                outcome
            }
        };
        engine::run(0..targets.len(), threads, work, |event| match event {
            Event::Ended(at, result) => {
                let outcome = result.unwrap_or_else(|panic| Box::new(defect(&targets[at], &panic)));
                tally.add(&outcome);
                each(Heard::Ended(at, outcome));
            }
            Event::Quiet => each(Heard::Quiet),
        });
        each(Heard::Complete(tally));
        tally
    }

    /// Introspects one target on this thread.
    pub fn introspect(&self, target: &Target) -> Outcome {
        let mut outcome = probe::probe(target, &self.carriers, &self.policy, None, &self.cancel);
        analysis::judge(target, &mut outcome, &self.assessment);
        outcome
    }

    /// What the transports did so far.
    pub fn vitals(&self) -> Vitals {
        self.carriers.vitals()
    }

    /// Waits, at most two seconds, until every server that was started is gone.
    pub fn finish(self) {
        if let Some(carriers) = Arc::into_inner(self.carriers) {
            carriers.finish();
        }
    }
}

/// As many threads as the limit of open files has room for.
fn fitting(wanted: usize) -> usize {
    let needed = wanted * DESCRIPTORS + OWN_DESCRIPTORS;
    let open_files = usize::try_from(raise_open_files(needed as u64)).unwrap_or(usize::MAX);
    let fit = (open_files.saturating_sub(OWN_DESCRIPTORS) / DESCRIPTORS).max(1);
    if fit < wanted {
        log::warn!("only {fit} targets at a time: {open_files} open files are allowed (ulimit -n {needed})");
    }
    wanted.min(fit)
}

fn defect(target: &Target, panic: &str) -> Outcome {
    let message = format!("hawkeye failed, please report this: {}", quote(panic, 300));
    Outcome {
        status: Status::Failed,
        failure: Some(Failure { kind: FailureKind::Internal, phase: Phase::Config, message }),
        ..probe::blank(target, &target.redaction())
    }
}
