//! Floor 4: targets in, outcomes out. What a program that embeds hawkeye calls, and what the binary calls.

use std::sync::Arc;
use std::time::Duration;

use crate::base::text::quote;
use crate::base::time::Deadline;
use crate::engine::{self, Event};
use crate::model::outcome::{Failure, FailureKind, Outcome, Phase, Status};
use crate::model::revision::Revision;
use crate::model::run::{Tally, Vitals};
use crate::model::target::Target;
use crate::preflight;
use crate::probe::{self, Policy};
use crate::sys::cancel::Cancel;
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
    cancel: Cancel,
    concurrency: usize,
    /// Idle connections that are kept, for the count of open files.
    idle: usize,
    max_duration: Option<Duration>,
}

impl Scanner {
    /// Reads the certificates; connects to nothing and starts nothing.
    pub fn new(options: ScanOptions, cancel: &Cancel) -> Result<Scanner, ScanError> {
        check_certificates(&options.wire.tls).map_err(ScanError::Certificates)?;
        let idle = options.wire.http.pool_size;
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
            cancel: cancel.clone(),
            concurrency: options.concurrency,
            idle,
            max_duration: options.max_duration,
        })
    }

    /// One scan. Every target gets exactly one outcome, whatever happens to it.
    pub fn scan(&self, targets: Vec<Target>, mut each: impl FnMut(Heard)) -> Tally {
        let threads = preflight::fitting(self.concurrency.min(targets.len()), &targets, self.idle);
        let run_ends = self.max_duration.map(Deadline::after);
        let targets: Arc<[Target]> = targets.into();
        let mut tally = Tally::default();
        let work = {
            let (targets, carriers) = (targets.clone(), self.carriers.clone());
            let (policy, cancel) = (self.policy.clone(), self.cancel.clone());
            move |_, at: usize| Box::new(probe::probe(&targets[at], &carriers, &policy, run_ends, &cancel))
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
        probe::probe(target, &self.carriers, &self.policy, None, &self.cancel)
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

fn defect(target: &Target, panic: &str) -> Outcome {
    let message = format!("hawkeye failed, please report this: {}", quote(panic, 300));
    Outcome {
        status: Status::Failed,
        failure: Some(Failure { kind: FailureKind::Internal, phase: Phase::Config, message }),
        ..probe::blank(target, &target.redaction())
    }
}
